"""Why a trial failed, in one line and in the last lines of its own words."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from runtime.paths import TrialFolder
from runtime.trial import Trial

_TAIL = 16384  # bytes of standard error that are looked at
_LINES = 30  # lines of it that are shown
NO_REPORT = "write # @nni.report_final_result(value) on the line where it is known"
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True, slots=True)
class Failure:
    """One line for tables, and what the trial wrote last (empty where it wrote nothing)."""

    reason: str
    output: str


def failure_of(trial: Trial, code: int, folder: TrialFolder) -> Failure | None:
    """Why a trial that ended by itself with exit code `code` failed; None where it did not."""
    if code == 0 and trial.metric is not None:
        return None
    output = tail(folder.stderr)
    if code == 0:
        return Failure(_no_result(trial), output)
    last = output.splitlines()[-1].strip() if output else ""
    if code < 0:
        return Failure(f"ended by {_signal_name(-code)}", output)
    return Failure(f"exit code {code}: {last}" if last else f"exit code {code}", output)


def _no_result(trial: Trial) -> str:
    if not trial.reports:
        return f"ended without a result: the script reported nothing; {NO_REPORT}"
    last = "nan" if trial.last is None else f"{trial.last:g}"
    return (
        f"ended without a final result, after {trial.reports} intermediate ones (the last: {last});"
        f" {NO_REPORT}"
    )


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return name + (" (out of memory?)" if number == signal.SIGKILL else "")


def tail(path: Path) -> str:
    """The last traceback in the file, or else its last lines."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    lines = text.rstrip().splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    if starts and len(lines) - starts[-1] <= 2 * _LINES:
        return "\n".join(lines[starts[-1] :])
    return "\n".join(lines[-_LINES:])
