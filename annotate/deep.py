"""Deep expressions, such as a sum of 5,000 terms, recognised before libcst parses them.

libcst's time grows with the square of an expression's depth, and its stack is limited. Where no
annotation can mean the expression, a name of the same extent takes its place; elsewhere it is a
mistake.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from annotate import lexer
from annotate.lexer import Token

#: Deeper expressions are replaced where they hold no annotation.
DEEP = 100
#: Deeper expressions would take libcst seconds.
DEEPEST = 1000
#: More `elif` clauses would overflow libcst's stack.
MOST_CLAUSES = 2000

_ANNOTATION = re.compile(r"@\s*nni", re.IGNORECASE)
#: Words that nest what follows, and others that a bracket can follow without calling anything.
_NESTING = frozenset(["not", "lambda", "await", "if", "and", "or"])
_KEYWORDS = _NESTING | {"else", "in", "is", "return", "yield", "for", "while", "assert", "del"}
_HALF_A_NUMBER = re.compile(r"\d[\d_]*[eE]")


@dataclass(frozen=True, slots=True)
class Chain:
    """A description of what is too deep for libcst, and its line (from 1)."""

    line: int
    text: str


def blanked(text: str, module: ast.Module) -> str:
    """The text with a name in place of each deep expression that no annotation can mean.

    Lines and offsets stay the same.
    """
    lines = text.split("\n")
    starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]

    def offset(line: int, column: int) -> int:  # `ast` counts columns in bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    pieces, done = [], 0
    for node in sorted(_blank(module, lines), key=lambda node: (node.lineno, node.col_offset)):
        start = offset(node.lineno, node.col_offset)
        end = offset(node.end_lineno or 0, node.end_col_offset or 0)
        pieces += [text[done:start], "(", re.sub(r"[^\r\n]", " ", text[start + 1 : end - 2]), "_)"]
        done = end
    return "".join([*pieces, text[done:]])


def too_deep(text: str, module: ast.Module | None) -> Chain | None:
    """The first thing in the text that is too deep for libcst; None if nothing is."""
    chain = _deepest_expression(text)
    if chain is None and module is not None:
        return _longest_if(module)
    return chain


def _blank(module: ast.Module, lines: list[str]) -> Iterator[ast.expr]:
    """The deep expressions of statements without annotations."""
    annotated = [n for n, line in enumerate(lines, 1) if _ANNOTATION.search(line)]
    for statement, first, last in _statements(module):
        if _is_text(statement):
            continue
        deep = [node for node in _expressions(statement) if _is_long(node) and _is_deep(node)]
        if deep and not any(first <= line <= last for line in annotated):
            yield from deep


def _statements(module: ast.Module) -> Iterator[tuple[ast.stmt, int, int]]:
    """Each statement, with the lines where an annotation can mean it or a part of its header."""
    waiting: list[tuple[list[ast.stmt], int]] = [(module.body, 1)]
    while waiting:
        body, first = waiting.pop()
        for statement in body:
            blocks = list(_blocks(statement))
            last = min((b[0].lineno for b in blocks), default=statement.end_lineno or 0)
            yield statement, min(first, statement.lineno), last
            waiting += [(block, statement.lineno) for block in blocks]
            if not _is_text(statement):  # that may be the annotation of the next statement
                first = (statement.end_lineno or 0) + 1


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(statement, name, None):
            yield block
    for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield clause.body


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """The outermost expressions of a simple statement, or of the header of a compound one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif not isinstance(child, ast.stmt):
            yield from _expressions(child)


def _is_long(node: ast.expr) -> bool:
    """Whether the expression is long enough to be deep."""
    several = node.lineno != node.end_lineno
    return several or (node.end_col_offset or 0) - node.col_offset > DEEP


def _is_deep(root: ast.expr) -> bool:
    """Whether libcst's tree is deep; it nests `a and b and c`, and strings side by side."""
    waiting: list[tuple[ast.AST, int]] = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.BoolOp):
            depth += len(node.values)
        elif isinstance(node, (ast.Constant, ast.JoinedStr)):
            depth += (node.end_lineno or 0) - node.lineno
        if depth > DEEP:
            return True
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return False


def _deepest_expression(text: str) -> Chain | None:
    """An expression that is too deep, judging by its tokens, because its syntax may be too new.

    Chains count as nesting: operators, attributes, calls, subscripts and strings.
    """
    links, starts = [0], [0]  # of the expression in each open bracket
    before = Token("newline", 0, "")
    for token in lexer.tokens(text):
        inside = len(links) > 1
        if token.kind in ("space", "comment") or (token.kind == "newline" and inside):
            continue
        if token.kind == "close" and inside:
            links.pop()
            starts.pop()
        elif token.kind == "newline" or token.text in (",", ";"):
            links[-1], starts[-1] = 0, token.end
        elif _nests(token, before):
            links[-1] += 1
            if links[-1] > DEEPEST:
                line = text.count("\n", 0, starts[-1]) + 1
                return Chain(line, f"an expression is more than {DEEPEST:,} operations deep")
        if token.kind == "open":
            links.append(0)
            starts.append(token.start)
        before = token
    return None


def _nests(token: Token, before: Token) -> bool:
    """Whether a token nests what comes before it, or what comes after."""
    if token.kind == "word":
        return token.text in _NESTING
    if token.kind == "string":
        return before.kind == "string"
    value = before.kind in ("close", "string") or (
        before.kind == "word" and before.text not in _KEYWORDS
    )
    if token.kind == "open":
        return value
    if token.text == ".":
        return value and not before.text[0].isdigit()
    twice = before.text == token.text and before.end == token.start
    if token.text in ("*", "/"):
        return not twice
    if token.text in ("<", ">"):
        return twice
    return token.text in "+-%@|&^~" and not _HALF_A_NUMBER.fullmatch(before.text)


def _longest_if(module: ast.Module) -> Chain | None:
    counted: set[int] = set()
    for statement, _, _ in _statements(module):
        clauses: ast.stmt = statement
        count = 0
        while (
            isinstance(clauses, ast.If) and len(clauses.orelse) == 1 and id(clauses) not in counted
        ):
            counted.add(id(clauses))
            clauses, count = clauses.orelse[0], count + 1
        if count > MOST_CLAUSES:
            return Chain(statement.lineno, f"`if` has more than {MOST_CLAUSES:,} `elif` clauses")
    return None
