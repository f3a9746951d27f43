"""A notebook's cells, run one after the other without Jupyter. Standard library of Python 3.8 only.

The snapshot holds them as one Python file in which a line names each cell. Each is compiled as a
file of its own, so that a traceback names the cell and the line in it. As in Jupyter, a cell may
await, and all cells share one event loop.
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
    """The code of each cell of the snapshot's `copy` of the notebook `path`, in order."""
    with open(copy, encoding="utf-8", newline="") as file:
        _, *parts = _CELL.split(file.read())
    sys.excepthook = traceback.print_exception  # finds the cells' lines where Python's own can't
    names["display"] = print
    flags = 0
    for number, text in zip(parts[::2], parts[1::2]):
        name = "%s, cell %s" % (path, number)
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        code = compile(text, name, "exec", flags | _AWAITS, dont_inherit=True)
        flags |= code.co_flags & _FUTURE
        yield code


def wait_for(coroutine):
    """Run what a cell that awaits has become."""
    import asyncio  # few cells do

    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    _loop.run_until_complete(coroutine)
