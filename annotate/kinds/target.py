"""Targets: annotatable values and their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from annotate.snippets import fingerprint, fold, literal
from annotate.tree import Tree


@dataclass(frozen=True, slots=True)
class Target:
    """A value with its name.

    `source` is the name as code, if it is code (`self.lr`). `problem` is the code, message and hint
    of the mistake if the value cannot be annotated, and `at` the node to point at.
    """

    kind: str
    name: str
    value: cst.BaseExpression
    source: str = ""
    problem: tuple[str, str, str] | None = None
    at: cst.CSTNode | None = None

    def is_named(self, name: str, is_text: bool) -> bool:
        """Whether `name=` means this target; `is_text` if it was written as a string."""
        if is_text or name == self.name:
            return name == self.name
        return bool(self.source) and fingerprint(name) == fingerprint(self.source)


def text_of(node: cst.BaseExpression | None) -> str | None:
    """The value of a string literal; None for anything else."""
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        known, value = literal(node)
        return str(value) if known else None
    return None


def named_by_code(
    kind: str, tree: Tree, target: cst.BaseExpression, value: cst.BaseExpression
) -> Target:
    start, end = tree.inner(target)
    name = tree.text[start:end]
    if "\n" in name or "\r" in name:
        name = fold(tree, target)
    return Target(kind, name, value, name)


def inside(node: cst.CSTNode, deep: bool) -> Iterator[cst.CSTNode]:
    """The node of a logical line and all nodes in it, in order; with `deep`, also of its body."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        children = node.children
        if not deep:
            children = [child for child in children if not _has_own_line(node, child)]
        waiting += reversed(children)


def _has_own_line(node: cst.CSTNode, child: cst.CSTNode) -> bool:
    # An `elif` is an If in an If, with no block between them.
    elif_ = isinstance(child, cst.If) and isinstance(node, cst.If)
    return elif_ or isinstance(child, LINES)


#: Parts of a compound statement that have lines of their own.
LINES = (
    cst.IndentedBlock,
    cst.Decorator,
    cst.Else,
    cst.Finally,
    cst.ExceptHandler,
    cst.ExceptStarHandler,
    cst.MatchCase,
)
