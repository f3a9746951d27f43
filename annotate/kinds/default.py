"""Parameter defaults of functions and lambdas: `def f(lr=0.1):`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds import option
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target
from annotate.tree import Tree

KIND = "default"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Param) and node.default is not None:
        yield Target(KIND, node.name.value, _value(node.default, tree))


def _value(default: cst.BaseExpression, tree: Tree) -> cst.BaseExpression:
    """The value of a default: of `typer.Option(0.1, "--rate")` the first argument."""
    if isinstance(default, cst.Call) and option.is_parameter_option(default, tree):
        first = next(iter(default.args), None)
        if first is not None and first.keyword is None and not first.star:
            return first.value
    return default


VALID = [
    Valid(
        "on the line of the `def`",
        "def train(epochs, lr=0.1):  # @nni.uniform(0, 1)\n    pass\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "typer: the option's first argument",
        "import typer\ndef main(lr: float = typer.Option(0.1, '--rate')):  # @nni.uniform(0, 1)\n"
        "    pass\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "on its own line",
        "def train(\n    *,\n    lr: float = 0.1,  # @nni.uniform(0, 1)\n): ...\n",
        {"lr/uniform": [0, 1]},
    ),
]

INVALID = [
    Invalid(
        "a parameter without a default",
        "def train(lr):  # @nni.uniform(0, 1)\n    pass\n",
        "A402",
        "uniform",
    ),
]
