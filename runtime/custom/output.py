"""Logs what a custom algorithm prints."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import IO

_MAX_HELD = 1000  # lines that are kept until the log is open
_MAX_LINE = 1 << 16  # bytes; a longer line is logged in pieces


class Output:
    """Reads `pipe` to its end in a thread, and logs each line with `name` before it.

    The algorithm starts before the experiment's log exists, so lines are kept until `log`.
    """

    def __init__(self, pipe: IO[bytes], name: str) -> None:
        self._pipe, self._name = pipe, name
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=_MAX_HELD)
        self._logs = False
        self._thread = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._thread.start()

    def log(self) -> None:
        """Log the lines kept so far, and from now on every line at once."""
        with self._lock:
            self._logs = True
            while self._lines:
                self._write(self._lines.popleft())

    def take(self) -> list[str]:
        """Remove and return the lines kept so far, once the process has ended."""
        self._thread.join(timeout=1.0)  # its child processes may still hold the pipe open
        with self._lock:
            lines = [*self._lines]
            self._lines.clear()
            return lines

    def _read(self) -> None:
        with self._pipe:
            while data := self._pipe.readline(_MAX_LINE):
                line = data.decode(errors="backslashreplace").rstrip("\n")
                with self._lock:
                    if self._logs:
                        self._write(line)
                    else:
                        self._lines.append(line)

    def _write(self, line: str) -> None:
        logging.info("%s: %s", self._name, line)
