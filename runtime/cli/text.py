"""Numbers, values and GPU use as text for the terminal."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping

from annotate.domains.choice import is_domain
from annotate.json_value import JSON
from runtime.cli import options, terminal
from runtime.core.trial import GpuUse


def number(value: float | str) -> str:
    """About four significant digits: 0.9722, 1.23e-05, 12346; "nan" and "inf" as in documents."""
    if isinstance(value, str) or not math.isfinite(value):
        return str(value)
    if abs(value) >= 1e15:  # beyond, a float is no longer exact to the unit
        return f"{value:.4g}"
    if value == int(value):
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 10000 else f"{value:.4g}"


def value(parameter: JSON) -> str:
    """One parameter's value on one line; a nested choice is shown with its branch."""
    if isinstance(parameter, bool) or parameter is None:
        return str(parameter)
    if isinstance(parameter, (int, float)):
        return str(parameter) if isinstance(parameter, int) else number(parameter)
    if isinstance(parameter, dict) and "_name" in parameter:
        return _branch(parameter)
    return terminal.visible(str(parameter))


def _branch(parameter: Mapping[str, JSON]) -> str:
    """`Conv(kernel_size=2)`, or `0.3 (uniform)` for an option that is a domain itself."""
    name = terminal.visible(str(parameter["_name"]))
    inner = {terminal.visible(k): value(v) for k, v in parameter.items() if k != "_name"}
    if len(inner) == 1 and is_domain(name, next(iter(inner))):
        return "".join(f"{text} ({law})" for law, text in inner.items())
    return f"{name}({', '.join(f'{key}={text}' for key, text in inner.items())})"


def gpu_line(use: GpuUse | None) -> str:
    """`GPU 0,1: 13.2 GiB, 87 %`: peak memory and mean utilisation."""
    if use is None or not use.gpus:
        return ""
    known = [
        "" if use.peak is None else f"{use.peak / 2**30:.1f} GiB",
        "" if use.utilisation is None else f"{use.utilisation:.0f} %",
    ]
    figures = ", ".join(filter(None, known))
    return f"GPU {','.join(use.gpus)}" + (f": {figures}" if figures else "")


def values_line(values: Mapping[str, JSON], names: Mapping[str, str]) -> str:
    """`lr=0.03 batch=64`, with short names."""
    return " ".join(
        f"{terminal.visible(names.get(key, key))}={value(v)}" for key, v in values.items()
    )


def values_words(
    values: Mapping[str, JSON], names: Mapping[str, str], *, whole: bool = False
) -> str:
    """The same as shell words, unrounded, for the parameters in `names` only.

    Nested values are shortened where that is unambiguous; `whole` keeps them complete, for readers
    that do not know the search space.
    """
    words = []
    for key, name in names.items():
        if key not in values:
            continue
        word = values[key]
        if whole:
            word = options.as_typed(word)
        elif isinstance(word, dict) and len(word) == 2:
            word = next(v for k, v in word.items() if k != "_name")
        words.append(shlex.quote(f"{name}={word}"))
    return " ".join(words)
