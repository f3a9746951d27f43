"""Redirects reads of annotated data files to the trial's copies.

`open`, `io.open` and `os.open` are replaced. They check a path's suffix first; only if an annotated
file has it, they check whether it is the same file, by whatever path or link. Once a process has
opened such a file for writing, it reads the original. Python 3.8, standard library only.
"""

import builtins
import io
import json
import os

import annotate_copied
from annotate_builtin import Builtin

_plain_open = io.open
_plain_os_open = os.open
_root = ""
_names: tuple = ()  # paths of the annotated files, relative to the code folder
_suffixes: tuple = ()
_written: set = set()  # annotated files that this process has opened for writing
_reported: set = set()  # annotated files whose own values were reported


def install(root, snapshot):
    """Redirect this process's reads of the files listed in the snapshot's data.json."""
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
    """The trial's copy of the file at `path`; None without one, or if this process writes it."""
    path = _candidate(path)
    return None if path is None else _find(path, reads, dir_fd)


def _candidate(path):
    """The path as text if it has the suffix of an annotated file; for most paths None."""
    if type(path) is not str:
        try:
            path = os.fsdecode(path)
        except TypeError:
            return None  # a descriptor, or not a path
    return path if path.endswith(_suffixes) else None


def _find(path, reads, dir_fd):
    folder = os.environ.get("NNI_SYS_DIR")
    if not folder:
        return None
    name = _name(path, dir_fd)
    if name is None or name in _written:
        return None
    if not reads:
        _written.add(name)
        return None
    copy = os.path.join(folder, "data", name)
    if not os.path.exists(copy):
        return None
    _report_written(folder, name)
    return copy


def _name(path, dir_fd):
    """Which annotated file it is: by identity or, if the file is missing, by its path."""
    try:
        status = os.stat(path, dir_fd=dir_fd)
    except OSError:
        status = None
    for name in _names:
        original = os.path.join(_root, name)
        try:
            if status is not None and os.path.samestat(status, os.stat(original)):
                return name
        except OSError:
            pass
        if dir_fd is None and (status is None or "NNI_COPY" in os.environ):
            path_of_user = annotate_copied.original(os.path.realpath(path))
            if path_of_user == original:
                return name
    return None


def _report_written(folder, name):
    """Report the file's own values of those parameters that the trial has no values for."""
    if name not in _reported:
        _reported.add(name)
        import nni

        with _plain_open(os.path.join(folder, "parameters.json"), encoding="utf-8") as file:
            document = json.load(file)
        module = name.replace(os.sep, ".")
        watched = [key for key in document.get("watched", ()) if key.split("/")[0] == module]
        if watched:
            import annotate_effects

            annotate_effects.taken(watched)
        for key, value in document.get("written", {}).get(name, {}).items():
            nni.written(key, value)


class _Open(Builtin):
    def __init__(self):
        super().__init__(_plain_open)

    def __call__(self, file, *args, **kwargs):
        if _candidate(file) is None:
            return _plain_open(file, *args, **kwargs)
        return _open(file, *args, **kwargs)


def _open(file, mode="r", *args, **kwargs):
    reads = isinstance(mode, str) and not set(mode) & set("wax+")
    copy = copy_of(file, reads)
    if copy is not None:  # with an opener, so that the file object keeps the requested name
        kwargs["opener"] = lambda name, flags: _plain_os_open(copy, flags)
        args = args[:5]
    return _plain_open(file, mode, *args, **kwargs)


class _OsOpen(Builtin):
    def __init__(self):
        super().__init__(_plain_os_open)

    def __call__(self, path, flags, mode=0o777, *, dir_fd=None):
        reads = not flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC)
        copy = copy_of(path, reads, dir_fd)
        if copy is not None:
            return _plain_os_open(copy, flags, mode)
        return _plain_os_open(path, flags, mode, dir_fd=dir_fd)
