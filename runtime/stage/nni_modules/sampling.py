"""The ten domains as functions for scripts to call: `lr = nni.uniform(0, 1, name="lr")`.

Each returns the trial's value with this name. If there is none, it draws a random value from the
domain with Python's own generator. Python 3.8, standard library only.
"""

import math
import random

import nni

FUNCTIONS = (
    "choice",
    "randint",
    "uniform",
    "quniform",
    "loguniform",
    "qloguniform",
    "normal",
    "qnormal",
    "lognormal",
    "qlognormal",
    "function_choice",
)

_unknown: set = set()  # names that were reported as missing from the search space


def choice(*options, name=None):
    """One of the options."""
    if not options:
        raise ValueError("nni.choice() needs at least one option")
    value = _find(name, "choice")
    return random.choice(options) if value is None else _option(options, value[0])


def function_choice(*functions, name=None):
    """Call one of the functions, which the trial's value names, and return its result."""
    if not functions:
        raise ValueError("nni.function_choice() needs at least one function")
    value = _find(name, "function_choice")
    return (random.choice(functions) if value is None else _option(functions, value[0]))()


def randint(lower, upper, name=None):
    return _value(name, "randint", lambda: random.randrange(lower, upper))


def uniform(low, high, name=None):
    return _value(name, "uniform", lambda: random.uniform(low, high))


def quniform(low, high, q, name=None):
    return _value(name, "quniform", lambda: stepped(random.uniform(low, high), q, low, high))


def loguniform(low, high, name=None):
    return _value(name, "loguniform", lambda: _loguniform(low, high))


def qloguniform(low, high, q, name=None):
    return _value(name, "qloguniform", lambda: stepped(_loguniform(low, high), q, low, high))


def normal(mu, sigma, name=None):
    return _value(name, "normal", lambda: random.gauss(mu, sigma))


def qnormal(mu, sigma, q, name=None):
    return _value(name, "qnormal", lambda: stepped(random.gauss(mu, sigma), q))


def lognormal(mu, sigma, name=None):
    return _value(name, "lognormal", lambda: random.lognormvariate(mu, sigma))


def qlognormal(mu, sigma, q, name=None):
    return _value(name, "qlognormal", lambda: stepped(random.lognormvariate(mu, sigma), q))


def _loguniform(low, high):
    return math.exp(random.uniform(math.log(low), math.log(high)))


def stepped(value, q, *bounds):
    """The nearest multiple of q within the bounds; an int if q and the bounds are ints."""
    multiple = round(value / q) * q
    if bounds:
        multiple = min(max(multiple, bounds[0]), bounds[1])
    return multiple if all(isinstance(n, int) for n in (q, *bounds)) else float(multiple)


def _value(name, domain, draw):
    value = _find(name, domain)
    return draw() if value is None else value[0]


def _find(name, domain):
    """The trial's value, in a tuple of length one; None if it has no value of this name."""
    values = nni._parameters()
    nni._taken(name or "")
    if name is None or not values:
        return None
    for key, value in values.items():
        if key == name or ("/%s/" % name in "/" + key and key.endswith("/" + domain)):
            return (value,)
    if name not in _unknown:
        _unknown.add(name)
        nni.note("nni.%s: %r is not in the search space; drawing a random value" % (domain, name))
    return None


def _option(options, value):
    """The option that equals the trial's value, or is named by it; else the value itself."""
    for option in options:
        if type(option) is type(value) and option == value:
            return option
    for option in options:
        alike = isinstance(option, tuple) and list(option) == value
        if alike or value in (getattr(option, "__name__", None), repr(option)):
            return option
    return value
