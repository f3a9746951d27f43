"""Ends a forked trial: does the part of an interpreter's shutdown that a script can observe.

A full shutdown tears down every imported library. In a fork this would copy most of the parent's
memory (0.4 s with torch) just to free it. So only the user's part is done, in the interpreter's
order: threads, exit handlers, the script's objects, the standard streams.
"""

import atexit
import contextlib
import gc
import io
import os
import sys
import weakref
from importlib.machinery import EXTENSION_SUFFIXES

from annotate_libraries import LIBRARIES, NEED_FULL_END

_FLUSH_FAILED = 120  # the interpreter's exit code if a standard stream cannot be flushed


def end(asked, last, flush_c):
    """End this process as `sys.exit(asked)` would.

    `last` is the name of the last module imported before the fork; `flush_c` flushes C's buffers.
    """
    code = _code(asked)
    _call_handlers()
    failed = not _flush()
    names = _since(last)
    if names is None or _needs_all(names):
        sys.exit(code)
    _drop(names)
    failed = not _flush() or failed
    flush_c()
    os._exit(_FLUSH_FAILED if failed else code)


def _code(asked):
    if asked is None:
        return 0
    if isinstance(asked, int):
        return asked & 0xFF if -(2**63) <= asked < 2**63 else 0xFF
    _flush()
    print(asked, file=sys.stderr)
    return 1


def _since(last):
    """The names of modules imported after `last`, newest first; None if `last` is gone."""
    if last not in sys.modules:
        return None
    names = []
    for name in reversed(sys.modules):  # looking at all of them would copy a lot of memory
        if name == last:
            break
        names.append(name)
    return names


def _needs_all(names):
    """Whether something may depend on the interpreter's full shutdown."""
    if any(name in sys.modules for name in NEED_FULL_END):
        return True
    threading = sys.modules.get("threading")
    if threading is not None and any(t.daemon for t in threading.enumerate()):
        return True  # it would still run while the script's objects are destroyed
    return any(_is_foreign(name) for name in names)


def _is_foreign(name):
    """Whether it is an extension module of an unknown library: C code may have exit handlers."""
    place = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None)
    if not isinstance(place, str) or not place.endswith(tuple(EXTENSION_SUFFIXES)):
        return False
    ours = name.partition(".")[0] in LIBRARIES
    return not ours and "lib-dynload" not in place


def _call_handlers():
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    with contextlib.suppress(BaseException):  # Python 3.8 raises an error after printing it
        atexit._run_exitfuncs()


def _flush():
    """Flush the standard streams; returns whether that worked."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:
            whole = False
    return whole


def _drop(names):
    """Destroy the script's objects, so that files are written and finalisers run."""
    _write_out()
    alive = [
        _reference(sys.modules.pop(name, None)) for name in ["__main__", "__mp_main__", *names]
    ]
    gc.collect()
    for reference in alive:
        module = reference()
        if module is not None:
            _clear(module)
    gc.collect()


def _write_out():
    """Flush open files, text before bytes: in a cycle a file may close before its wrapper."""
    objects = gc.get_objects()
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for thing in objects:
            if type(thing) is kind:
                with contextlib.suppress(Exception):  # closed, or a pipe without a reader
                    thing.flush()


def _reference(module):
    try:
        return weakref.ref(module)
    except TypeError:
        return lambda: None


def _clear(module):
    """Clear a module's names, those with one leading underscore first, like the interpreter."""
    held = getattr(module, "__dict__", None)
    if not isinstance(held, dict):
        return
    private = [n for n in held if isinstance(n, str) and n[:1] == "_" and n[1:2] != "_"]
    rest = [n for n in held if n not in private and n != "__builtins__"]
    for name in private + rest:
        held[name] = None
