"""Keyword arguments of calls and class definitions: `SGD(p, lr=0.1)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from annotate.kinds import option
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target
from annotate.tree import Tree

KIND = "keyword"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.ClassDef):
        yield from _named(node.keywords)
    elif isinstance(node, cst.Call) and option.is_parameter_option(node, tree):
        yield from (target for target in _named(node.args) if target.name == "default")
    elif isinstance(node, cst.Call) and not option.is_option(node, tree):
        yield from _named(node.args)


def _named(arguments: Sequence[cst.Arg]) -> Iterator[Target]:
    for argument in arguments:
        if argument.keyword is not None:
            yield Target(KIND, argument.keyword.value, argument.value)


VALID = [
    Valid("of a call", "SGD(p, lr=0.1)  # @nni.uniform(0, 1)\n", {"lr/uniform": [0, 1]}),
    Valid(
        "on its own line",
        "opt = SGD(\n    p,\n    lr=0.1,  # @nni.uniform(0, 1)\n)\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "of a decorator",
        "@retry(times=3)  # @nni.randint(1, 9)\ndef f():\n    pass\n",
        {"times/randint": [1, 9]},
    ),
]

INVALID = [
    Invalid("a positional argument", "SGD(p, 0.1)  # @nni.uniform(0, 1)\n", "A402", "uniform"),
    Invalid(
        "above the statement",
        "# @nni.variable(nni.uniform(0, 1), name=lr)\nSGD(p, lr=0.1)\n",
        "A401",
        "variable",
    ),
]
