"""Reads a trial's metrics file while the trial may still be writing to it."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from annotate.json_value import JSON
from annotate.space import Values
from runtime.core.trial import Observed, Report

_CHUNK = 1 << 20  # bytes per read, which bounds the memory that a flood of reports takes


@dataclass(slots=True)
class Batch:
    """The new records of one read.

    `as_written` has the values of annotated places that ran as written, by parameter. `used` are
    parameters that the trial used, and `ended` has the values that their names had when it reported
    its result. `notes` are messages for the user. `wrote` has the files that the trial opened for
    writing, and when, in seconds since the epoch. `has_more` means that the file may hold further
    records.
    """

    reports: list[Report] = field(default_factory=list)
    as_written: Values = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    ended: dict[str, list[JSON]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    wrote: dict[str, float] = field(default_factory=dict)
    has_more: bool = False

    @property
    def observed(self) -> Observed:
        """What the trial did with its values, as far as these records tell."""
        return dict.fromkeys(self.used) | self.ended

    def __bool__(self) -> bool:
        records = (self.reports, self.as_written, self.used, self.ended, self.notes, self.wrote)
        return any(map(bool, records))


class MetricsFile:
    """Reads the new lines of `path` at each call: only complete ones, skipping damaged ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def read(self) -> Batch:
        """The next lines, at most 1 MiB of them; an empty batch if there are none."""
        batch = Batch()
        try:
            with open(self.path, "rb", opener=_regular) as file:
                file.seek(self._offset)
                data = file.read(_CHUNK)
        except OSError:
            return batch
        batch.has_more = len(data) == _CHUNK
        complete = data.rfind(b"\n") + 1
        if not complete and batch.has_more:
            complete = len(data)  # skip a line this long: we never write one
        self._offset += complete
        for line in data[:complete].splitlines():
            _read_line(line, batch)
        return batch


def _regular(path: str, flags: int) -> int:
    """Open a regular file only: a trial may have put a pipe there, which would block us."""
    file = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is not a regular file")
    return file


def _read_line(line: bytes, batch: Batch) -> None:
    try:
        record = json.loads(line)
        kind, value = record["type"], record["value"]
        if kind == "written":
            batch.as_written.setdefault(str(record["key"]), value)
        elif kind == "used":
            batch.used.update(map(str, value))
        elif kind == "ended":
            batch.ended.update({str(key): list(values) for key, values in value.items()})
        elif kind == "note":
            batch.notes.append(str(value))
        elif kind == "wrote":
            batch.wrote.setdefault(str(value), float(record["time"]))
        elif kind in ("intermediate", "final"):
            when = float(record["time"])
            if math.isfinite(when):
                batch.reports.append(Report(kind, value, when))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return


def finite(value: JSON) -> JSON:
    """`value` as strict JSON can hold it: nan and the infinities as the strings of their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value
