"""`nni.parameter_expressions`: one draw from each of NNI's domains.

The last argument is numpy's `RandomState` or `Generator`.
"""

import math

from nni.sampling import stepped


def choice(options, random_state):
    """One of `options`, or a number below `options`."""
    if isinstance(options, int):
        options = range(options)
    return options[int(random_state.choice(len(options)))]


def randint(lower, upper, random_state):
    draw = getattr(random_state, "integers", None) or random_state.randint
    return int(draw(lower, upper))


def uniform(low, high, random_state):
    return float(random_state.uniform(low, high))


def quniform(low, high, q, random_state):
    return stepped(uniform(low, high, random_state), q, low, high)


def loguniform(low, high, random_state):
    return math.exp(uniform(math.log(low), math.log(high), random_state))


def qloguniform(low, high, q, random_state):
    return stepped(loguniform(low, high, random_state), q, low, high)


def normal(mu, sigma, random_state):
    return float(random_state.normal(mu, sigma))


def qnormal(mu, sigma, q, random_state):
    return stepped(normal(mu, sigma, random_state), q)


def lognormal(mu, sigma, random_state):
    return math.exp(normal(mu, sigma, random_state))


def qlognormal(mu, sigma, q, random_state):
    return stepped(lognormal(mu, sigma, random_state), q)
