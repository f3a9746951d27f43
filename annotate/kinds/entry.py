"""Dict entries such as `"lr": 0.1,`, named by the text of the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target, text_of
from annotate.snippets import fingerprint, fold, literal
from annotate.tree import Span, Tree

KIND = "entry"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.DictElement):
        source = fold(tree, node.key)
        yield Target(KIND, text_of(node.key) or source, node.value, source)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The value of a dict entry at `span`, which a later entry, at `by`, replaces."""

    span: Span
    key: str
    by: Span


def replaced(tree: Tree) -> Iterator[Replaced]:
    """All such values of a text."""
    for node in tree.dicts:
        last: dict[object, cst.DictElement] = {}
        for element in reversed(node.elements):
            if isinstance(element, cst.DictElement) and (key := _key(element, tree)) is not None:
                later = last.setdefault(key, element)
                if later is not element:
                    text = fold(tree, element.key)
                    yield Replaced(tree.span(element.value), text, tree.span(later.key))


def _key(element: cst.DictElement, tree: Tree) -> object:
    """What is equal for equal keys; None for a key that is known only at run time."""
    known, value = literal(element.key)
    if known:
        return "literal", value
    is_name = isinstance(element.key, (cst.Name, cst.Attribute))
    return ("name", fingerprint(tree.code(element.key))) if is_name else None


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
    Valid(
        "the last entry of a key",
        "config = {\n    'a': 1,\n    'a': 2,  # @nni.choice(1, 2)\n    **more,\n}\n",
        {"a/choice": [1, 2]},
    ),
]

INVALID = [
    Invalid(
        "two entries on one line",
        "config = {\n    'a': 1, 'b': 2,  # @nni.choice(1, 2)\n}\n",
        "A407",
        "choice",
    ),
    Invalid(
        "an entry that a later one replaces",
        "config = {\n    'a': 1,  # @nni.choice(1, 2)\n    'b': 0,\n    'a': 2,\n}\n",
        "A415",
        "# @nni.choice(1, 2)",
    ),
    Invalid(
        "a value in a dictionary that a later entry replaces",
        "config = {\n    'o': {'a': 1},  # @nni.variable(nni.choice(1, 2), name=a)\n"
        "    'o': {},\n}\n",
        "A415",
        "# @nni.variable(nni.choice(1, 2), name=a)",
    ),
]
