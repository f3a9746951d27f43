"""Changes of files, as the system reports them, so that nobody has to look again and again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
import threading

_HEADER = struct.Struct("iIII")  # the watch, what happened, a cookie, the length of the name
# What happened, see inotify(7).
_MODIFY, _ATTRIB, _CLOSE_WRITE, _OVERFLOW, _IGNORED = 0x2, 0x4, 0x8, 0x4000, 0x8000
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_OF_FILE = _MODIFY | _ATTRIB | _DELETE_SELF | _MOVE_SELF
_OF_FOLDER = _OF_FILE | _CLOSE_WRITE | 0x40 | 0x80 | 0x100 | 0x200  # moved, created, deleted


class FileEvents:
    """Collects the changes of watched files; `fileno` is readable while there are any.

    Uses inotify, which sees changes by programs of this machine only. May be used from several
    threads. Raises OSError if the system has no inotify, or has no more to give.
    """

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError("inotify exists on Linux only")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise _error()
        self._lock = threading.Lock()
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}

    def fileno(self) -> int:
        return self._file

    def watch(self, path: str) -> None:
        """Collect changes of a file, or of a folder and what lies directly in it.

        Raises OSError, for example if there is no such file.
        """
        mask = _OF_FOLDER if os.path.isdir(path) else _OF_FILE
        with self._lock:
            watch = self._libc.inotify_add_watch(self._file, os.fsencode(path), mask)
            if watch < 0:
                raise _error()
            self._paths[watch] = path
            self._watches[path] = watch

    def watches(self, path: str) -> bool:
        """Whether changes of `path` are collected; no longer once it is deleted."""
        return path in self._watches

    def forget(self, path: str) -> None:
        """Collect no more changes of `path`."""
        with self._lock:
            watch = self._watches.pop(path, None)
            if watch is not None:
                del self._paths[watch]
                self._libc.inotify_rm_watch(self._file, watch)

    def changed(self) -> set[str]:
        """The watched files and folders that changed since the last call."""
        with self._lock:
            try:
                data = os.read(self._file, 1 << 16)
            except BlockingIOError:
                return set()
            return self._changed(data)

    def _changed(self, data: bytes) -> set[str]:
        changed: set[str] = set()
        at = 0
        while at < len(data):
            watch, event, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size + length
            if event & _OVERFLOW:
                changed.update(self._watches)
            elif watch in self._paths:
                changed.add(self._paths[watch])
            if event & _IGNORED and watch in self._paths:  # the file is gone
                path = self._paths.pop(watch)
                if self._watches.get(path) == watch:
                    del self._watches[path]
        return changed

    def close(self) -> None:
        os.close(self._file)


def events_in(folder: str) -> FileEvents | None:
    """For files in `folder`; None without inotify, or if a try shows that it tells nothing."""
    with contextlib.suppress(OSError):
        events = FileEvents()
        if _tells(events, folder):
            return events
        events.close()
    return None


def _tells(events: FileEvents, folder: str) -> bool:
    """Whether the system reports a change of `folder`; True if this user may not change it."""
    try:
        events.watch(folder)
        status = os.stat(folder)
        os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
    except PermissionError:
        return True
    except OSError:
        return False
    is_reported = bool(events.changed())
    events.forget(folder)
    return is_reported


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
