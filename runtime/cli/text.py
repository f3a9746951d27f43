"""Numbers, values and reports as people read them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping

from annotate.json_value import JSON
from runtime.cli import options
from runtime.core.trial import GpuUse


def number(value: float) -> str:
    """Four significant digits or so: 0.9722, 1.23e-05, 12346."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 10000 else f"{value:.4g}"


def value(given: JSON) -> str:
    """One parameter's value; of a nested choice the values inside it."""
    if isinstance(given, bool) or given is None:
        return str(given)
    if isinstance(given, (int, float)):
        return str(given) if isinstance(given, int) else number(given)
    if isinstance(given, dict) and "_name" in given:
        inner = [value(v) for k, v in given.items() if k != "_name"]
        return inner[0] if len(inner) == 1 else f"{given['_name']}({', '.join(inner)})"
    return str(given)


def gpu_line(use: GpuUse | None) -> str:
    """`GPU 0,1: 13.2 GiB, 87 %`: at most so much memory, on average so busy."""
    if use is None or not use.gpus:
        return ""
    known = [
        "" if use.peak is None else f"{use.peak / 2**30:.1f} GiB",
        "" if use.utilisation is None else f"{use.utilisation:.0f} %",
    ]
    figures = ", ".join(filter(None, known))
    return f"GPU {','.join(use.gpus)}" + (f": {figures}" if figures else "")


def values_line(values: Mapping[str, JSON], names: Mapping[str, str]) -> str:
    """`lr=0.03 batch=64`, by short names."""
    return " ".join(f"{names.get(key, key)}={value(given)}" for key, given in values.items())


def values_words(
    values: Mapping[str, JSON], names: Mapping[str, str], *, whole: bool = False
) -> str:
    """The same for a shell, nothing rounded; what is no parameter of `names` is left out.

    A nested value is said short, by what it alone can mean; or all are `whole`, so that they are
    the same also where nothing says what they can be.
    """
    words = []
    for key, name in names.items():
        if key not in values:
            continue
        given = values[key]
        if whole:
            given = options.as_typed(given)
        elif isinstance(given, dict) and len(given) == 2:
            given = next(v for k, v in given.items() if k != "_name")
        words.append(shlex.quote(f"{name}={given}"))
    return " ".join(words)
