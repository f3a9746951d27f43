"""`--isolate`: how this machine can give each trial a working folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core import paths
from runtime.core.config import Config
from runtime.core.paths import TrialFolder
from runtime.stage.agent.isolating import launcher
from runtime.system.units import size

_MOST = 1 << 30  # bytes that are copied for each trial, unless the copy shares the blocks
_CLONE = 0x40049409  # ioctl FICLONE
_OVERLAY, _COPY = "overlay", "copy"


@dataclass(frozen=True, slots=True)
class Isolation:
    """How each trial gets its own `folder`: by `method`, and `why` not by an overlay."""

    method: str
    folder: str
    why: str = ""

    @property
    def note(self) -> str:
        """What users should know about it; empty if there is nothing to tell."""
        if self.method == _OVERLAY:
            return ""
        reason = f"because no overlay is possible here ({self.why})"
        return f"--isolate copies the working folder for each trial, {reason}"

    def options(self, trial: TrialFolder) -> dict[str, JSON]:
        """The options of `annotate_isolate.py` for a trial."""
        home = os.path.realpath(paths.home())
        return {
            "method": self.method,
            "folder": self.folder,
            "changes": os.path.realpath(trial.changes),
            "scratch": os.path.realpath(trial.scratch),
            "keep": [home] if Path(home).is_relative_to(self.folder) else [],
        }


def isolation_of(config: Config) -> Isolation | None:
    """How to isolate the trials; None without `--isolate`.

    Raises AnnotateError if the folder is too large to be copied for each trial.
    """
    return _choose(os.path.realpath(config.cwd)) if config.isolate else None


@functools.cache
def _choose(folder: str) -> Isolation:
    home = paths.home()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="isolate-") as place:
        why = _no_overlay(folder, TrialFolder(Path(place)))
        if not why:
            return Isolation(_OVERLAY, folder)
        if not _shares_blocks(folder, place):
            _check_size(folder, str(home), why)
    return Isolation(_COPY, folder, why)


def _no_overlay(folder: str, trial: TrialFolder) -> str:
    """Why a command cannot run under an overlay; empty if it can."""
    for needed in (trial.changes, trial.scratch):
        needed.mkdir(parents=True)
    options = Isolation(_OVERLAY, folder).options(trial)
    name = ".annotate-isolate"
    done = subprocess.run(
        launcher(options, [sys.executable, "-ISc", f"open({name!r}, 'w')"]),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0 and (trial.changes / name).exists():
        return ""
    lines = done.stderr.strip().splitlines() or ["the overlay has no effect"]
    return lines[-1].removeprefix("--isolate: ")


def _shares_blocks(folder: str, place: str) -> bool:
    """Whether copies from the folder share its blocks, so that their size does not matter."""
    for path, length in _files(folder, place):
        if length:
            try:
                with Path(path).open("rb") as source, tempfile.TemporaryFile(dir=place) as goal:
                    fcntl.ioctl(goal, _CLONE, source.fileno())
            except OSError:
                return False
            break
    return True


def _check_size(folder: str, home: str, why: str) -> None:
    total = 0
    for _, length in _files(folder, home):
        total += length
        if total > _MOST:
            raise AnnotateError(
                f"--isolate would copy more than {size(_MOST)} of {folder} for each trial,"
                f" because no overlay is possible here ({why})",
                hint="move large data out of the working folder, run from a smaller one, or allow "
                "user namespaces",
            )


def _files(folder: str, without: str) -> Iterator[tuple[str, int]]:
    """The regular files below a folder and their sizes in bytes."""
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.path.join(above, name) != without]  # noqa: PTH118
        for name in names:
            path = Path(above, name)
            if path.is_file() and not path.is_symlink():
                yield str(path), path.stat().st_size


def make_empty(trial: TrialFolder) -> None:
    """Prepare the folders that an isolated trial needs; removes those of an earlier run."""
    for folder in (trial.changes, trial.scratch):
        _remove(folder)
        folder.mkdir(parents=True)


def tidy(trial: TrialFolder) -> None:
    """After an isolated trial: keep only the files that it made or changed."""
    if not trial.scratch.exists():
        return
    copied = {}
    with contextlib.suppress(OSError, ValueError):  # an overlay, or the trial did not start
        copied = json.loads((trial.scratch / "copied.json").read_bytes())
    for above, folders, files in os.walk(trial.changes, topdown=False):
        for name in (*folders, *files):
            path = Path(above, name)
            with contextlib.suppress(OSError):
                if name in folders and not path.is_symlink():
                    path.rmdir()  # unless something is left in it
                elif _is_unchanged(path, copied.get(str(path.relative_to(trial.changes)))):
                    path.unlink()
    _remove(trial.scratch)


def _is_unchanged(path: Path, copied: JSON) -> bool:
    """Whether the file is as it was copied, or only an overlay's mark of a deleted one."""
    status = path.lstat()
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return True
    return bool(copied == [status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode])


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "work").chmod(0o700)  # the overlay's own folder, which no user may read
    shutil.rmtree(folder, ignore_errors=True)
