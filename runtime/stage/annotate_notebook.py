"""Runs a notebook's cells in order, without Jupyter. Python 3.8, standard library only.

The snapshot stores the notebook as one Python file, with a comment line before each cell. Each
cell is compiled as a separate file, so that tracebacks name the cell and its line. As in Jupyter,
cells may use `await`, and share one event loop.
"""

import __future__

import ast
import contextlib
import importlib
import inspect
import linecache
import os
import re
import sys
import traceback

import annotate_ipython
import annotate_output
import annotate_shell

_CELL = re.compile(r"^# %%annotate cell (\d+)(?: %%capture ?(.*))?\n", re.MULTILINE)
_OUT = re.compile(r"\b(?:Out|_\d+)\b")
_AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_FUTURE = 0
_COLAB = ("google", "google.colab")
_loop = None
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


def run(copy, path, names):
    """Run the cells of the notebook `path` in `names`, from the snapshot's `copy`."""
    with open(copy, encoding="utf-8", newline="") as file:
        _, *parts = _CELL.split(file.read())
    sys.excepthook = traceback.print_exception  # unlike Python's default, it uses linecache
    _draw_nowhere()
    keeps_out = any(_OUT.search(text) for text in parts[2::3])
    shell = annotate_shell.InteractiveShell(names, keeps_out)
    names.update(get_ipython=lambda: shell, display=annotate_output.display)
    annotate_ipython.install(shell)
    if annotate_shell.on_colab() and any("google.colab" in text for text in parts[2::3]):
        with contextlib.suppress(ImportError):
            importlib.import_module("google.colab")  # as Colab has done before the first cell
    flags = 0
    for number, capture, text in zip(parts[::3], parts[1::3], parts[2::3]):
        name = "%s, cell %s" % (path, number)
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        shell.begin(text)
        with annotate_output.captured(capture, names), _explained(text):
            flags = _run(text, name, flags, shell)


def _run(text, name, flags, shell):
    """Run one cell; return `flags` with the cell's `__future__` features."""

    def code(tree, mode="exec", only=0):
        return compile(tree, name, mode, flags | _AWAITS | only, dont_inherit=True)

    tree = code(text, only=ast.PyCF_ONLY_AST)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = code(tree)
    flags |= body.co_flags & _FUTURE
    _value(body, shell.user_ns)
    if last is not None:
        shell.end(_value(code(ast.Expression(last.value), "eval"), shell.user_ns))
    return flags


def _value(code, names):
    """Execute code, which may use `await`."""
    result = eval(code, names)
    return _wait_for(result) if code.co_flags & inspect.CO_COROUTINE else result


def _wait_for(coroutine):
    import asyncio  # rarely needed

    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    return _loop.run_until_complete(coroutine)


@contextlib.contextmanager
def _explained(text):
    """Add to an ImportError that only Colab or IPython has the module."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name in _COLAB and "google.colab" in text:
            error.msg += " (only Colab has google.colab; catch ImportError where you import it)"
        elif (error.name or "").startswith("IPython."):
            error.msg += " (trials run without Jupyter; install ipython for %s)" % sys.executable
        raise


def _draw_nowhere():
    """Have matplotlib open no window, because a notebook's `plt.show()` would wait for it."""
    backend = os.environ.get("MPLBACKEND", "")
    if not backend or backend.startswith("module://"):  # set by Jupyter
        os.environ["MPLBACKEND"] = "agg"
        if "matplotlib" in sys.modules:  # imported ahead
            sys.modules["matplotlib"].use("agg")
