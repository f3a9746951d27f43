"""Imports the user's modules with the snapshot's code.

A module of the code folder keeps its `__file__`, tracebacks and data files; only the source that is
compiled comes from the frozen, instrumented copy. Python 3.8, standard library only.
"""

import builtins
import io
import os
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)

import annotate_copied
from annotate_builtin import Builtin

_stage = os.path.dirname(os.path.abspath(__file__))
_snapshot = os.path.join(os.path.dirname(_stage), "snapshot")
_roots: list = []  # the code folder, links resolved, and its copy; then others with user's modules
#: Annotate's packages, hidden from trials if Annotate is installed in the user's environment.
_HIDDEN = ("annotate", "annotate_hpo", "runtime", "tuners")
_KINDS = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)
_users_nni = None  # the user's own module named `nni`, loaded when first needed


def install():
    """Have every import in this process use the snapshot's code; False if it does already."""
    if _roots:
        return False
    import nni  # noqa: F401  before the path offers a user's module of the same name

    with open(os.path.join(_stage, "root"), encoding="utf-8", errors="surrogateescape") as file:
        _roots[:] = [(file.read(), os.path.join(_snapshot, "code")), *_outside()]
    if os.path.exists(os.path.join(_snapshot, "data.json")):
        import annotate_data

        annotate_data.install(root(), _snapshot)
    _freeze_files_by_path()
    sys.path_hooks.insert(0, _finder)
    sys.meta_path[:] = [_UsersNni, *map(_without_ours, sys.meta_path)]
    sys.path_importer_cache.clear()
    return True


def root():
    """The user's code folder, links resolved."""
    return _roots[0][0]


def _outside():
    """Folders outside the code folder whose modules are frozen too, each with its copy."""
    try:
        with open(os.path.join(_snapshot, "outside.list"), "rb") as file:
            folders = file.read().split(b"\0")[:-1]
    except OSError:  # an experiment of an earlier version
        return
    for number, folder in enumerate(map(os.fsdecode, folders)):
        yield folder, os.path.join(_snapshot, "outside", str(number))


def frozen(path):
    """The snapshot's copy of the file or folder `path`; None if it has none.

    A symbolic link in the code folder has its own copy, whatever its target.
    """
    folder, name = os.path.split(os.path.abspath(path))
    return _copy(os.path.join(os.path.realpath(folder), name)) or _copy(os.path.realpath(path))


def _copy(path):
    path = annotate_copied.original(path)
    for folder, code in _roots:
        if path == folder or path.startswith(os.path.join(folder, "")):
            copy = code + path[len(folder.rstrip(os.sep)) :]
            if os.path.exists(copy):
                return copy
    return None


class Loader(SourceFileLoader):
    """Compiles the snapshot's copy `frozen` of the module at `path`."""

    def __init__(self, fullname, path, frozen):
        super().__init__(fullname, path)
        self.frozen = frozen

    def _place(self, path):
        if path == self.path:
            return self.frozen
        if path.endswith(".pyc"):
            # Beside the frozen copy, so that the user's own cache is never touched.
            cache = os.path.join(os.path.dirname(self.frozen), "__pycache__")
            return os.path.join(cache, os.path.basename(path))
        return path

    def get_data(self, path):
        if "annotate_data" in sys.modules and path != self.path:
            path = sys.modules["annotate_data"].copy_of(path) or path  # what pkgutil asks for
        return super().get_data(self._place(path))

    def path_stats(self, path):
        return super().path_stats(self._place(path))

    def set_data(self, path, data, **options):
        super().set_data(self._place(path), data, **options)


class _Finder(FileFinder):
    """Finds modules in the user's folder `path`; `frozen` is its copy in the snapshot."""

    def __init__(self, path, frozen):
        super().__init__(path, *_KINDS)
        self.frozen = frozen

    def find_spec(self, fullname, target=None):
        name = fullname.rpartition(".")[2]
        package = os.path.join(name, "__init__.py")
        for relative in (package, name + ".py"):
            frozen = os.path.join(self.frozen, relative)
            if os.path.isfile(frozen):
                path = os.path.join(self.path, relative)
                spec = ModuleSpec(
                    fullname,
                    Loader(fullname, path, frozen),
                    origin=path,
                    is_package=relative == package,
                )
                spec.has_location = True
                if relative == package:
                    spec.submodule_search_locations = [os.path.join(self.path, name)]
                return spec
        return super().find_spec(fullname, target)


