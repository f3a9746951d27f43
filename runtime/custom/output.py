"""What an algorithm prints: it goes to the log."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import IO

_HELD = 1000  # lines that are held until the log is open
_LINE = 1 << 16  # bytes of a line; a longer one is logged in pieces


class Output:
    """Reads `pipe` to its end in a thread; `name` stands before each line.

    An algorithm starts before there is an experiment: its lines are held until `log`.
    """

    def __init__(self, pipe: IO[bytes], name: str) -> None:
        self._pipe, self._name = pipe, name
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=_HELD)
        self._logs = False
        self._thread = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._thread.start()

    def log(self) -> None:
        """Write what was held to the log, and all that follows."""
        with self._lock:
            self._logs = True
            while self._lines:
                self._write(self._lines.popleft())

    def take(self) -> list[str]:
        """The lines that were held, and are so no more; for a process that has ended."""
        self._thread.join(timeout=1.0)  # what it started may have the pipe still
        with self._lock:
            lines = [*self._lines]
            self._lines.clear()
            return lines

    def _read(self) -> None:
        with self._pipe:
            while data := self._pipe.readline(_LINE):
                line = data.decode(errors="backslashreplace").rstrip("\n")
                with self._lock:
                    if self._logs:
                        self._write(line)
                    else:
                        self._lines.append(line)

    def _write(self, line: str) -> None:
        logging.info("%s: %s", self._name, line)
