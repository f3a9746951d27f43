"""Tells the driver which parameters this process uses, and how their values end.

The driver asks only the first trials. A name that always ends with the same value, whatever value
the trial gave it, is one that the script replaces. Only unambiguous names are followed: variables,
and attributes of argparse's namespaces. Python 3.8, standard library only.
"""

import json
import os
import sys

import nni

_used: dict = {}  # by parameter: the code that used it, its globals, and whether it is at the top
_snapshot = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "snapshot")


def used(key, frame):
    """Record that the code of `frame` uses the parameter."""
    _used[key] = frame.f_code, frame.f_globals, frame.f_locals is frame.f_globals
    _tell("used", [key])


def taken(keys):
    """Record that the script took the parameters as data, so their use cannot be followed."""
    _tell("used", list(keys))
    _tell("ended", {key: [] for key in keys})


def ended(frame):
    """Record the values of the parameters' names when `frame` reports the result."""
    if not _used:
        return
    names = _names()
    recorded = {}
    for key, (code, their_globals, at_top) in _used.items():
        kind, name = names.get(key, ("", ""))
        values = []
        if kind == "option":
            values = _options(name, (frame.f_locals, frame.f_globals, their_globals))
        elif kind == "assignment":
            values = [their_globals.get(name)] if at_top else _variables(name, code, frame)
        recorded[key] = [value for value in values if _is_plain(value)]
    _used.clear()
    _tell("ended", recorded)


def _is_plain(value):
    return type(value) in (bool, int, float) or (type(value) is str and len(value) < 1000)


def _names():
    """The kind and the name of each parameter that can be followed."""
    try:
        with open(os.path.join(_snapshot, "snapshot.json"), encoding="utf-8") as file:
            return json.load(file).get("names", {})
    except OSError:
        return {}


def _variables(name, code, frame):
    """The values of a function's variable in those of its calls that are running."""
    while frame is not None:
        if frame.f_code is code and name in frame.f_locals:
            yield frame.f_locals[name]
        frame = frame.f_back


def _options(name, scopes):
    """The values of an option in the namespaces that argparse made."""
    namespace = getattr(sys.modules.get("argparse"), "Namespace", None)
    for value in [value for scope in scopes for value in list(scope.values())]:
        if namespace is not None and type(value) is namespace:
            yield vars(value).get(name)


def _tell(kind, value):
    folder = os.environ.get("NNI_SYS_DIR")
    if folder:
        nni._append(os.path.join(folder, "metrics.jsonl"), {"type": kind, "value": value})
