"""Domains around an author's own value: each takes the value and says a domain and why.

A maker gives None where the value is none that it speaks of (a text, a negative number). The
value itself always lies in the domain, or is one of its options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Range:
    """A domain as an annotation writes it, without its leading `nni.`, and a phrase about it."""

    domain: str
    phrase: str


#: From the value and its source text to a domain.
Maker: TypeAlias = Callable[[Any, str], "Range | None"]

#: Up to here a count is searched evenly, above in factors.
_FEW = 20
#: Numbers beyond are sentinels, and their factors may be none that a float holds.
_TINY = 1e-30
#: What floats lose where a bound is computed.
_SLACK = 1e-9
#: More ways than these make a search long.
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
    """A factor either way, no higher than `cap`; from 0 also to `zero`'s range, if there is one."""

    def make(value: Any, text: str) -> Range | None:
        if not is_number(value) or value < 0:
            return None
        if value == 0 and zero is not None:
            bounds = ", ".join(map(number, zero))
            return Range(f"choice({text}, nni.loguniform({bounds}))", "none or a little")
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
    """Evenly between two bounds; a share beyond them moves the bound that it lies beyond."""

    def make(value: Any, _: str) -> Range | None:
        if not is_number(value) or value < 0 or value > max(1.0, high):
            return None
        bottom = low if value >= low else value / 2
        top = high if value <= high else (1 + value) / 2
        return _uniform(bottom, top)

    return make


def near_one(value: Any, _: str) -> Range | None:
    """For what works by its distance to 1: from ten times as far to a tenth as far."""
    if not is_number(value) or not 0.5 <= value < 1 - 1e-6:
        return None
    far = 1 - value
    return _uniform(max(0.5, 1 - 10 * far), 1 - far / 10, digits=5)


def shrinking(value: Any, text: str) -> Range | None:
    """For a factor by which something shrinks again and again."""
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
    """Half, as it is, and double."""
    if not is_count(value) or value < 1:
        return None
    if value == 1:
        return Range("choice(1, 2, 4)", "up to four times as many")
    return Range(f"choice({value // 2}, {value}, {value * 2})", "half or double")


def counted(value: Any, text: str) -> Range | None:
    """A few: evenly from half to double. Many: a factor of 4 either way, in round steps."""
    if not is_count(value) or value <= _FEW:
        return few(value, text)
    step = next(s for s in _STEPS if value % s == 0 and (value >= 10 * s or s == 1))
    low = max(step, value // 4 // step * step)
    phrase = "a factor of 4 either way"
    return Range(f"qloguniform({low}, {value * 4}, {step})", phrase)


def few(value: Any, _: str) -> Range | None:
    """Evenly from half to double, also where that is many."""
    if not is_count(value) or value < 1:
        return None
    low, high = max(1, value // 2), max(4, value * 2)
    return Range(f"quniform({low}, {high}, 1)", f"from {low} to {high}")


def depth(value: Any, text: str) -> Range | None:
    """A count where -1 stands for no limit."""
    if value == -1:
        return Range(f"choice({text}, 4, 8, 12)", "without or with a limit")
    return counted(value, text)


def odd(value: Any, _: str) -> Range | None:
    """An odd number and its odd neighbours, as kernels have them."""
    if not is_count(value) or value < 1 or value % 2 == 0:
        return None
    first = max(1, value - 2)
    return Range(f"choice({first}, {first + 2}, {first + 4})", "the odd sizes around it")


def widths(value: Any, text: str) -> Range | None:
    """A tuple or list of sizes: all half or all double."""
    if not isinstance(value, (tuple, list)) or not value:
        return None
    if not all(is_count(size) and size > 1 for size in value):
        return None
    half, double = (type(value)(int(size * by) for size in value) for by in (0.5, 2))
    return Range(f"choice({half}, {text}, {double})", "every layer half or double as wide")


def growing(value: Any, text: str) -> Range | None:
    """A pair (1, n) as word n-grams have it."""
    if not isinstance(value, tuple) or value not in ((1, 1), (1, 2), (1, 3)):
        return None
    return Range("choice((1, 1), (1, 2), (1, 3))", "single words up to three in a row")


def switch(value: Any, _: str) -> Range | None:
    return Range("choice(True, False)", "on or off") if isinstance(value, bool) else None


def one_of(*options: str | None) -> Maker:
    """The best known options of a text, of which the value is one."""

    def make(value: Any, text: str) -> Range | None:
        if not isinstance(value, str) or value not in options:
            return None
        others = [option for option in options if option != value]
        return listed([value, *others[: _FEW_WAYS - 1]], text)

    return make


def listed(options: list[Any], text: str) -> Range | None:
    """Options of which the first is the author's, written as `text`; texts with its quotes."""
    if len(options) < 2:
        return None
    quote = text[0] if text[:1] in ("'", '"') else '"'
    shown = [text, *(_literal(option, quote) for option in options[1:])]
    return Range(f"choice({', '.join(shown)})", f"one of {len(options)}")


def _literal(value: Any, quote: str) -> str:
    if isinstance(value, str) and value.isprintable() and not set(value) & {'"', "'", "\\"}:
        return f"{quote}{value}{quote}"
    return repr(value)


def first(*makers: Maker) -> Maker:
    """What the first maker says that speaks of the value."""

    def make(value: Any, text: str) -> Range | None:
        return next((found for maker in makers if (found := maker(value, text))), None)

    return make
