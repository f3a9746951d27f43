"""Decodes the rows of an experiment's file. Damaged rows raise Python's own errors.

`errors.decoded` turns that into a StoreError.
"""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass

from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.core.trial import GpuUse, Origin, Trial, TrialState, number
from runtime.store.history import KnownResult

_LATEST = 1e11  # seconds since the epoch; later years have five digits


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One experiment. `config` is `Config` as JSON; times are seconds since the epoch."""

    id: str
    name: str
    state: str
    reason: str | None
    config: dict[str, JSON]
    space: SearchSpace
    created: float
    ended: float | None
    paused: float = 0.0  # seconds in which no driver ran it


def experiment_of(row: sqlite3.Row) -> ExperimentRow:
    return ExperimentRow(
        _text(row["id"]),
        _text(row["name"]),
        _text(row["state"]),
        row["reason"] and _text(row["reason"]),
        _object(row["config"]),
        SearchSpace.from_stored(json.loads(row["space"])),
        float(_time(row["created"]) or 0.0),
        _time(row["ended"]),
        float(row["paused"]),
    )


def known_result_of(row: sqlite3.Row) -> KnownResult:
    return KnownResult(
        _object(row["values"]), row["metric"], row["source"], row["number"], row["told"]
    )


def trial_of(row: sqlite3.Row) -> Trial:
    final = row["final"]
    return Trial(
        number=row["number"],
        id=_text(row["id"]),
        origin=Origin(row["origin"]),
        state=TrialState(row["state"]),
        values=_object(row["values"]),
        metric=None if final is None else number(json.loads(final)),
        reports=row["reports"],
        last=math.nan if row["last"] is None and row["reports"] else row["last"],
        created=_time(row["created"]) or 0.0,
        started=_time(row["started"]),
        ended=_time(row["ended"]),
        reason=row["reason"] and _text(row["reason"]),
        gpu=None if row["gpu"] is None else GpuUse.from_json(_object(row["gpu"])),
        retries=row["retries"],
        place=None if row["place"] is None else _object(row["place"]),
        finals=row["finals"],
    )


def _object(text: str) -> dict[str, JSON]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]} is not an object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is not text")
    return value


def _time(seconds: float | None) -> float | None:
    """A time since the epoch as stored, which a date can show."""
    if seconds is not None and not 0 <= seconds < _LATEST:
        raise ValueError(f"{seconds} is not a time")
    return seconds
