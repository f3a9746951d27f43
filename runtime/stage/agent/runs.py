"""The runs of an agent's trials: what each wrote, how far the driver has it, and its end."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import stat
import threading
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Dict, Iterator, Optional, Tuple

FILES = ("stdout", "stderr", "metrics.jsonl")
_CHUNK = 256 << 10  # bytes of a file that are read at a time
_FEW, _SMALL = 16, 1 << 20  # files, and bytes of each, that are removed at once


@dataclass
class Run:
    """One run of a trial. `have` is how many bytes of each file the driver has, if it asked.

    `limit` is how many bytes of its output folder come home. `stopping` is whether the driver wants
    it to end. `end` tells how it ended: code, cause, lost and time; `end_sent` is whether it went
    to the driver. `has_news` is whether there may be more to send, `cleared` whether nothing of it
    runs any more, and `forgotten` whether its folder is to be removed then. `gpus` are the UUIDs of
    the GPUs that it leases.
    """

    name: str
    folder: str
    key: int  # the runner's number for it
    have: Optional[Dict[str, int]] = None
    started: Optional[Dict[str, Any]] = None
    end: Optional[Dict[str, Any]] = None
    stopping: bool = False
    end_sent: bool = False
    has_news: bool = False
    cleared: bool = False
    forgotten: bool = False
    limit: int = 0
    gpus: Tuple[str, ...] = ()

    def next_chunk(self) -> Optional[Tuple[str, int, bytes]]:
        """A file, an offset, and the bytes there that the driver lacks; None if it has all."""
        have = self.have
        if have is None:
            return None
        for name in FILES:
            data = _read_from(os.path.join(self.folder, name), have[name])
            if data:
                have[name] += len(data)
                return name, have[name] - len(data), data
        return None

    def keep_end(self) -> None:
        """Write the end to disk, where an agent that comes after this one reads it."""
        with contextlib.suppress(OSError):  # a full disk: this agent still knows it
            path = os.path.join(self.folder, "end.json")
            _write(path, {"started": self.started, "end": self.end, "limit": self.limit})

    def summary(self) -> Dict[str, Any]:
        return {"run": self.name, "started": self.started, "ended": self.end is not None}


@dataclass
class Runs:
    """All runs below `folder`, by name."""

    folder: str
    by_name: Dict[str, Run] = field(default_factory=dict)
    _keys: Iterator[int] = field(default_factory=itertools.count)
    _useless: SimpleQueue[str] = field(default_factory=SimpleQueue)
    _thread: Optional[threading.Thread] = None

    def recover(self) -> None:
        """Take up what an earlier agent left; what had not ended then is lost."""
        os.makedirs(self.folder, exist_ok=True)
        for name in os.listdir(self.folder):
            place = os.path.join(self.folder, name)
            run = self.by_name[name] = Run(name, place, next(self._keys))
            kept = _read(os.path.join(place, "end.json"))
            cause = "its agent ended"
            run.end = kept.get("end") or {"code": -9, "cause": cause, "lost": True, "time": None}
            run.started, run.limit = kept.get("started"), kept.get("limit", 0)
            run.cleared = True

    def make(self, name: str) -> Run:
        """An empty folder for a new run."""
        run = self.by_name[name] = Run(name, os.path.join(self.folder, name), next(self._keys))
        os.makedirs(os.path.join(run.folder, "output"))
        return run

    def forget(self, name: str) -> None:
        """Remove a run and its folder, as soon as nothing of it runs any more."""
        run = self.by_name.get(name)
        if run is not None:
            run.forgotten = True
            self._remove(run)

    def clear(self, run: Run) -> None:
        """Nothing of the run runs any more."""
        run.cleared = True
        self._remove(run)

    def _remove(self, run: Run) -> None:
        if run.cleared and run.forgotten:
            del self.by_name[run.name]
            if _remove_small(run.folder):
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._clean, name="cleaner", daemon=True)
                self._thread.start()
            self._useless.put(run.folder)

    def _clean(self) -> None:
        """Remove large folders, for which the disk may take a while."""
        for folder in iter(self._useless.get, ""):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Wait until the folders of forgotten runs are removed."""
        if self._thread is not None:
            self._useless.put("")
            self._thread.join()

    def by_key(self, key: int) -> Optional[Run]:
        """The run with this key, unless it was forgotten."""
        return next((run for run in self.by_name.values() if run.key == key), None)

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self.by_name.values()))


def _remove_small(folder: str) -> bool:
    """Remove the folder if it holds only a few small files; returns whether it did."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(os.path.join(folder, "output"))
        with os.scandir(folder) as found:
            entries = list(itertools.islice(found, _FEW + 1))
        if len(entries) > _FEW or any(_size(entry) > _SMALL for entry in entries):
            return False
        for entry in entries:
            os.unlink(entry.path)
        os.rmdir(folder)
    except OSError:
        return False
    return True


def _size(entry: os.DirEntry[str]) -> int:
    return entry.stat(follow_symlinks=False).st_size


def _read_from(path: str, offset: int) -> bytes:
    """What follows the offset in a regular file: a trial may have put a pipe or a link there."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size <= offset:
            return b""
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        return os.pread(file, _CHUNK, offset) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def _write(path: str, document: Dict[str, Any]) -> None:
    with open(path + ".new", "w") as file:
        json.dump(document, file)
    os.replace(path + ".new", path)


def _read(path: str) -> Dict[str, Any]:
    """The document in the file; empty if there is none."""
    try:
        with open(path) as file:
            document = json.load(file)
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
