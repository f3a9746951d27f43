"""Finds what becomes of an annotated variable: whether the script replaces its value unread.

Reads only the syntax tree. `replacement` finds what is certain before any trial runs. `unread`
tells whether a value that turns out to be replaced cannot have been used before.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_LEAVES = (ast.Break, ast.Continue)
#: Functions that may read or write any variable of the module.
_ANY_NAME = frozenset({"exec", "eval", "globals", "locals"})
_Assignment = ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True)
class _Site:
    """Where the annotated assignment is: its block, the position in it, and the scope around it."""

    block: Sequence[ast.stmt]
    index: int
    owner: ast.AST
    scope: ast.AST

    @property
    def statement(self) -> ast.stmt:
        return self.block[self.index]


def parse(code: bytes) -> ast.Module | None:
    """The syntax tree; None for code that does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def replacement(tree: ast.Module, target: str, line: int) -> int | None:
    """The line that is certain to replace the value of `target` on `line` before it is read."""
    assignment = _find(tree, target, line)
    if assignment is None or isinstance(assignment.owner, ast.Try):
        return None
    shared = isinstance(assignment.scope, ast.Module) and _in_functions(assignment.scope, target)
    for statement in assignment.block[assignment.index + 1 :]:
        if _replaces(statement, target):
            return statement.lineno
        nodes = list(ast.walk(statement))
        calls = any(isinstance(node, ast.Call) for node in nodes)
        if _mentions(nodes, target) or (shared and calls) or _leaves(statement, nodes):
            return None
    return None


def unread(tree: ast.Module, target: str, line: int) -> bool:
    """Whether nothing reads `target`, assigned on `line`, before the script may set it again.

    If so, and it has another value at the end, the value of `line` had no effect.
    """
    assignment = _find(tree, target, line)
    if assignment is None or isinstance(assignment.scope, ast.ClassDef):
        return False
    stores = list(_stores(assignment, target))
    if not stores:
        return False
    start, end = _start(assignment), max(_end(assignment.scope, node) for node in stores)
    harmless = {id(node) for store in stores for node in _own_value(assignment, store)}
    return not any(
        node.lineno <= end and (inner or node.lineno > start)
        for node, inner in _reads(assignment.scope, target)
        if id(node) not in harmless
    )


def attribute_unread(trees: Sequence[ast.Module], name: str) -> bool:
    """Whether no file reads the attribute `name` before another value is set, or elsewhere."""
    for tree in trees:
        end = max((_end(tree, n) for n in _attributes(tree, name, ast.Store)), default=0)
        reads = [(t, n) for t in trees for n in _attributes(t, name, ast.Load)]
        if end and any(other is not tree or node.lineno <= end for other, node in reads):
            return False
    return True


def set_from_outside(tree: ast.Module, others: Sequence[ast.Module], name: str) -> bool:
    """Whether only other files use the variable `name` of a module, after they set it."""
    sets = any(True for other in others for _ in _attributes(other, name, ast.Store))
    return sets and attribute_unread(others, name) and not any(_reads(tree, name))


def _attributes(
    tree: ast.Module, name: str, context: type[ast.expr_context]
) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, context):
            yield node


# The annotated assignment


def _find(tree: ast.Module, target: str, line: int) -> _Site | None:
    waiting: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    match = None
    while waiting:
        node, scope = waiting.pop()
        inner = node if isinstance(node, _SCOPES) else scope
        for _, value in ast.iter_fields(node):
            block = value if isinstance(value, list) else [value]
            for index, child in enumerate(block):
                if not isinstance(child, ast.AST):
                    continue
                waiting.append((child, inner))
                if isinstance(child, ast.Assign | ast.AnnAssign) and _assigns(child, target, line):
                    match = _Site(block, index, node, inner)
    return match


def _assigns(statement: _Assignment, target: str, line: int) -> bool:
    within = statement.lineno <= line <= (statement.end_lineno or 0)
    return within and target in map(ast.unparse, _targets(statement))


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return [statement.target]
    return []


