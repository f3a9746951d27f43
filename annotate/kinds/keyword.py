"""Keyword arguments: `SGD(p, lr=0.1)`, also of a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from annotate.kinds import option
from annotate.kinds.target import Target
from annotate.tree import Tree

KIND = "keyword"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.ClassDef):
        yield from _named(node.keywords)
    elif isinstance(node, cst.Call) and not option.is_option(node):
        yield from _named(node.args)


def _named(arguments: Sequence[cst.Arg]) -> Iterator[Target]:
    for argument in arguments:
        if argument.keyword is not None:
            yield Target(KIND, argument.keyword.value, argument.value)
