"""Cases: the examples that each kind carries, from which tests and documentation are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from annotate.json_value import JSON


@dataclass(frozen=True, slots=True)
class Valid:
    """A source that is right, of a module `train`: what it shows, and its search space.

    `space` maps `name/domain`, the key without its module, to NNI's `_value`.
    """

    id: str
    source: str
    space: dict[str, list[JSON]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A source with one mistake: what it shows, the code, and the text over the caret."""

    id: str
    source: str
    code: str
    at: str
