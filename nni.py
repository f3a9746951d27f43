"""The trial's side: get the values of this trial and report its results.

An instrumented script reaches this module through `__import__("nni")`; a script written for NNI
imports it. It needs only the standard library of Python 3.8. Outside a trial there are no values,
annotated code runs as written, and reports are printed.

Environment variables (`NNI_SYS_DIR` and others) identify the trial, so any of its processes may
report: a report is one line appended to the trial's file.
"""

import errno
import os
import sys
import time

# Submodules (`nni.utils`) are found as in a package, in the stage or the installation.
_here = os.path.dirname(os.path.abspath(__file__))
__path__ = [
    os.path.join(_here, "nni_modules"),
    os.path.join(_here, "runtime", "stage", "nni_modules"),
]

__version__ = "3.0"  # the NNI whose functions these are

__all__ = [
    "get_current_parameter",
    "get_experiment_id",
    "get_next_parameter",
    "get_sequence_id",
    "get_trial_id",
    "report_final_result",
    "report_intermediate_result",
]

#: Names of this module that are seldom used, each with its own module.
_ELSEWHERE = {
    "ClassArgsValidator": "nni.algorithm",
    "NoMoreTrialError": "nni.algorithm",
    "dump": "nni.serializer",
    "load": "nni.serializer",
    "merge_parameter": "nni.utils",
}

_values = None  # read at first use, then the same for the life of the process
_watched: set = set()  # parameters about which the driver asks whether they have an effect
_recorded: set = set()
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BUDGET = "TRIAL_BUDGET"  # watched if the script's code names it
_LONGEST = 1 << 19  # bytes per line; the driver reads at most 1 MiB at a time
_DEEPEST = 10  # nesting levels of the other data in a result


def get_next_parameter():
    """The trial's values as a dict from parameter to value; empty outside a trial.

    NNI's BatchTuner gives the option that it chose, which may be any value.
    """
    values = _parameters()
    _taken()
    return dict(values) if isinstance(values, dict) else values


def get_current_parameter(tag=None):
    """The trial's values, or the value of `tag`; None if there is no such value."""
    values = _parameters()
    _taken(tag)
    if not isinstance(values, dict):
        return values if tag is None else None
    return dict(values) if tag is None else values.get(tag)


def get_experiment_id():
    """The experiment's id; "STANDALONE" outside a trial."""
    return os.environ.get("NNI_EXP_ID", "STANDALONE")


def get_trial_id():
    """The trial's id; "STANDALONE" outside a trial."""
    return os.environ.get("NNI_TRIAL_JOB_ID", "STANDALONE")


def get_sequence_id():
    """The trial's number in the experiment; 0 outside a trial."""
    return int(os.environ.get("NNI_TRIAL_SEQ_ID", "0"))


def report_intermediate_result(metric):
    """Report `metric`, a number or a dict with the number under "default", while training.

    Raises TypeError for anything else.
    """
    _report("intermediate", metric)


def report_final_result(metric):
    """Report `metric`, a number or a dict with the number under "default", as the trial's result.

    If a trial reports several, the last one counts. Raises TypeError for anything else.
    """
    _report("final", metric)


def __getattr__(name):
    """Import rarely used functions at first use."""
    if name.startswith("_"):
        raise AttributeError(name)
    import importlib  # a `from nni import` would ask here again

    imports = sys.modules.get("annotate_frozen")
    users = imports.users_nni() if imports else None
    if hasattr(users, name):
        return getattr(users, name)
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    if name in ("platform", "trial", "utils"):  # NNI imports these itself
        return importlib.import_module("nni." + name)
    sampling = importlib.import_module("nni.sampling")
    if name in sampling.FUNCTIONS:
        return getattr(sampling, name)
    raise AttributeError("module 'nni' has no attribute %r" % name)


# Called by instrumented code. `path` leads to a value inside a nested choice.


def given(key, *path):
    """Whether the trial's values hold the parameter `key`."""
    return _find(key, path) is not None


def value(key, *path):
    """The trial's value of the parameter `key`."""
    match = _find(key, path)
    if match is None:
        raise KeyError(key)
    if key in _watched:
        _used(key)
    return match[0]


def chosen(key, option, *path):
    """Whether the trial's value of the parameter `key` is `option`."""
    match = _find(key, path)
    if match is None:
        return False
    held = match[0]
    if key in _watched:
        _used(key)
    if isinstance(option, dict) and "_name" in option:
        held, option = isinstance(held, dict) and held.get("_name"), option["_name"]
    return type(held) is type(option) and held == option


def written(key, value, **same_as):
    """Record the value of the expression as written, and return it unchanged.

    `option=` is the search space's option that the expression equals, if there is one.
    """
    if key not in _recorded:
        _recorded.add(key)
        if key in _watched:
            _used(key)
        path = _metrics_path()
        if path:
            shown = same_as["option"] if "option" in same_as else plain(value)
            try:
                _append(path, {"type": "written", "key": key, "value": shown})
            except ValueError:  # too long
                _append(path, {"type": "written", "key": key, "value": _text(value)})
    return value


def note(text):
    """Show a message to whoever runs the experiment."""
    path = _metrics_path()
    if path:
        _append(path, {"type": "note", "value": text})


