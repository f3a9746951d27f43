"""Explains why a trial failed: a one-line reason, and the end of its standard error."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from runtime.core.paths import TrialFolder
from runtime.core.trial import Trial

_TAIL = 65536  # bytes at the end of standard error that are searched
_LINES = 30  # lines of it that are shown
NO_REPORT = "add # @nni.report_final_result(value) after the line that computes the value"
_TRACEBACK = "Traceback (most recent call last):"
#: Out-of-memory errors of Python, C++, the system, PyTorch, CUDA and JAX.
_NO_MEMORY = re.compile(
    r"MemoryError|std::bad_alloc|an't allocate memory|annot allocate memory|not enough memory"
    r"|[Oo]ut of memory|OUT_OF_MEMORY|_ALLOC_FAILED|RESOURCE_EXHAUSTED|by signal: Killed"
)
_GPU = re.compile(r"CUDA|CUBLAS|CUDNN|HIP |GPU")
_FRAME = re.compile(r'^  File "(?s:.*?)", line \d+[^\n]*', re.MULTILINE)
_NO_MODULE = "ModuleNotFoundError: "
_NUMBER = re.compile(r"[-+]?\d[\d.,e+-]*")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a trial failed.

    reason: one line, for tables.
    output: the last traceback, or the last lines, of its standard error; may be empty.
    text: a longer part of standard error. The real cause may precede `output`, for example the
        error of another process of the trial, or one that the script handled.
    """

    reason: str
    output: str
    text: str = ""

    @property
    def kind(self) -> str:
        """The reason without its numbers, which is equal for equal mistakes."""
        return _NUMBER.sub("#", self.reason)


def failure_of(
    trial: Trial, code: int, folder: TrialFolder, cause: str | None = None, *, python: str = ""
) -> Failure | None:
    """Why a trial that ended with exit code `code` failed; None if it succeeded.

    `cause` is the executor's explanation, if it has one, and `python` the interpreter's path.
    """
    if code == 0 and trial.metric is not None:
        return None
    text = _read_end(folder.stderr)
    output = _last_traceback(text)
    if code == 0 or cause:
        return Failure(cause or _no_result(trial), output, text)
    ending = f"killed by {_signal_name(-code)}" if code < 0 else f"exit code {code}"
    message = _error_line(output) if code > 0 else ""
    if python and message.startswith(_NO_MODULE):
        message += f" in {python}; choose another interpreter with --python"
    separator = ": " if message else ""
    return Failure(f"{_memory_prefix(output)}{ending}{separator}{message}", output, text)


def _error_line(output: str) -> str:
    """The line with the error: in a traceback, the first one after the frames."""
    # The name of a file may have several lines.
    lines = _FRAME.sub("  File", output).splitlines()
    if lines and lines[0].startswith(_TRACEBACK):
        lines = [line for line in lines[1:] if line[:1].strip()][:1] or lines
    return lines[-1].strip() if lines else ""


def _memory_prefix(output: str) -> str:
    """A prefix for the reason if the last lines report an out-of-memory error; else empty."""
    for line in output.splitlines()[-10:]:
        if _NO_MEMORY.search(line):
            return "out of GPU memory: " if _GPU.search(line) else "out of memory: "
    return ""


def _no_result(trial: Trial) -> str:
    if not trial.reports:
        return f"ended without a result: the script reported nothing; {NO_REPORT}"
    last = "nan" if trial.last is None else f"{trial.last:g}"
    return (
        f"ended without a final result, after {trial.reports} intermediate results"
        f" (last: {last}); {NO_REPORT}"
    )


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return name + (", sent by another program" if number == signal.SIGKILL else "")


def tail(path: Path) -> str:
    """The last traceback in the file, or its last lines if there is none."""
    return _last_traceback(_read_end(path))


def _read_end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _last_traceback(text: str) -> str:
    lines = text.rstrip().splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    if starts and len(lines) - starts[-1] <= 2 * _LINES:
        return "\n".join(lines[starts[-1] :])
    return "\n".join(lines[-_LINES:])
