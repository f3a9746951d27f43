"""Makes a trial's processes run the user's modules with the snapshot's code.

A module of the code folder keeps its `__file__`, tracebacks and data files; only the source that is
compiled comes from the frozen, instrumented copy. This applies to imports, the script itself,
processes spawned by `multiprocessing`, and scripts that the trial starts as commands. Python 3.8,
standard library only.
"""

import atexit
import builtins
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

_stage = os.path.dirname(os.path.abspath(__file__))
_code = os.path.join(os.path.dirname(_stage), "snapshot", "code")
_root = ""  # the user's code folder, links resolved
_roots: list = []  # the same and its copy, then folders with more of the user's modules and theirs
#: Annotate's packages, hidden from trials if Annotate is installed in the user's environment.
_HIDDEN = ("annotate", "annotate_hpo", "runtime", "tuners")
_KINDS = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)
_OPENING = ("annotate_data", "annotate_writes")  # modules that stand in for open()
_users_nni = None  # the user's own module named `nni`, loaded when first needed


def install():
    """Have every import in this process use the snapshot's code."""
    global _root
    if not _root:
        import nni  # noqa: F401  before the path offers a user's module of the same name

        with open(os.path.join(_stage, "root"), encoding="utf-8", errors="surrogateescape") as file:
            _root = file.read()
        _roots[:] = [(_root, _code), *_outside()]
        if os.path.exists(os.path.join(os.path.dirname(_code), "data.json")):
            import annotate_data

            annotate_data.install(_root, os.path.dirname(_code))
        sys.path_hooks.insert(0, _finder)
        sys.meta_path[:] = [_UsersNni, *map(_without_ours, sys.meta_path)]
        sys.path_importer_cache.clear()
        _redirect_main()
    watch_writes()


def watch_writes():
    """Report the files that this process writes, if other trials may run at the same time."""
    if os.environ.get("NNI_WATCH_WRITES"):
        import annotate_writes

        annotate_writes.watch()


def _outside():
    """Folders outside the code folder whose modules are frozen too, each with its copy."""
    snapshot = os.path.dirname(_code)
    try:
        with open(os.path.join(snapshot, "outside.list"), "rb") as file:
            folders = file.read().split(b"\0")[:-1]
    except OSError:  # an experiment of an earlier version
        return
    for number, folder in enumerate(map(os.fsdecode, folders)):
        yield folder, os.path.join(snapshot, "outside", str(number))


def run(argv):
    """Run the program `argv[0]` like `python argv[0] ...`, with the snapshot's code.

    A program is a script, or a module as in `-mpkg.train`.
    """
    prepare(argv[0])
    execute(argv)


def prepare(program):
    """Set up this process's imports as for `python program`."""
    install()
    if not getattr(sys.flags, "safe_path", False):
        own = os.path.dirname(os.path.realpath(program))
        sys.path[0] = os.getcwd() if module_of(program) else own


def module_of(program):
    """The name of the module that the program is; "" for a script."""
    return program[2:] if program.startswith("-m") else ""


def script_of(program):
    """The user's file that the program runs; "" for a module that does not exist."""
    name = module_of(program)
    if not name:
        return program
    for entry in sys.path:
        base = os.path.join(entry or os.getcwd(), *name.split("."))
        is_package = os.path.isfile(os.path.join(base, "__init__.py"))
        main = os.path.join(base, "__main__.py")
        file = main if is_package or os.path.isfile(main) else base + ".py"
        if frozen(file):
            return file
    return ""


def compiled(program):
    """Compile the program for all its runs; None if that raises or warns, or for a notebook."""
    import warnings

    script = script_of(program)
    copy = frozen(script)
    if copy is None or script.endswith(".ipynb"):
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            code = _Loader("__main__", _main_path(script), copy).get_code("__main__")
        except Exception:
            return None
    return None if caught else code


def _main_path(script):
    return os.path.abspath(script) if sys.version_info >= (3, 9) else script


def execute(argv, code=None):
    """Run the program `argv[0]` as `__main__`, in a process set up by `prepare`.

    `code` is the result of `compiled`.
    """
    script, name = script_of(argv[0]), module_of(argv[0])
    copy = frozen(script)
    if copy is None or not script:
        sys.exit("%s is not in the snapshot" % argv[0])
    sys.argv = [script, *argv[1:]]
    if os.path.dirname(getattr(sys.modules.get("sitecustomize"), "__file__", "")) == _stage:
        del sys.modules["sitecustomize"]  # no longer needed; the script may import its own
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # so that output can be followed live
    watch_writes()
    if os.environ.get("NNI_TRIAL_SEQ_ID") == "0":
        import annotate_elsewhere

        annotate_elsewhere.watch()
        atexit.register(_report_outside_files)
    main = _module("__main__", _main_path(script), copy)
    sys.modules["__main__"] = main
    if "__mp_main__" in sys.modules:  # multiprocessing's other name for the main module
        sys.modules["__mp_main__"] = main
    if script.endswith(".ipynb"):
        import annotate_notebook

        _execute(annotate_notebook.codes(copy, main.__file__, main.__dict__), main.__dict__)
    else:
        _execute(_code_of(main, name, code), main.__dict__)


