"""Checks the arguments that users give to an algorithm against its constructor."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from tuners.base import TunerError

#: Supplied by the experiment, not by `args`.
_CONTEXT = ("self", "space", "seed", "maximize")


def refuse_direction(name: str, args: Mapping[str, Any]) -> None:
    """Raise TunerError if `args` has `maximize`, which is not an argument of algorithms."""
    if "maximize" in args:
        raise TunerError(
            f"{name} has no argument 'maximize'",
            hint="optimize_mode says the direction: maximize or minimize",
        )


def seed_of(name: str, args: dict[str, Any], default: int) -> int:
    """Take the algorithm's own `seed` out of `args`; without one, or with None, the `default`."""
    own = args.pop("seed", None)
    seed = default if own is None else _int(f"{name}: seed", own)
    at_least(f"{name}: seed", seed, 0)
    return seed


def checked(name: str, algorithm: type, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return `args`, converted to the types that the constructor of `algorithm` declares.

    Raises TunerError that names an unknown or missing argument, or one of the wrong type.
    """
    parameters = inspect.signature(algorithm).parameters
    known = [key for key in parameters if key not in _CONTEXT]
    hints = typing.get_type_hints(algorithm.__init__)  # type: ignore[misc]
    for key in args:
        if key not in known:
            listed = f"its arguments are {', '.join(known)}" if known else "it takes no arguments"
            raise TunerError(
                f"{name} has no argument {key!r}", hint=suggestion(key, known) or listed
            )
    for key in known:
        if key not in args and parameters[key].default is inspect.Parameter.empty:
            raise TunerError(f"{name} needs the argument {key!r}")
    return {key: _typed(f"{name}: {key}", args[key], hints[key]) for key in known if key in args}


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` if `word` resembles a known word, else an empty string."""
    by_lower = {k.lower(): k for k in reversed(list(known))}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def _typed(where: str, value: Any, hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
        if value is None:
            return None
    if typing.get_origin(hint) is typing.Literal:
        return _one_of(where, value, typing.get_args(hint))
    convert = {int: _int, float: _float, bool: _bool, str: _str}[hint]
    return convert(where, value)


def _one_of(where: str, value: Any, options: tuple[Any, ...]) -> Any:
    if value not in options:
        listed = ", ".join(map(repr, options))
        raise TunerError(
            f"{where} must be one of {listed}, not {value!r}", hint=suggestion(str(value), options)
        )
    return value


def _float(where: str, value: Any) -> float:
    """A float. Accepts a string that contains a number because YAML reads `1e-6` as a string."""
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        try:
            return float(value)
        except ValueError:
            pass
    raise TunerError(f"{where} must be a number, not {value!r}")


def _int(where: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = _float(where, value)
    except TunerError:
        number = 0.5
    if not number.is_integer():
        raise TunerError(f"{where} must be a whole number, not {value!r}")
    return int(number)


def _bool(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TunerError(f"{where} must be true or false, not {value!r}")
    return value


def _str(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TunerError(f"{where} must be a string, not {value!r}")
    return value


def at_least(name: str, value: float, least: float) -> None:
    """Raise TunerError if the argument `name` is below `least`."""
    if not value >= least:
        raise TunerError(f"{name} must be at least {least}, not {value}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise TunerError unless the argument `name` is between `low` and `high`."""
    if not low <= value <= high:
        raise TunerError(f"{name} must be between {low} and {high}, not {value}")
