"""Runs a trial's program: the script or module itself, with the snapshot's code.

Processes spawned by `multiprocessing` and scripts that the trial starts as commands run the
snapshot's code, too. Python 3.8, standard library only.
"""

import atexit
import os
import sys

import annotate_frozen
from annotate_frozen import Loader, frozen, new_module

_stage = os.path.dirname(os.path.abspath(__file__))
_snapshot = os.path.join(os.path.dirname(_stage), "snapshot")
_OPENING = ("annotate_data", "annotate_writes")  # modules that stand in for open()


def install():
    """Have every import in this process use the snapshot's code."""
    if annotate_frozen.install():
        _redirect_main()
    watch_writes()


def watch_writes():
    """Report the files that this process writes, if other trials may run at the same time."""
    if os.environ.get("NNI_WATCH_WRITES"):
        import annotate_writes

        annotate_writes.watch()


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
            code = Loader("__main__", _main_path(script), copy).get_code("__main__")
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
        atexit.register(_report_outside_files, True)
    main = new_module("__main__", _main_path(script), copy)
    sys.modules["__main__"] = main
    if "__mp_main__" in sys.modules:  # multiprocessing's other name for the main module
        sys.modules["__mp_main__"] = main
    names = main.__dict__
    if script.endswith(".ipynb"):
        import annotate_notebook

        _execute(lambda: annotate_notebook.run(copy, main.__file__, names), names)
    else:
        _execute(lambda: _code_of(main, name, code), names)


def _code_of(main, name, code):
    if name:  # as `python -m` does: the packages around the module run first
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(name + ".__main__")
        main.__spec__, main.__package__ = spec, spec and spec.parent
    return main.__loader__.get_code("__main__") if code is None else code


def watch_imports():
    """Report at the exit of a process that the first trial starts which modules are not frozen."""
    if os.environ.get("NNI_TRIAL_SEQ_ID") == "0":
        atexit.register(_report_outside_files, False)


def _report_outside_files(whole):
    """Report annotations without effect. Only trial 0 does: the others import the same files."""
    import annotate_elsewhere

    import nni

    for text in annotate_elsewhere.notes(annotate_frozen.root(), _snapshot, whole):
        nni.note(text)


def _execute(prepared, names):
    """Execute the code that `prepared` returns; None if that has run the program itself."""
    try:
        code = prepared()
        if code is not None:
            exec(code, names)
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
        module = new_module(run_name or "<run_path>", path_name, copy)
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
