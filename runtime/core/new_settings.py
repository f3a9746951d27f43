"""Says which settings of a resumed experiment are new, for its first line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from annotate.json_value import JSON
from runtime.core.config import OPTIONS, Config
from runtime.core.options import DURATION, Option
from runtime.system.units import count
from runtime.system.units import duration as duration_text

#: In a stored config: earlier values of the settings that `update` changed since the last run.
BEFORE_UPDATES = "before_updates"


def with_update(stored: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The stored config with a new value of the setting `name`, for the next run."""
    before = {name: stored.get(name), **stored.get(BEFORE_UPDATES, {})}
    return {**stored, name: value, BEFORE_UPDATES: before}


def without_updates(stored: Mapping[str, JSON]) -> dict[str, JSON]:
    """The stored config as users see it."""
    return {name: value for name, value in stored.items() if name != BEFORE_UPDATES}


def new_settings(stored: Mapping[str, Any], config: Config, typed: Iterable[str]) -> list[str]:
    """The settings that differ from those of the last run: `--max-trials 50 (was 10)`.

    `typed` are the settings given to this resume.
    """
    updated = stored.get(BEFORE_UPDATES, {})
    before = Config.from_json({**stored, **updated})
    names = [name for name in OPTIONS if name in updated or name in set(typed)]
    return [
        _text(OPTIONS[name], getattr(before, name), getattr(config, name))
        for name in names
        if getattr(before, name) != getattr(config, name)
    ]


def resumed(trials: int, config: Config, new: Iterable[str]) -> str:
    """`; resumed after 3 of 50 trials, now --max-trials 50 (was 10)`."""
    settings = ", ".join(new)
    done = count(trials, "trial", of=config.max_trials)
    return f"; resumed after {done}" + (f", now {settings}" if settings else "")


def _text(option: Option, before: Any, after: Any) -> str:
    if option.switches:
        return next(switch.flag for switch in option.switches if switch.value == after)
    return f"{option.flag} {_shown(option, after)} (was {_shown(option, before)})"


def _shown(option: Option, value: Any) -> str:
    if value is None:
        return "none"
    return duration_text(value) if option.kind is DURATION else str(value)
