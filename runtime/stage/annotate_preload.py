"""Preloads, once, the libraries that each trial forked from this process would import."""

import gc
import os
import sys
import time
import weakref

import annotate_frozen
import annotate_imports
from annotate_libraries import HANDLED_THREADS, LIBRARIES, STANDARD


class Refused(Exception):
    """Trials cannot be forked from this process; the message says why."""


class Unsafe(Exception):
    """A fork would not behave like a new process after `library` is imported here."""

    def __init__(self, library, reason):
        super().__init__(reason)
        self.library = library


def preload(script, at_start, left_out=()):
    """Import the libraries that `script` certainly imports, and return their names.

    `at_start` has the modules that this interpreter imports at start-up; each trial imports those
    in `left_out` itself. Raises Refused if a fork would not behave like a new process, and Unsafe
    if that is due to one library.
    """
    _refuse_early(at_start)
    names = []
    for module, taken, seeded in annotate_imports.find(script):
        top = module.partition(".")[0]
        if (top in LIBRARIES or top in STANDARD) and top not in left_out:
            before = _random_states() if seeded else {}
            _import(module, taken, top)
            _refuse_draws(before, top)
            if top in LIBRARIES and top not in names:
                names.append(top)
    _refuse_hidden(at_start)
    _refuse_children()
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        finalizer.atexit = False  # finalisers of libraries must not run in each trial
    gc.collect()
    gc.freeze()  # a trial's garbage collections then need not copy these objects' pages
    return names


def _import(module, taken, library):
    try:
        # Like the statement itself: the imported names may be modules of a package.
        __import__(module, {}, {}, taken, 0)
    except BaseException as error:
        reason = "import %s failed: %s: %s" % (module, type(error).__name__, error)
        raise Unsafe(library, reason) from error
    reason = _gpu_in_use() or _lost_threads()
    if reason:
        raise Unsafe(library, reason)


def _random_states():
    """The state of each global generator of random numbers that is loaded, as text."""
    reads = {
        "random": lambda module: module.getstate(),
        "numpy.random": lambda module: module.get_state()[1].tobytes(),
        "torch": lambda module: module.get_rng_state().numpy().tobytes(),
    }
    loaded = {name: read for name, read in reads.items() if name in sys.modules}
    return {name: read(sys.modules[name]) for name, read in loaded.items()}


def _refuse_draws(before, library):
    """Refuse a library whose import draws numbers that the script seeded `before`."""
    now = _random_states() if before else {}
    for name in before:
        if now[name] != before[name]:
            raise Unsafe(library, "its import draws from %s, which the script has seeded" % name)


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


def _gpu_in_use():
    """Why a GPU is in use, which a fork could not use then, or None."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "importing torch initialised CUDA"
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + number)
        except OSError:
            continue
        if target.startswith(("/dev/nvidia", "/dev/dxg", "/dev/kfd", "/dev/dri")):
            return "an import opened the GPU (%s)" % target
    return None


def _lost_threads():
    """Which threads a fork would lose, as a sentence, or None.

    Tries a fork first: OpenBLAS stops its threads before a fork, and each process starts them
    again when it first computes.
    """
    if not _threads():
        return None
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    for _ in range(20):  # a stopped thread may need a moment to end
        names = _threads()
        if not names:
            return None
        time.sleep(0.01)
    return "an import started a thread that a fork would lose (%s)" % ", ".join(names)


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
    """The names of this process's threads, without the main one and those in HANDLED_THREADS."""
    names = []
    for number in os.listdir("/proc/self/task"):
        try:
            with open("/proc/self/task/%s/comm" % number) as file:
                name = file.read().strip()
        except OSError:
            continue  # it has just ended
        if number != str(os.getpid()) and name not in HANDLED_THREADS:
            names.append(name)
    return names
