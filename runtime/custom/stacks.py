"""The stacks that an algorithm's process writes when it crashes, or is asked where it is."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

_FRAME = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)


class Stacks:
    """A file without a name. `faulthandler` of the process appends to it; the driver reads it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process runs
        self._read = 0  # bytes

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def has_more(self) -> bool:
        return os.fstat(self.fileno()).st_size > self._read

    def read(self, folder: Path) -> str | None:
        """`path:line` of the innermost frame in `folder`, by what was appended since the last
        call; None where there is no such frame."""
        data = os.pread(self.fileno(), 1 << 20, self._read)
        self._read += len(data)
        written = str(folder).encode("ascii", "backslashreplace").decode() + os.sep
        for path, line in _FRAME.findall(data.decode("ascii", "replace")):
            if path.startswith(written):
                return f"{folder / path[len(written) :]}:{line}"
        return None

    def close(self) -> None:
        self._file.close()
