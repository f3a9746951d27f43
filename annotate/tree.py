"""libcst's tree of a text, with the span of every node in characters.

libcst only locates nodes; its tree is never printed. Spans come from one run of its printer with a
state that counts characters instead of printing, which is much faster than libcst's own position
providers.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

import libcst as cst
from libcst._nodes.internal import CodegenState  # private, so setup.cfg bounds libcst

from annotate import deep, lexer

Span: TypeAlias = tuple[int, int]

#: CPython rejects deeper brackets, and libcst would overflow its stack.
DEEPEST = 200

TOO_DEEP = "the nesting is too deep"
SPLIT = "split it into several statements, or move it to a file without annotations"

_CLAUSES = (cst.Else, cst.Finally, cst.ExceptHandler, cst.ExceptStarHandler, cst.MatchCase)
_LINES = frozenset(
    [
        cst.SimpleStatementLine,
        *(cst.If, cst.For, cst.While, cst.With, cst.Try, cst.TryStar, cst.Match),
        *(cst.FunctionDef, cst.ClassDef, cst.Decorator),
        *_CLAUSES,
    ]
)
_FORMATTED = (cst.FormattedString, cst.TemplatedString)
_SEEN = _LINES | {cst.Comment, cst.Dict, cst.Expr, *_FORMATTED, cst.FormattedStringExpression}
# Text that libcst may lose: form feeds in indentation, the space in `except E :`.
_LOST = re.compile(r"[ \t\f]|\\(?:\r\n|\n)")
_UNFAITHFUL = "libcst cannot reproduce it exactly"


class Unparsable(Exception):
    """The text cannot be parsed; `line` and `col` are 0 if unknown, `hint` may be empty."""

    def __init__(self, message: str, line: int = 0, col: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.col, self.hint = message, line, col, hint


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: a simple statement, or the header of a compound one.

    `start` is its first token and `end` the end of its own tokens, so a header's body comes after
    it, unless the body is on the same line. A `clause` is an `else`, `except` or similar.
    """

    node: cst.CSTNode
    start: int
    end: int
    clause: bool
    opens: bool