# Certain replacement


def _replaces(statement: ast.stmt, target: str) -> bool:
    """Whether the statement sets the target and does not read it."""
    parts = [
        part
        for whole in _targets(statement)
        for part in (whole.elts if isinstance(whole, ast.Tuple | ast.List) else [whole])
    ]
    value = getattr(statement, "value", None)
    if target not in map(ast.unparse, parts) or value is None:
        return False
    return not _mentions(list(ast.walk(value)), target)


def _mentions(nodes: Sequence[ast.AST], target: str) -> bool:
    """Whether the nodes may use the target: its first name, its text, or any name at all."""
    first = target.partition(".")[0].partition("[")[0]
    simple = first == target
    for node in nodes:
        match node:
            case ast.Name(id=name) if name == first or name in _ANY_NAME:
                return True
            case ast.Constant(value=str(text)) if text == target:
                return True
            case ast.Global(names=names) | ast.Nonlocal(names=names) if first in names:
                return True
            case ast.Call() if not simple:  # the object may be known under another name
                return True
            case ast.alias(name="*"):
                return True
    return False


def _leaves(statement: ast.stmt, nodes: Sequence[ast.AST]) -> bool:
    """Whether the rest of the block may be left out while the code behind it runs."""
    if isinstance(statement, ast.Return | ast.Raise | ast.Try):
        return True
    return any(isinstance(node, _LEAVES) for node in nodes)


def _in_functions(scope: ast.AST, name: str) -> bool:
    return any(inner for _, inner in _reads(scope, name))


# Reads and writes


def _reads(scope: ast.AST, name: str) -> Iterator[tuple[ast.Name, bool]]:
    """Each place that reads `name`, and whether it is in a function of its own."""
    waiting: list[tuple[ast.AST, bool]] = [(child, False) for child in ast.iter_child_nodes(scope)]
    while waiting:
        node, inner = waiting.pop()
        match node:
            case ast.Name(ctx=ast.Load() | ast.Del()) if node.id == name:
                yield node, inner
            case ast.AugAssign(target=ast.Name() as changed) if changed.id == name:
                yield changed, inner
        inner = inner or isinstance(node, _SCOPES)
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]


def _stores(assignment: _Site, name: str) -> Iterator[ast.AST]:
    """What may set `name` again: an assignment, or a call that may set any name."""
    first = assignment.statement
    at_top = isinstance(assignment.scope, ast.Module)
    for node in ast.walk(assignment.scope):
        if getattr(node, "lineno", 0) <= (first.end_lineno or first.lineno):
            continue
        match node:
            case ast.Name(ctx=ast.Store()) if node.id == name:
                yield node
            case ast.Name(id=called) if at_top and called in _ANY_NAME:
                yield node
            case ast.ImportFrom(names=[ast.alias(name="*")]) if at_top:
                yield node


def _start(assignment: _Site) -> int:
    """The line after which code may run behind the annotated statement, again in a loop."""
    line = assignment.statement.lineno
    return min([line, *(loop.lineno - 1 for loop in _loops(assignment.scope, line))])


def _end(scope: ast.AST, node: ast.AST) -> int:
    """The line after which `node` does not run again: that of the outermost loop around it."""
    line = getattr(node, "lineno", 0)
    return max([line, *(loop.end_lineno or 0 for loop in _loops(scope, line))])


def _loops(scope: ast.AST, line: int) -> Iterator[ast.stmt]:
    """The loops around `line`."""
    for node in ast.walk(scope):
        if isinstance(node, _LOOPS) and node.lineno <= line <= (node.end_lineno or 0):
            yield node


def _own_value(assignment: _Site, store: ast.AST) -> Iterator[ast.AST]:
    """The value of `x = f(x)` in the annotated block: what it reads goes into the new value."""
    for statement in assignment.block[assignment.index + 1 :]:
        if any(store is part for part in _targets(statement)):
            yield from ast.walk(statement)
