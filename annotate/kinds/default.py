"""Defaults of parameters: `def f(lr=0.1):`, also of a lambda."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds.target import Target
from annotate.tree import Tree

KIND = "default"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Param) and node.default is not None:
        yield Target(KIND, node.name.value, node.default)