class Tree:
    """A parsed text: spans of nodes, its comments, and its logical lines in order.

    In a whole file, a name stands for each deep expression that no annotation can mean.
    """

    def __init__(self, text: str, *, file: bool = False) -> None:
        """Raises Unparsable."""
        self.text = text
        # libcst treats a lone carriage return as a newline only in some places.
        plain = re.sub(r"\r(?!\n)", "\n", text)
        asked = _ask_cpython(plain)
        if file and isinstance(asked, ast.Module):
            plain = deep.blanked(plain, asked)
        self.module = _parse(plain, asked)
        walk = _Walk(self.module, plain)
        try:
            self.module._codegen(walk)
        except RecursionError:
            raise Unparsable(TOO_DEEP, hint=SPLIT) from None
        if text[walk.offset :].strip():
            raise Unparsable(_UNFAITHFUL)
        self._spans = walk.spans
        self._heads = walk.heads
        self.comments = walk.comments
        self.strings = walk.strings
        self.dicts = walk.dicts
        self._formatted = [(self.span(node), mark) for node, mark in walk.formatted]
        self.lines = sorted(
            (self._line(node, clause) for node, clause in walk.lines), key=lambda line: line.start
        )

    def span(self, node: cst.CSTNode) -> Span:
        """The span of a node, including parentheses around it."""
        return self._spans[id(node)]

    def inner(self, node: cst.CSTNode) -> Span:
        """The span of a node without parentheses around it, comments above it and indentation."""
        if head := self._heads.get(id(node)):
            return head
        start, end = self._spans[id(node)]
        if left := getattr(node, "lpar", ()):
            start = self._spans[id(left[-1])][1]
        if right := getattr(node, "rpar", ()):
            end = self._spans[id(right[0])][0]
        return start, end

    def value(self, node: cst.CSTNode) -> Span:
        """Like `inner`, but with the parentheses of a tuple, which are part of it."""
        if not isinstance(node, (cst.Tuple, cst.GeneratorExp)) or not node.lpar:
            return self.inner(node)
        return self._spans[id(node.lpar[-1])][0], self._spans[id(node.rpar[0])][1]

    def code(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def formatted(self, span: Span) -> Iterator[str]:
        """The quotes of the f-strings around a span, and "=" for a field that prints its code."""
        for (start, end), mark in self._formatted:
            if start <= span[0] and span[1] <= end:
                yield mark

    def _line(self, node: cst.CSTNode, clause: bool) -> Line:
        start, end = self.inner(node)
        body = getattr(node, "body", None)
        opens = False
        if isinstance(body, cst.IndentedBlock):
            end, opens = self.span(body)[0], True
        elif isinstance(body, cst.SimpleStatementSuite):
            end = self.span(body)[1]
        elif isinstance(node, cst.Match):
            end, opens = self.span(node.subject)[1], True
        return Line(node, start, end, clause, opens)


def _parse(text: str, asked: ast.Module | Unparsable) -> cst.Module:
    """Parse with libcst what CPython has parsed; raises Unparsable, with CPython's message."""
    refused = asked if isinstance(asked, Unparsable) else None
    if chain := deep.too_deep(text, None if isinstance(asked, Unparsable) else asked):
        raise Unparsable(chain.text, chain.line, hint=SPLIT)
    if refused and refused.line < 0:
        raise Unparsable(refused.message, hint=refused.hint)
    if refused and _deepest(text) > DEEPEST:
        raise Unparsable(TOO_DEEP, hint=SPLIT)
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        message = _first_line(error.message)
        raise refused or Unparsable(message, error.raw_line, error.raw_column) from None
    except (RecursionError, MemoryError):
        raise Unparsable(TOO_DEEP, hint=SPLIT) from None
    except Exception as error:  # libcst's own checks raise several kinds
        raise Unparsable(str(error) or type(error).__name__) from None


def _ask_cpython(text: str) -> ast.Module | Unparsable:
    """Parse with the running Python; line -1 of a refusal means that libcst must not try.

    CPython parses first because it survives nesting that overflows libcst's stack. Its grammar may
    be older than the file, so libcst has the last word on syntax errors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        if "too many nested" in str(error.msg):
            return Unparsable(TOO_DEEP, -1, hint=SPLIT)
        return Unparsable(str(error.msg), error.lineno or 0, max(0, (error.offset or 1) - 1))
    except (RecursionError, MemoryError):
        return Unparsable(TOO_DEEP, -1, hint=SPLIT)
    except ValueError as error:
        return Unparsable(str(error), -1)


def _deepest(text: str) -> int:
    depth = deepest = 0
    for token in lexer.tokens(text):
        if token.kind == "open":
            depth += 1
            deepest = max(deepest, depth)
        elif token.kind == "close":
            depth = max(0, depth - 1)
    return deepest


def _first_line(message: str) -> str:
    return message.partition("\n")[0].partition(": expected one of")[0]


class _Nothing:
    """A context manager that does nothing."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class _Head(_Nothing):
    """Records where the syntactic part of a node starts and ends."""

    __slots__ = ("_node", "_start", "_walk")

    def __init__(self, walk: _Walk, node: cst.CSTNode) -> None:
        self._walk, self._node = walk, node

    def __enter__(self) -> None:
        self._start = self._walk.offset

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._walk.heads[id(self._node)] = (self._start, self._walk.offset)


_NOTHING = _Nothing()


class _Walk(CodegenState):
    """libcst's printer state, which follows the text instead of printing it.

    It runs for every node of a file, so it compares classes instead of using `isinstance`.
    """

    def __init__(self, module: cst.Module, text: str) -> None:
        super().__init__(module.default_indent, module.default_newline)
        # With an empty list, libcst would take the text for an empty file.
        self.tokens = [""]
        self.offset = 0
        self._text = text
        self._before = 0
        self.spans: dict[int, Span] = {}
        self.heads: dict[int, Span] = {}
        self.comments: list[tuple[int, str]] = []
        self.strings: list[cst.Expr] = []
        self.dicts: list[cst.Dict] = []
        self.formatted: list[tuple[cst.CSTNode, str]] = []
        self.lines: list[tuple[cst.CSTNode, bool]] = []
        self._open: list[tuple[cst.CSTNode, int]] = []

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.add_token(token)

    def add_token(self, value: str) -> None:
        self._before = self.offset
        if self._text.startswith(value, self.offset):
            self.offset += len(value)
        else:
            self._find(value)

    def _find(self, value: str) -> None:
        """Skip white space that libcst lost, up to the token."""
        place = self.offset
        while lost := _LOST.match(self._text, place):
            place = lost.end()
            if self._text.startswith(value, place):
                self.offset = place + len(value)
                return
        if not value.isspace():
            raise Unparsable(_UNFAITHFUL)

    def pop_trailing_newline(self) -> None:
        self.offset = self._before

    def before_codegen(self, node: cst.CSTNode) -> None:
        self._open.append((node, self.offset))

    def after_codegen(self, node: cst.CSTNode) -> None:
        start = self._open.pop()[1]
        self.spans[id(node)] = (start, self.offset)
        kind = node.__class__
        if kind in _SEEN:
            self._see(node, start)

    def _see(self, node: cst.CSTNode, start: int) -> None:
        if isinstance(node, cst.Comment):
            self.comments.append((start, node.value))
        elif isinstance(node, cst.Dict):
            self.dicts.append(node)
        elif isinstance(node, _FORMATTED):
            self.formatted.append((node, node.quote))
        elif isinstance(node, cst.FormattedStringExpression):
            if node.equal is not None:
                self.formatted.append((node, "="))
        elif isinstance(node, cst.Expr):
            if isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString)):
                self.strings.append(node)
        else:
            elif_ = isinstance(node, cst.If) and isinstance(self._open[-1][0], cst.If)
            self.lines.append((node, elif_ or isinstance(node, _CLAUSES)))

    def record_syntactic_position(  # type: ignore[override]
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> _Nothing:
        return _Head(self, node) if node.__class__ in _LINES else _NOTHING
