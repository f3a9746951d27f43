"""Cases: examples in each kind's file, used for tests and documentation."""

from __future__ import annotations

from dataclasses import dataclass, field

from annotate.json_value import JSON


@dataclass(frozen=True, slots=True)
class Valid:
    """A valid source of a module `train`, with its search space; `id` says what it shows.

    `space` maps `name/domain`, the key without its module, to NNI's `_value`.
    """

    id: str
    source: str
    space: dict[str, list[JSON]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A source with one mistake, with its code and the text above the caret."""

    id: str
    source: str
    code: str
    at: str
