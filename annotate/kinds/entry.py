"""Dict entries such as `"lr": 0.1,`, named by the text of the key."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target, text_of
from annotate.snippets import fold
from annotate.tree import Tree

KIND = "entry"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.DictElement):
        source = fold(tree, node.key)
        yield Target(KIND, text_of(node.key) or source, node.value, source)


VALID = [
    Valid(
        "named by the key's text",
        "config = {\n    'lr': 0.1,  # @nni.uniform(0, 1)\n}\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "with a comment line above it",
        "config = {\n    # @nni.variable(nni.choice(16, 32), name='batch size')\n"
        "    'batch size': 16,\n}\n",
        {"batch size/choice": [16, 32]},
    ),
]

INVALID = [
    Invalid(
        "two entries on one line",
        "config = {\n    'a': 1, 'b': 2,  # @nni.choice(1, 2)\n}\n",
        "A407",
        "choice",
    ),
]
