"""Reading what a trial appended to its own file, while it may still be writing."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from annotate.json_value import JSON
from annotate.space import Values
from runtime.core.trial import Report

_CHUNK = 1 << 20  # bytes at a time, so that a trial that reports a lot fills no memory


@dataclass(slots=True)
class Batch:
    """What one reading found: reports, the values of places that ran as written, and sentences
    for the person who runs the experiment."""

    reports: list[Report] = field(default_factory=list)
    written: Values = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    more: bool = False  # whether there was more than is read at a time

    def __bool__(self) -> bool:
        return bool(self.reports or self.written or self.notes)


class MetricsFile:
    """Reads `path` from where it stopped before: whole lines only, damaged ones left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def read(self) -> Batch:
        """The next lines, up to a mebibyte of them; an empty batch where nothing is new."""
        batch = Batch()
        try:
            with open(self.path, "rb", opener=_regular) as file:
                file.seek(self._offset)
                data = file.read(_CHUNK)
        except OSError:
            return batch
        batch.more = len(data) == _CHUNK
        whole = data.rfind(b"\n") + 1
        if not whole and batch.more:
            whole = len(data)  # a line that long is none of ours
        self._offset += whole
        for line in data[:whole].splitlines():
            _read_line(line, batch)
        return batch


def _regular(path: str, flags: int) -> int:
    """Open a file, and nothing that a trial has put in its place to make its reader wait."""
    file = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is no file")
    return file


def _read_line(line: bytes, batch: Batch) -> None:
    try:
        record = json.loads(line)
        kind, value = record["type"], record["value"]
        if kind == "written":
            batch.written.setdefault(str(record["key"]), value)
        elif kind == "note":
            batch.notes.append(str(value))
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
