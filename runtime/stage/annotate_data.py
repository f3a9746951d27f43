"""Reads of annotated files of data go to the trial's copies, whatever opens them in Python.

`open`, `io.open` and `os.open` look at a path's suffix, and only where it is that of an annotated
file at which file it is: the same one by any path, link or folder. What a process has opened for
writing it then reads as it is, like every other file. Standard library of Python 3.8 only.
"""

import builtins
import io
import json
import os

_plain_open = io.open
_plain_os_open = os.open
_root = ""
_names: tuple = ()  # of the files, from the code folder on
_suffixes: tuple = ()
_ours: set = set()  # those that this process has written
_told: set = set()


def install(root, snapshot):
    """Have this process read copies of the files that `snapshot` says."""
    global _root, _names, _suffixes
    try:
        with _plain_open(os.path.join(snapshot, "data.json"), encoding="utf-8") as file:
            _names = tuple(json.load(file))
    except FileNotFoundError:
        return
    _root = root
    _suffixes = tuple({os.path.splitext(name)[1] for name in _names})
    builtins.open = io.open = _Open()
    os.open = _OsOpen()


def copy_of(path, reads=True, dir_fd=None):
    """The trial's copy of the file at `path`; None where it has none, or it is written."""
    path = _fitting(path)
    return None if path is None else _find(path, reads, dir_fd)


def _fitting(path):
    """The path as text where it has the suffix of an annotated file; most end here."""
    if type(path) is not str:
        try:
            path = os.fsdecode(path)
        except TypeError:
            return None  # a descriptor, or nothing that could be opened
    return path if path.endswith(_suffixes) else None


def _find(path, reads, dir_fd):
    folder = os.environ.get("NNI_SYS_DIR")
    if not folder:
        return None
    name = _name(path, dir_fd)
    if name is None or name in _ours:
        return None
    if not reads:
        _ours.add(name)
        return None
    copy = os.path.join(folder, "data", name)
    if not os.path.exists(copy):
        return None
    _tell(folder, name)
    return copy


def _name(path, dir_fd):
    """Which of the files it is: by the file itself, or, where that is gone, by its path."""
    try:
        there = os.stat(path, dir_fd=dir_fd)
    except OSError:
        there = None
    for name in _names:
        original = os.path.join(_root, name)
        try:
            if there is not None and os.path.samestat(there, os.stat(original)):
                return name
        except OSError:
            pass
        if there is None and dir_fd is None and os.path.realpath(path) == original:
            return name
    return None


def _tell(folder, name):
    """Note what the file has for the parameters that the trial has no values for."""
    if name not in _told:
        _told.add(name)
        import nni

        with _plain_open(os.path.join(folder, "parameters.json"), encoding="utf-8") as file:
            written = json.load(file).get("written", {})
        for key, value in written.get(name, {}).items():
            nni.written(key, value)


class _Builtin:
    """Not a function: as a builtin, it does not become a method where a class holds it."""

    def __init__(self, plain):
        self.__wrapped__ = plain
        self.__name__ = self.__qualname__ = plain.__name__
        self.__module__ = plain.__module__
        self.__doc__ = plain.__doc__

    def __repr__(self):
        return repr(self.__wrapped__)

    def __reduce__(self):
        return self.__name__


class _Open(_Builtin):
    def __init__(self):
        super().__init__(_plain_open)

    def __call__(self, file, *rest, **more):
        if _fitting(file) is None:
            return _plain_open(file, *rest, **more)
        return _open(file, *rest, **more)


def _open(file, mode="r", *rest, **more):
    reads = isinstance(mode, str) and not set(mode) & set("wax+")
    copy = copy_of(file, reads)
    if copy is not None:  # an opener, so that the file keeps the name that was asked for
        more["opener"] = lambda name, flags: _plain_os_open(copy, flags)
        rest = rest[:5]
    return _plain_open(file, mode, *rest, **more)


class _OsOpen(_Builtin):
    def __init__(self):
        super().__init__(_plain_os_open)

    def __call__(self, path, flags, mode=0o777, *, dir_fd=None):
        reads = not flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC)
        copy = copy_of(path, reads, dir_fd)
        if copy is not None:
            return _plain_os_open(copy, flags, mode)
        return _plain_os_open(path, flags, mode, dir_fd=dir_fd)
