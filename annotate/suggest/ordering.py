"""Keep pairs in order: a floor such as `min_lr` stays below the learning rate in every trial."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from annotate.suggest.around import Range, is_number, number
from annotate.suggest.finding import Finding

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


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, with domains of lower and upper values that do not overlap.

    They meet at the lower value. A lower value above its upper one is no floor, and is dropped.
    """
    kept = list(findings)
    for low, high in _PAIRS:
        lows = [f for f in kept if low.fullmatch(f.site.name) and is_number(f.site.value)]
        highs = [
            f
            for f in kept
            if f not in lows and high.fullmatch(f.site.name) and is_number(f.site.value)
        ]
        kept = [g for f in kept if (g := _placed(f, lows, highs)) is not None]
    return kept


def _placed(finding: Finding, lows: list[Finding], highs: list[Finding]) -> Finding | None:
    value = finding.site.value
    if finding in lows:
        return _below(finding, highs)
    match = _LOG.fullmatch(finding.range.domain)
    if finding not in highs or match is None:
        return finding
    floors = [low.site.value for low in lows if 0 < low.site.value < value]
    bottom = max([float(match["low"]), *map(float, floors)])
    if bottom == float(match["low"]):
        return finding
    domain = f"loguniform({number(bottom)}, {match['high']})"
    phrase = f"from {bottom:g}, the lower bound, to {float(match['high']):g}"
    return replace(finding, range=Range(domain, phrase))


def _below(finding: Finding, highs: list[Finding]) -> Finding | None:
    """A lower value: down from what is written, if it lies below 1 and below every upper value."""
    value = finding.site.value
    if not 0 < value < 1 or any(value >= high.site.value for high in highs):
        return None
    low, high = float(value) / _DOWN, float(value)
    domain = f"loguniform({number(low)}, {number(high)})"
    return replace(finding, range=Range(domain, f"down to a hundredth of {value:g}"))