def _finder(entry):
    place = entry or os.getcwd()
    copy = frozen(place)
    if copy is not None and os.path.isdir(copy):
        return _Finder(place, copy)
    if os.path.isfile(os.path.join(place, "annotate_hpo.py")):
        return _FinderWithoutOurs(place, *_KINDS)
    raise ImportError("not a folder of the snapshot", path=entry)


def _freeze_files_by_path():
    """Have modules that a script loads by their file's path use the snapshot's code.

    `importlib.util` takes this function when it is imported. With a loader, as the path's finders
    call it, nothing changes. `runpy` reads what it runs by `io.open_code`, which the import system
    calls by another name.
    """
    from importlib import _bootstrap_external as external

    plain = external.spec_from_file_location

    def spec_from_file_location(name, location=None, **options):
        spec = plain(name, location, **options)
        if spec is not None and "loader" not in options and type(spec.loader) is SourceFileLoader:
            copy = frozen(spec.origin)
            if copy is not None:
                spec.loader = Loader(name, spec.origin, copy)
        return spec

    for module in (external, sys.modules.get("importlib.util")):
        if module is not None:
            setattr(module, "spec_from_file_location", spec_from_file_location)  # noqa: B010
    io.open_code = _OpenCode(io.open_code)


class _OpenCode(Builtin):
    """Opens the snapshot's copy of a file that `runpy.run_path` runs."""

    def __call__(self, path):
        copy = frozen(path)
        return self.__wrapped__(path if copy is None or os.path.isdir(copy) else copy)


class _FinderWithoutOurs(FileFinder):
    """Finds modules in a folder that Annotate is installed in, except Annotate's own."""

    def find_spec(self, fullname, target=None):
        return None if fullname in _HIDDEN else super().find_spec(fullname, target)


def _without_ours(finder):
    """The finder; that of an editable install wrapped to hide our packages and find frozen ones."""
    if getattr(finder, "__module__", "").startswith("__editable___"):
        return _EditableInstall(finder)
    return finder


class _EditableInstall:
    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, fullname, path=None, target=None):
        ours = self._finder.__module__.startswith("__editable___annotate_hpo_")
        if ours and fullname in _HIDDEN:
            return None
        spec = self._finder.find_spec(fullname, path, target)
        if type(getattr(spec, "loader", None)) is SourceFileLoader:
            copy = frozen(spec.origin)
            if copy is not None:
                spec.loader = Loader(fullname, spec.origin, copy)
        return spec


def users_nni():
    """The user's own module `nni` in the code folder, or None; ours delegates to it."""
    global _users_nni
    spec = _find_users_nni() if _users_nni is None else None
    if spec is not None and spec.loader is not None:
        import importlib.util

        _users_nni = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(_users_nni)
    return _users_nni


def _find_users_nni():
    for entry in sys.path:
        copy = frozen(entry or os.getcwd())
        if copy is not None:
            place = os.path.join(copy, "nni")
            if os.path.isfile(place + ".py") or os.path.isdir(place):
                return PathFinder.find_spec("nni", [entry])
    return None


class _UsersNni:
    """Finds the submodules of the code folder's own `nni`."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        spec = _find_users_nni() if fullname.startswith("nni.") else None
        places = spec.submodule_search_locations if spec is not None else None
        return PathFinder.find_spec(fullname, places) if places else None


def new_module(name, path, copy):
    """An empty module `name` of the file `path`, whose code is in `copy`."""
    module = type(sys)(name)
    module.__file__ = path
    module.__loader__ = Loader(name, path, copy)
    module.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 15):
        module.__dict__["__cached__"] = None
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    return module