def _code_of(main, name, code):
    if name:  # as `python -m` does: the packages around the module run first
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(name + ".__main__")
        main.__spec__, main.__package__ = spec, spec and spec.parent
    yield main.__loader__.get_code("__main__") if code is None else code


def _report_outside_files():
    """Report annotations without effect. Only trial 0 does: the others import the same files."""
    import annotate_elsewhere

    import nni

    for text in annotate_elsewhere.notes(_root, os.path.dirname(_code)):
        nni.note(text)


def _execute(codes, names):
    try:
        for code in codes:
            awaits = eval(code, names)
            if awaits is not None:
                sys.modules["annotate_notebook"].wait_for(awaits)
        return
    except SystemExit:
        raise
    except BaseException as error:
        _remove_our_frames(error, names)
        sys.excepthook(type(error), error, error.__traceback__)
        interrupted = isinstance(error, KeyboardInterrupt)
    if interrupted:
        import signal

        try:  # noqa: SIM105  every trial would pay for contextlib
            atexit._run_exitfuncs()
        except BaseException:
            pass  # Python 3.8 raises an error after printing it
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(1)


def _remove_our_frames(error, names):
    """Leave the user's frames in a traceback: those from the script, whose globals are `names`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is not names:
        trace = trace.tb_next
    if trace is not None or isinstance(error, SyntaxError):  # else a package around it failed
        error.__traceback__ = trace
    while trace is not None:  # without those of our open()
        below = trace.tb_next
        while below and below.tb_frame.f_globals.get("__name__") in _OPENING:
            trace.tb_next = below = below.tb_next
        trace = below


def _module(name, path, copy):
    module = type(sys)(name)
    module.__file__ = path
    module.__loader__ = _Loader(name, path, copy)
    module.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 15):
        module.__dict__["__cached__"] = None
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    return module


def frozen(path):
    """The snapshot's copy of the file or folder `path`; None if it has none.

    A symbolic link in the code folder has its own copy, whatever its target.
    """
    folder, name = os.path.split(os.path.abspath(path))
    return _copy(os.path.join(os.path.realpath(folder), name)) or _copy(os.path.realpath(path))


def _copy(path):
    path = annotate_copied.original(path)
    for root, code in _roots:
        if path == root or path.startswith(os.path.join(root, "")):
            copy = code + path[len(root.rstrip(os.sep)) :]
            if os.path.exists(copy):
                return copy
    return None


class _Loader(SourceFileLoader):
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
                    _Loader(fullname, path, frozen),
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
                spec.loader = _Loader(fullname, spec.origin, copy)
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


def _redirect_main():
    """If this process is about to run a script of the code folder, run its copy instead."""
    first = sys.argv[0] if getattr(sys, "argv", None) else ""
    if first in ("-c", "-m"):
        _redirect_run_path()
    elif os.path.isfile(first) and not _is_ours(first) and frozen(first) is not None:
        command = _command()
        command.insert(len(command) - len(sys.argv), os.path.join(_stage, "annotate_run.py"))
        os.execv(sys.executable, [sys.executable, *command[1:]])


def _is_ours(path):
    """Whether it is one of our programs. The code folder may hold experiments, and so them too."""
    return os.path.dirname(os.path.realpath(path)) == os.path.realpath(_stage)


def _command():
    """The full command line of this process, including options of the interpreter."""
    if hasattr(sys, "orig_argv"):
        return list(sys.orig_argv)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return [sys.executable, *sys.argv]


def _redirect_run_path():
    """Redirect `run_path`, with which `multiprocessing` runs the main script in a new process."""
    import runpy

    plain = runpy.run_path

    def run_path(path_name, init_globals=None, run_name=None):
        copy = frozen(path_name) if isinstance(path_name, str) else None
        if copy is None or not os.path.isfile(copy):
            return plain(path_name, init_globals, run_name)
        module = _module(run_name or "<run_path>", path_name, copy)
        module.__dict__.update(init_globals or {})
        before = sys.modules.get(module.__name__)
        sys.modules[module.__name__] = module
        try:
            exec(module.__loader__.get_code(module.__name__), module.__dict__)
            return module.__dict__.copy()
        finally:
            if before is None:
                del sys.modules[module.__name__]
            else:
                sys.modules[module.__name__] = before

    runpy.run_path = run_path
