"""Dict entries: `"lr": 0.1,`, named by the key's text."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.code import fold
from annotate.kinds.target import Target, text_of
from annotate.tree import Tree

KIND = "entry"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.DictElement):
        source = fold(tree, node.key)
        yield Target(KIND, text_of(node.key) or source, node.value, source)
