"""Runs a notebook's cells in order, without Jupyter. Python 3.8, standard library only.

The snapshot stores the notebook as one Python file, with a comment line before each cell. Each
cell is compiled as a separate file, so that tracebacks name the cell and its line. As in Jupyter,
cells may use `await`, and share one event loop.
"""

import __future__

import ast
import linecache
import re
import sys
import traceback

_CELL = re.compile(r"^# %%annotate cell (\d+)\n", re.MULTILINE)
_AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_FUTURE = 0
_loop = None
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


def codes(copy, path, names):
    """Compile the cells of the notebook `path` in order, from the snapshot's `copy`."""
    with open(copy, encoding="utf-8", newline="") as file:
        _, *parts = _CELL.split(file.read())
    sys.excepthook = traceback.print_exception  # unlike Python's default, it uses linecache
    names["display"] = print
    flags = 0
    for number, text in zip(parts[::2], parts[1::2]):
        name = "%s, cell %s" % (path, number)
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        code = compile(text, name, "exec", flags | _AWAITS, dont_inherit=True)
        flags |= code.co_flags & _FUTURE
        yield code


def wait_for(coroutine):
    """Run the coroutine of a cell that uses `await`."""
    import asyncio  # rarely needed

    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    _loop.run_until_complete(coroutine)
