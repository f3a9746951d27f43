"""Finds where a custom algorithm is, or crashed, from the stacks that its process writes."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

_FRAME = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)


class Stacks:
    """An unnamed file to which the process's `faulthandler` appends stacks."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process runs
        self._read = 0  # bytes read so far

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def has_more(self) -> bool:
        return os.fstat(self.fileno()).st_size > self._read

    def read(self, folder: Path) -> str | None:
        """`path:line` of the innermost frame in `folder` among the stacks since the last call.

        Packages that are installed below it do not count. None if there is no such frame.
        """
        data = os.pread(self.fileno(), 1 << 20, self._read)
        self._read += len(data)
        prefix = str(folder).encode("ascii", "backslashreplace").decode() + os.sep
        for path, line in _FRAME.findall(data.decode("ascii", "replace")):
            if path.startswith(prefix) and f"-packages{os.sep}" not in path[len(prefix) :]:
                return f"{folder / path[len(prefix) :]}:{line}"
        return None

    def close(self) -> None:
        self._file.close()
