"""Assignments: `t = value` and `t: float = value` to a name, an attribute or a subscript."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds.target import Target, named_by_code
from annotate.tree import Tree

KIND = "assignment"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Assign):
        yield _assign(node, tree)
    elif isinstance(node, cst.AnnAssign) and node.value is not None:
        yield _single(tree, node.target, node.value)
    elif isinstance(node, cst.AugAssign):
        problem = "A404", "an augmented assignment has no value of its own", "write it as t = value"
        yield _refused(tree, node.target, node.value, problem)


def _assign(node: cst.Assign, tree: Tree) -> Target:
    first = node.targets[0].target
    if len(node.targets) > 1:
        problem = "A405", "the assignment has two targets", "write two assignments"
        return _refused(tree, first, node.value, problem)
    return _single(tree, first, node.value)


def _single(tree: Tree, target: cst.BaseExpression, value: cst.BaseExpression) -> Target:
    if isinstance(target, (cst.Name, cst.Attribute, cst.Subscript)):
        return named_by_code(KIND, tree, target, value)
    problem = "A403", "a tuple of targets cannot be annotated", "write one assignment for each"
    return _refused(tree, target, value, problem)


def _refused(
    tree: Tree,
    target: cst.BaseExpression,
    value: cst.BaseExpression,
    problem: tuple[str, str, str],
) -> Target:
    name = tree.code(target)
    return Target(KIND, name, value, name, problem, target)
