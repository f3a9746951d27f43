"""Makers of domains around a written value.

A maker takes a value and returns a domain with a phrase that explains it, or None if it does not
apply to the value (a string, a negative number). The domain always contains the value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Range:
    """A domain as in an annotation, without the leading `nni.`, and a phrase that explains it."""

    domain: str
    phrase: str


#: Takes a value and its source text.
Maker: TypeAlias = Callable[[Any, str], "Range | None"]

#: Counts up to this get a uniform domain, larger ones a logarithmic domain.
_FEW = 20
#: Smaller numbers, or inverses of them, are sentinels; factors of them may overflow.
_TINY = 1e-30
#: Tolerance for rounding errors in computed bounds.
_SLACK = 1e-9
#: More options than this would make a search too long.
_FEW_WAYS = 4
_STEPS = (1000, 500, 100, 50, 10, 5, 1)


def number(value: float) -> str:
    """A short literal: 64, 0.05, 1.0, 1e-4."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.3g}" if value >= 1e-3 or value == 0 else f"{value:.2e}"
    if "e" in text:
        digits, exponent = text.split("e")
        digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
        return f"{digits}e{int(exponent)}"
    return text if "." in text else text + ".0"


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def factor(by: int, cap: float | None = None, zero: tuple[float, float] | None = None) -> Maker:
    """A factor either way, up to `cap`. A value of 0 gets 0 or the range `zero`, if given."""

    def make(value: Any, text: str) -> Range | None:
        if not is_number(value) or value < 0:
            return None
        if value == 0 and zero is not None:
            bounds = ", ".join(map(number, zero))
            return Range(f"choice({text}, nni.loguniform({bounds}))", "zero, or a small value")
        if not _TINY < value < 1 / _TINY:
            return None
        high = value * float(by)
        phrase = f"a factor of {by} either way"
        if cap is not None and value <= cap < high:
            high = cap
            phrase = f"down to a {_FRACTIONS[by]} of it, at most {cap:g}"
        return Range(f"loguniform({number(value / by)}, {number(float(high))})", phrase)

    return make


_FRACTIONS = {4: "quarter", 10: "tenth", 100: "hundredth"}


def between(low: float, high: float) -> Maker:
    """Uniform between two bounds; a value beyond a bound moves that bound."""

    def make(value: Any, _: str) -> Range | None:
        if not is_number(value) or value < 0 or value > max(1.0, high):
            return None
        bottom = low if value >= low else value / 2
        top = high if value <= high else (1 + value) / 2
        return _uniform(bottom, top)

    return make


def near_one(value: Any, _: str) -> Range | None:
    """For values whose distance to 1 matters: from ten times to a tenth of that distance."""
    if not is_number(value) or not 0.5 <= value < 1 - 1e-6:
        return None
    far = 1 - value
    return _uniform(max(0.5, 1 - 10 * far), 1 - far / 10, digits=5)


def shrinking(value: Any, text: str) -> Range | None:
    """For a factor that is applied repeatedly."""
    if not is_number(value) or not 0 < value < 1:
        return None
    return (
        near_one(value, text) if value >= 0.9 else _uniform(0.1 if value >= 0.1 else value / 2, 0.9)
    )


def _uniform(low: float, high: float, digits: int = 3) -> Range:
    step = 10**-digits
    bottom, top = round(low, digits), round(high, digits)
    low = bottom if bottom <= low + _SLACK else round(bottom - step, digits)
    high = top if top >= high - _SLACK else round(top + step, digits)
    return Range(f"uniform({low}, {high})", f"from {low:g} to {high:g}")


def doubling(value: Any, _: str) -> Range | None:
    """Half the value, the value, and twice the value."""
    if not is_count(value) or value < 1:
        return None
    if value == 1:
        return Range("choice(1, 2, 4)", "up to four times as many")
    return Range(f"choice({value // 2}, {value}, {value * 2})", "half or double")


def counted(value: Any, text: str) -> Range | None:
    """Small counts: uniform from half to double. Large ones: a factor of 4 either way, rounded."""
    if not is_count(value) or value <= _FEW:
        return few(value, text)
    step = next(s for s in _STEPS if value % s == 0 and (value >= 10 * s or s == 1))
    low = max(step, value // 4 // step * step)
    phrase = "a factor of 4 either way"
    return Range(f"qloguniform({low}, {value * 4}, {step})", phrase)


def few(value: Any, _: str) -> Range | None:
    """Uniform from half to double, even for large counts."""
    if not is_count(value) or value < 1:
        return None
    low, high = max(1, value // 2), max(4, value * 2)
    return Range(f"quniform({low}, {high}, 1)", f"from {low} to {high}")


def depth(value: Any, text: str) -> Range | None:
    """A count for which -1 means no limit."""
    if value == -1:
        return Range(f"choice({text}, 4, 8, 12)", "without or with a limit")
    return counted(value, text)


def odd(value: Any, _: str) -> Range | None:
    """An odd number and its odd neighbours, for kernel sizes."""
    if not is_count(value) or value < 1 or value % 2 == 0:
        return None
    first = max(1, value - 2)
    return Range(f"choice({first}, {first + 2}, {first + 4})", "the odd sizes around it")


def widths(value: Any, text: str) -> Range | None:
    """A tuple or list of sizes: all halved or all doubled."""
    if not isinstance(value, (tuple, list)) or not value:
        return None
    if not all(is_count(size) and size > 1 for size in value):
        return None
    half, double = (type(value)(int(size * by) for size in value) for by in (0.5, 2))
    return Range(f"choice({half}, {text}, {double})", "every layer half or double as wide")


def growing(value: Any, text: str) -> Range | None:
    """A pair (1, n), for word n-grams."""
    if not isinstance(value, tuple) or value not in ((1, 1), (1, 2), (1, 3)):
        return None
    return Range("choice((1, 1), (1, 2), (1, 3))", "single words up to three in a row")


def switch(value: Any, _: str) -> Range | None:
    return Range("choice(True, False)", "on or off") if isinstance(value, bool) else None


def one_of(*options: str | None) -> Maker:
    """The value, which must be one of `options`, and the best-known other options."""

    def make(value: Any, text: str) -> Range | None:
        if not isinstance(value, str) or value not in options:
            return None
        others = [option for option in options if option != value]
        return listed([value, *others[: _FEW_WAYS - 1]], text)

    return make


def listed(options: list[Any], text: str) -> Range | None:
    """A choice of options. The first is the written one, `text`, whose quotes all strings get."""
    if len(options) < 2:
        return None
    quote = text[0] if text[:1] in ("'", '"') else '"'
    texts = [text, *(_literal(option, quote) for option in options[1:])]
    return Range(f"choice({', '.join(texts)})", f"one of {len(options)}")


def _literal(value: Any, quote: str) -> str:
    if isinstance(value, str) and value.isprintable() and not set(value) & {'"', "'", "\\"}:
        return f"{quote}{value}{quote}"
    return repr(value)


def first(*makers: Maker) -> Maker:
    """The domain of the first maker that applies to the value."""

    def make(value: Any, text: str) -> Range | None:
        return next((domain for maker in makers if (domain := maker(value, text))), None)

    return make