def wrote(path):
    """Record that this trial opened the file `path` for writing."""
    metrics = _metrics_path()
    if metrics:
        _append(metrics, {"type": "wrote", "value": path, "time": time.time()})


def _find(key, path):
    """The value in a 1-tuple, because it may be None; None if there is no such value."""
    values = _parameters()
    for step in (key, *path):
        if not isinstance(values, dict) or step not in values:
            return None
        values = values[step]
    return (values,)


def _parameters():
    global _values
    if _values is None:
        folder = os.environ.get("NNI_SYS_DIR")
        if not folder and "nni.platform.test" in sys.modules:
            return sys.modules["nni.platform.test"].values()
        _values = _read(os.path.join(folder, "parameters.json")) if folder else {}
    return _values


def _used(key):
    """Tell the driver, once, that the caller's caller uses the parameter."""
    _watched.discard(key)
    effects = _effects()
    if effects:
        effects.used(key, sys._getframe(2))


def _taken(tag=None):
    """Tell the driver that the script has all values, but the budget only if it asked for it."""
    keys = {key for key in _watched if tag in (None, _BUDGET) or key != _BUDGET}
    if tag == _BUDGET and _find(tag, ()) and tag not in _recorded:
        keys.add(tag)
        _recorded.add(tag)
    _watched.difference_update(keys)
    effects = _effects() if keys else None
    if effects:
        effects.taken(keys)


def _effects():
    """The module that tells the driver; None if this `nni` is not the stage's."""
    try:
        import annotate_effects
    except ImportError:
        return None
    return annotate_effects


def _read(path):
    import json

    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    _watched.update(document.get("watched", ()))
    return document["parameters"]


def _report(kind, metric):
    metric = _metric(metric)
    path = _metrics_path()
    if path:
        if kind == "final" and "annotate_effects" in sys.modules:
            sys.modules["annotate_effects"].ended(sys._getframe(2))
        _append(path, {"type": kind, "value": metric, "time": time.time()})
    elif "nni.platform.test" in sys.modules:
        sys.modules["nni.platform.test"].report(kind, metric)
    else:
        sys.stderr.write("[nni] %s result: %s\n" % (kind, metric))


def _metrics_path():
    folder = os.environ.get("NNI_SYS_DIR")
    return os.path.join(folder, "metrics.jsonl") if folder else None


def _append(path, record):
    """Append one line in a single write, so that lines of several processes never mix.

    If the disk is full, wait for space: the result of hours of work must not be lost. Raises
    ValueError if the line is too long.
    """
    import json

    line = data = (json.dumps(record) + "\n").encode("ascii")
    if len(line) > _LONGEST:
        raise ValueError(
            "a result of %d bytes is too long: report its number, and write the rest to a file in"
            " the folder NNI_OUTPUT_DIR" % len(line)
        )
    waits = False
    while data:
        try:
            data = _write(path, data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            if not waits:
                _say("[nni] the disk is full; waiting for space to report a result\n")
            waits = True
            time.sleep(1)
        else:
            if data:  # cut short; start a new line, because others may have written meanwhile
                data = b"\n" + line


def _write(path, data):
    """Append as much as fits, and return the rest."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return data[os.write(file, data) :]
    finally:
        os.close(file)


def _say(text):
    try:  # noqa: SIM105  every trial would pay for contextlib
        sys.stderr.write(text)
    except OSError:
        pass


def _metric(metric):
    if not isinstance(metric, dict):
        return _number(metric)
    if "default" not in metric:
        raise TypeError(
            'a result dict needs its number under "default", but it has %s'
            % (", ".join(map(repr, metric)) or "no keys")
        )
    others = {str(key): plain(value) for key, value in metric.items() if key != "default"}
    return dict([("default", _number(metric["default"]))], **others)


def _number(metric):
    """`metric` as an int or float; accepts scalars of numpy, torch and other libraries."""
    if type(metric) is float:
        return metric
    try:
        if isinstance(metric, int):
            float(metric)  # raises if it is too large
            return int(metric)
        if isinstance(metric, float):
            return float(metric)
        if hasattr(metric, "item"):
            item = metric.item()
            return float(item) if type(item) is type(metric) else _number(item)
        if hasattr(metric, "__float__") and not isinstance(metric, (str, bytes)):
            return float(metric)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        shown = _text(metric)
        raise TypeError("a result must be one number; %s is not: %s" % (shown, error)) from None
    raise TypeError(
        'a result must be a number, or a dict with the number under "default"; got %s of type %s'
        % (_text(metric), type(metric).__name__)
    )


def plain(value, depth=0):
    """`value` as JSON; anything else as its `repr`, shortened."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    try:
        return _number(value)
    except Exception:  # `value` may be any object, and the trial must not fail because of it
        pass
    if depth < _DEEPEST and isinstance(value, (list, tuple)) and len(value) <= 1000:
        return [plain(item, depth + 1) for item in value]
    if depth < _DEEPEST and isinstance(value, dict) and len(value) <= 1000:
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    return _text(value)


def _text(value):
    try:
        return repr(value)[:1000]
    except Exception:
        return "<%s>" % type(value).__name__
