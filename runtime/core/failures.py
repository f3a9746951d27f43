"""Why a trial failed, in one line and in the last lines of its own words."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from runtime.core.paths import TrialFolder
from runtime.core.trial import Trial

_TAIL = 65536  # bytes of standard error that are looked at
_LINES = 30  # lines of it that are shown
NO_REPORT = "write # @nni.report_final_result(value) on the line where it is known"
_TRACEBACK = "Traceback (most recent call last):"
#: How Python, C++, the system, PyTorch, CUDA and JAX say that there is too little memory.
_NO_MEMORY = re.compile(
    r"MemoryError|std::bad_alloc|an't allocate memory|annot allocate memory|not enough memory"
    r"|[Oo]ut of memory|OUT_OF_MEMORY|_ALLOC_FAILED|RESOURCE_EXHAUSTED|by signal: Killed"
)
_GPU = re.compile(r"CUDA|CUBLAS|CUDNN|HIP |GPU")
_NUMBER = re.compile(r"[-+]?\d[\d.,e+-]*")


@dataclass(frozen=True, slots=True)
class Failure:
    """One line for tables, and what the trial wrote last (empty where it wrote nothing).

    `text` is more of that: what failed last may be due to what another process of the trial, or an
    error that was handled, said before.
    """

    reason: str
    output: str
    text: str = ""

    @property
    def kind(self) -> str:
        """The same for the same mistake, whatever the values that it was made with."""
        return _NUMBER.sub("#", self.reason)


def failure_of(
    trial: Trial, code: int, folder: TrialFolder, cause: str | None = None
) -> Failure | None:
    """Why a trial that ended by itself with exit code `code` failed; None where it did not.

    `cause` is what the executor knows of it.
    """
    if code == 0 and trial.metric is not None:
        return None
    text = _end(folder.stderr)
    output = _last(text)
    if code == 0 or cause:
        return Failure(cause or _no_result(trial), output, text)
    what = f"ended by {_signal_name(-code)}" if code < 0 else f"exit code {code}"
    said = _said(output) if code > 0 else ""
    return Failure(f"{_memory(output)}{what}{': ' if said else ''}{said}", output, text)


def _said(output: str) -> str:
    """The line that says what went wrong: in a traceback the one behind the frames."""
    lines = output.splitlines()
    if lines and lines[0].startswith(_TRACEBACK):
        lines = [line for line in lines[1:] if line[:1].strip()][:1] or lines
    return lines[-1].strip() if lines else ""


def _memory(output: str) -> str:
    """A word in advance where the last lines tell of too little memory."""
    for line in output.splitlines()[-10:]:
        if _NO_MEMORY.search(line):
            return "out of GPU memory: " if _GPU.search(line) else "out of memory: "
    return ""


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
    return name + (", sent by another program" if number == signal.SIGKILL else "")


def tail(path: Path) -> str:
    """The last traceback in the file, or else its last lines."""
    return _last(_end(path))


def _end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _last(text: str) -> str:
    lines = text.rstrip().splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    if starts and len(lines) - starts[-1] <= 2 * _LINES:
        return "\n".join(lines[starts[-1] :])
    return "\n".join(lines[-_LINES:])
