"""Assignments `t = value` and `t: float = value` to a name, an attribute or a subscript."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target, named_by_code
from annotate.tree import Tree

KIND = "assignment"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Assign):
        yield from _assign(node, tree)
    elif isinstance(node, cst.AnnAssign) and node.value is not None:
        yield from _single(tree, node.target, node.value)
    elif isinstance(node, cst.AugAssign):
        problem = "A404", "an augmented assignment cannot be annotated", "write it as t = value"
        yield _refused(tree, node.target, node.value, problem)


def _assign(node: cst.Assign, tree: Tree) -> Iterator[Target]:
    if len(node.targets) == 1:
        yield from _single(tree, node.targets[0].target, node.value)
        return
    problem = "A405", "the assignment has several targets", "write separate assignments"
    for target in node.targets:
        yield _refused(tree, target.target, node.value, problem)


def _single(tree: Tree, target: cst.BaseExpression, value: cst.BaseExpression) -> Iterator[Target]:
    if isinstance(target, (cst.Name, cst.Attribute, cst.Subscript)):
        yield named_by_code(KIND, tree, target, value)
        return
    problem = "A403", "a tuple of targets cannot be annotated", "write one assignment per target"
    yield _refused(tree, target, value, problem)
    if isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield _refused(tree, element.value, value, problem)


def _refused(
    tree: Tree,
    target: cst.BaseExpression,
    value: cst.BaseExpression,
    problem: tuple[str, str, str],
) -> Target:
    name = tree.code(target)
    return Target(KIND, name, value, name, problem, target)


VALID = [
    Valid("a name", "lr = 0.1  # @nni.uniform(0, 1)\n", {"lr/uniform": [0, 1]}),
    Valid("an attribute", "self.lr = 0.1  # @nni.uniform(0, 1)\n", {"self.lr/uniform": [0, 1]}),
    Valid(
        "a subscript",
        "# @nni.variable(nni.uniform(0, 1), name=cfg['lr'])\ncfg[\"lr\"] = 0.1\n",
        {'cfg["lr"]/uniform': [0, 1]},
    ),
    Valid(
        "an assignment with a type annotation",
        "class Config:\n    lr: float = 0.1  # @nni.uniform(0, 1)\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "a value that spans several lines",
        "sizes = [\n    1,\n    2,\n]  # @nni.choice([1, 2], [3])\n",
        {"sizes/choice": ["[1, 2]", "[3]"]},
    ),
    Valid(
        "in a one-line body, and after ;",
        "if x: a = 1; lr = 0.1  # @nni.variable(nni.uniform(0, 1), name=lr)\n",
        {"lr/uniform": [0, 1]},
    ),
]

INVALID = [
    Invalid("a tuple", "a, b = 1, 2  # @nni.choice(1, 2)\n", "A403", "a, b"),
    Invalid("an augmented assignment", "a += 1  # @nni.choice(1, 2)\n", "A404", "a"),
    Invalid("two targets", "a = b = 1  # @nni.choice(1, 2)\n", "A405", "a"),
    Invalid("a declaration without a value", "a: int  # @nni.choice(1, 2)\n", "A402", "choice"),
]
