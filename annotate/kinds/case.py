"""Cases: the examples that each kind carries, from which tests and documentation are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from annotate.domains import JSON


@dataclass(frozen=True, slots=True)
class Valid:
    """A source that is right: what it says, and the search space that it gives.

    The module of the source is `train`; a key is written here without it, `lr/uniform`.
    """

    id: str
    source: str
    space: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A source with one mistake: its code, and the text under the caret."""

    id: str
    source: str
    code: str
    at: str
