"""Write a value in the style of the literal that it replaces."""

from __future__ import annotations

import ast
import re
from decimal import Decimal

_BASED = re.compile(r"(0[xX])([0-9a-fA-F_]+)|(0[oO])([0-7_]+)|(0[bB])([01_]+)")
_DECIMAL = re.compile(r"(?P<whole>[\d_]*)(?P<dot>\.?)(?P<part>[\d_]*)(?:(?P<e>[eE])(?P<exp>.+))?")
_STRING = re.compile(r"(?P<quote>'''|\"\"\"|'|\")(?P<body>[^'\"\\]*)(?P=quote)", re.DOTALL)
_FORMATS = {"x": "x", "o": "o", "b": "b"}
#: Beyond these powers of ten, nobody writes a number without an exponent.
_PLAIN = range(-9, 16)


def number(value: int | float, like: str) -> str:
    """Write `value` with the base, exponent, underscores and bare dots of the literal `like`.

    Uses Python's `repr` if `like` is not a number or its style does not fit the value.
    """
    like = like.strip().lstrip("+-").strip()
    sign = "-" if str(value).startswith("-") else ""
    text = sign + (_integer(abs(value), like) if isinstance(value, int) else _float(value, like))
    try:
        same = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return repr(value)
    return text if type(same) is type(value) and same == value else repr(value)


def string(text: str, like: str) -> str:
    """The string literal `text` with the quotes of `like`, if its content allows them."""
    mine, other = _STRING.fullmatch(text), _STRING.fullmatch(like.strip())
    if mine is None or other is None or set(mine["body"]) & set("\r\n"):
        return text
    return f"{other['quote']}{mine['body']}{other['quote']}"


def _integer(value: int, like: str) -> str:
    if based := _BASED.fullmatch(like):
        prefix, digits = (part for part in based.groups() if part)
        new = format(value, _FORMATS[prefix[1].lower()])
        if digits.startswith("0"):
            new = new.zfill(len(digits.replace("_", "")))
        new = new.upper() if digits.upper() == digits and not digits.isdecimal() else new
        return prefix + (_grouped(new, 4) if "_" in digits else new)
    return f"{value:_}" if "_" in like else str(value)


def _grouped(digits: str, size: int) -> str:
    first = len(digits) % size
    groups = [digits[:first], *(digits[i : i + size] for i in range(first, len(digits), size))]
    return "_".join(group for group in groups if group)


def _float(value: float, like: str) -> str:
    exact = Decimal(repr(abs(value)))
    old = _DECIMAL.fullmatch(like)
    if not exact.is_finite() or old is None or not (old["whole"] or old["part"]):
        return repr(abs(value))
    if old["e"] and exact:
        return _scientific(exact, old)
    if exact.adjusted() not in _PLAIN:
        return repr(abs(value))
    whole, _, part = format(exact, "f").partition(".")
    whole = f"{int(whole):_}" if "_" in old["whole"] else whole
    part = part.rstrip("0")
    if part:
        return f".{part}" if whole == "0" and not old["whole"] else f"{whole}.{part}"
    return f"{whole}." if old["dot"] and not old["part"] else f"{whole}.0"


def _scientific(exact: Decimal, old: re.Match[str]) -> str:
    digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
    part = digits[1:] or ("0" if old["part"] else "")
    mantissa = digits[0] + ("." if part or old["dot"] else "") + part
    exponent = exact.adjusted()
    old_exponent = old["exp"].lstrip("+-")
    width = len(old_exponent) if old_exponent.startswith("0") else 0
    sign = "-" if exponent < 0 else "+" if old["exp"].startswith("+") else ""
    return f"{mantissa}{old['e']}{sign}{abs(exponent):0{width}d}"
