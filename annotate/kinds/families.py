"""All families of targets: every annotatable value of a logical line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import libcst as cst

from annotate.kinds import assignment, default, entry, keyword, option
from annotate.kinds.target import Target, inside
from annotate.source import Source
from annotate.tree import Tree

_FAMILIES: tuple[Callable[[cst.CSTNode, Tree], Iterator[Target]], ...] = (
    assignment.targets,
    keyword.targets,
    option.targets,
    entry.targets,
    default.targets,
)


@dataclass(frozen=True, slots=True)
class Located:
    """A target, and the first and last line of its value, with and without its brackets."""

    target: Target
    outer: tuple[int, int]
    inner: tuple[int, int]


def targets(node: cst.CSTNode, source: Source, tree: Tree) -> list[Located]:
    """Every target of a logical line."""
    return [
        Located(t, source.lines_of(tree.span(t.value)), source.lines_of(tree.inner(t.value)))
        for t in of(inside(node, False), tree)
    ]


def of(nodes: Iterable[cst.CSTNode], tree: Tree) -> Iterator[Target]:
    """The targets that are directly at these nodes."""
    for node in nodes:
        for family in _FAMILIES:
            yield from family(node, tree)
