"""Preloads, once, the libraries that each trial forked from this process would import."""

import gc
import os
import sys
import time
import weakref

import annotate_frozen
import annotate_imports

#: Libraries that are known to be safe to fork after import and before use.
LIBRARIES = {
    "PIL",
    "joblib",
    "matplotlib",
    "numpy",
    "pandas",
    "scipy",
    "seaborn",
    "sklearn",
    "statsmodels",
    "torch",
    "torchvision",
    "tqdm",
}
#: Common modules of the standard library that keep no per-process state.
STANDARD = {
    *("abc", "argparse", "array", "ast", "base64", "bisect", "collections", "concurrent"),
    *("configparser", "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime"),
    *("decimal", "enum", "fractions", "functools", "gc", "glob", "gzip", "hashlib", "heapq"),
    *("importlib", "inspect", "io", "itertools", "json", "logging", "math", "multiprocessing"),
    *("numbers", "operator", "os", "pathlib", "pickle", "platform", "pprint", "queue", "random"),
    *("re", "shutil", "signal", "statistics", "string", "struct", "subprocess", "tempfile"),
    *("textwrap", "threading", "time", "traceback", "types", "typing", "uuid", "warnings"),
    *("weakref", "zipfile"),
}


class Refused(Exception):
    """Trials cannot be forked from this process; the message says why."""


def preload(script, at_start):
    """Import the libraries that `script` certainly imports, and return their names.

    `at_start` has the modules that this interpreter imports at start-up. Raises Refused if a fork
    would not behave like a new process.
    """
    _refuse_early(at_start)
    names = []
    for module, taken in annotate_imports.find(script):
        top = module.partition(".")[0]
        if top in LIBRARIES or top in STANDARD:
            _import(module, taken)
            if top in LIBRARIES and top not in names:
                names.append(top)
    _refuse_hidden(at_start)
    _refuse_gpu()
    _refuse_threads()
    _refuse_children()
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        finalizer.atexit = False  # finalisers of libraries must not run in each trial
    gc.collect()
    gc.freeze()  # a trial's garbage collections then need not copy these objects' pages
    return names


def _import(module, taken):
    try:
        # Like the statement itself: the imported names may be modules of a package.
        __import__(module, {}, {}, taken, 0)
    except BaseException as error:
        raise Refused("import %s failed: %s: %s" % (module, type(error).__name__, error)) from error


def _refuse_early(at_start):
    """Refuse if the interpreter's start-up imports modules of the code folder.

    Such a `sitecustomize` has to run in each trial, and from the snapshot.
    """
    for name in sorted(at_start):
        place = getattr(sys.modules.get(name), "__file__", None)
        if place and annotate_frozen.frozen(place) is not None:
            raise Refused("Python imports %s from the code folder when it starts" % name)


def _refuse_hidden(at_start):
    """Refuse if the user has a module of the same name, which the trial must import instead."""
    for name in list(sys.modules):
        if "." in name or name in at_start or name.startswith("annotate_"):
            continue
        module = sys.modules[name]
        place = getattr(module, "__file__", None)
        if name != "nni" and place and annotate_imports.users_folder(name) is not None:
            raise Refused("the code folder has a module called %s" % name)


def _refuse_gpu():
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        raise Refused("importing torch initialised CUDA")
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + number)
        except OSError:
            continue
        if target.startswith(("/dev/nvidia", "/dev/dxg", "/dev/kfd", "/dev/dri")):
            raise Refused("an import opened the GPU (%s)" % target)


def _refuse_threads():
    """Refuse if there are threads, which a fork would lose.

    Tries a fork first: OpenBLAS stops its threads before a fork, and each process starts them
    again when it first computes.
    """
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    names = _threads()
    for _ in range(20):  # a stopped thread may need a moment to end
        if len(names) == 1:
            return
        time.sleep(0.01)
        names = _threads()
    raise Refused("an import started a thread that a fork would lose (%s)" % ", ".join(names))


def _refuse_children():
    """Refuse if there are child processes: they would not be children of a trial."""
    try:
        with open("/proc/self/task/%d/children" % os.getpid()) as file:
            children = file.read().split()
    except OSError:
        return  # the kernel does not list them
    if children:
        raise Refused("an import started a process (pid %s)" % ", ".join(children))


def _threads():
    names = []
    for number in os.listdir("/proc/self/task"):
        try:
            with open("/proc/self/task/%s/comm" % number) as file:
                names.append(file.read().strip())
        except OSError:
            continue  # it has just ended
    return names
