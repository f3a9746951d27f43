"""Keep pairs in order: a floor such as `min_lr` stays below the learning rate in every trial."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from annotate.suggest.around import Range, is_number, number

#: Names of lower and of upper values.
_PAIRS = tuple(
    (re.compile(low), re.compile(high))
    for low, high in (
        (
            r"(\w+_)?(min|end|final|minimum)_(lr|learning_?rate)|(lr|learning_?rate)_(min|end|final)"
            r"|eta_min|min_lrs?",
            r"(?!min_|end_|final_|minimum_|fast_|meta_)(\w+_)?(lr|learning_?rate)"
            r"(_init|_base|_max|_peak)?|eta0?",
        ),
        (r"base_lr", r"max_lr"),
        (r"base_momentum", r"max_momentum"),
        (r"beta_start", r"beta_end"),
    )
)
_LOG = re.compile(r"loguniform\((?P<low>[^,]+), (?P<high>[^,)]+)\)")
_DOWN = 100


class _Finding(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def value(self) -> Any: ...

    @property
    def range(self) -> Range: ...

    def with_range(self: F, new: Range) -> F: ...


F = TypeVar("F", bound=_Finding)


def ordered(findings: Iterable[F]) -> list[F]:
    """The findings, with domains of lower and upper values that do not overlap.

    They meet at the lower value. A lower value above its upper one is no floor, and is dropped.
    Without a `max_lr`, `base_lr` is the learning rate itself.
    """
    kept = list(findings)
    for low, high in _PAIRS:
        lows = [f for f in kept if low.fullmatch(f.name) and is_number(f.value)]
        highs = [f for f in kept if f not in lows and high.fullmatch(f.name) and is_number(f.value)]
        if low.pattern.startswith("base_") and not highs:
            continue
        kept = [g for f in kept if (g := _placed(f, lows, highs)) is not None]
    return kept


def _placed(finding: F, lows: list[F], highs: list[F]) -> F | None:
    value = finding.value
    if finding in lows:
        return _below(finding, highs)
    match = _LOG.fullmatch(finding.range.domain)
    if finding not in highs or match is None:
        return finding
    floors = [low.value for low in lows if 0 < low.value < value]
    bottom = max([float(match["low"]), *map(float, floors)])
    if bottom == float(match["low"]):
        return finding
    domain = f"loguniform({number(bottom)}, {match['high']})"
    phrase = f"from {bottom:g}, the lower bound, to {float(match['high']):g}"
    return finding.with_range(Range(domain, phrase))


def _below(finding: F, highs: list[F]) -> F | None:
    """A lower value: down from what is written, if it lies below 1 and below every upper value."""
    value = finding.value
    if not 0 < value < 1 or any(value >= high.value for high in highs):
        return None
    low, high = float(value) / _DOWN, float(value)
    domain = f"loguniform({number(low)}, {number(high)})"
    return finding.with_range(Range(domain, f"down to a hundredth of {value:g}"))
