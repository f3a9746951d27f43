"""Well-known test functions, and mixed, nested and noisy spaces.

Formulas as in Surjanovic and Bingham's Virtual Library of Simulation Experiments. The optima are
moved away from the middle, which some tuners try first.
"""

from __future__ import annotations

import math

import numpy as np
from problem import Problem, choice, log, option, steps, uniform, whole

_A3 = [[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]]
_P3 = [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
_A6 = [
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
]
_P6 = [
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
]
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])


def branin(x):
    a, b = x
    bowl = (b - 5.1 * a * a / (4 * math.pi**2) + 5 * a / math.pi - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def camel(x):
    a, b = x
    return (4 - 2.1 * a * a + a**4 / 3) * a * a + a * b + (4 * b * b - 4) * b * b


def hartmann(x):
    inner, places = (_A3, _P3) if len(x) == 3 else (_A6, _P6)
    apart = np.sum(np.array(inner) * (x - 1e-4 * np.array(places)) ** 2, axis=1)
    return -float(_ALPHA @ np.exp(-apart))


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def ackley(x):
    spread = math.exp(-0.2 * math.sqrt(float(np.mean(x**2))))
    return 20 + math.e - 20 * spread - math.exp(float(np.mean(np.cos(2 * math.pi * x))))


def levy(x):
    w = 1 + (x - 1) / 4
    middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2))
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return math.sin(math.pi * w[0]) ** 2 + float(middle + last)


def styblinski(x):
    return float(np.sum(x**4 - 16 * x**2 + 5 * x)) / 2


def ellipsoid(x):
    return float(np.sum(np.arange(1, len(x) + 1) * x**2))


def griewank(x):
    waves = np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1))))
    return float(1 + np.sum(x**2) / 4000 - waves)


def dixon(x):
    rest = np.arange(2, len(x) + 1) * (2 * x[1:] ** 2 - x[:-1]) ** 2
    return float((x[0] - 1) ** 2 + np.sum(rest))


def zakharov(x):
    leaning = float(np.sum(0.5 * np.arange(1, len(x) + 1) * x))
    return float(np.sum(x**2)) + leaning**2 + leaning**4


def sphere(x):
    return float(np.sum(x**2))


def _smooth(name, function, bounds, optimum, *, moved=0.0, noise=0.0):
    """A problem with numbers only; `moved` shifts the optimum, differently in each dimension."""
    shift = moved * np.cos(np.arange(1, len(bounds) + 1))

    def loss(values):
        return function(np.array([values[f"x{n}"] for n in range(len(bounds))]) - shift)

    space = {f"x{n}": uniform(*pair) for n, pair in enumerate(bounds)}
    kind = "mixed" if noise else "smooth"
    return Problem(name, kind, space, loss, optimum, noise)


def schedule(values):
    """Like a training run: interacting rate and batch size, widths, dropout, an optimiser."""
    name = values["optimizer"]["_name"]
    best = {"sgd": -1.0, "adam": -2.7, "rmsprop": -3.2}[name]
    rate = math.log10(values["rate"]) - best - 0.3 * (math.log2(values["batch"]) - 5)
    loss = 0.3 + 0.08 * rate**2 + {"sgd": 0.03, "adam": 0.0, "rmsprop": 0.02}[name]
    if name == "sgd":
        loss += 0.15 * (values["optimizer"]["momentum"] - 0.87) ** 2
    width, depth = math.log2(values["width"]), values["depth"]
    loss += (
        0.01 * (width + 0.7 * depth - 8.5) ** 2 + 0.3 * (values["drop"] - 0.06 * width + 0.2) ** 2
    )
    return None if rate > 2.2 else loss


def shops(values):
    """Ackley's function over numbers and ints, shifted by options."""
    shift = {"a": 0.0, "b": 0.9, "c": -1.3, "d": 2.0}
    x = [values["u"] - 0.31, values["v"] + 0.7, 0.5 * (values["n"] - 4), 0.4 * (values["m"] - 13)]
    x.append(shift[values["first"]])
    x.append(shift[values["second"]] - 0.9)
    return ackley(np.array(x))


def branches(values):
    """Three models with different numbers of parameters, each a bowl; the deepest is narrowest."""
    model = values["model"]
    if model["_name"] == "one":
        inner = 0.4 + (model["a"] - 0.2) ** 2
    elif model["_name"] == "two":
        inner = 0.25 + (model["b"] - 0.7) ** 2 + 0.05 * (math.log10(model["c"]) + 3) ** 2
    else:
        inner = 3 * (model["d"] - 0.8) ** 2 + 2 * (model["e"] - 0.3) ** 2
        inner += 0.02 * abs(model["k"] - 6) + (0.0 if model["mode"] == "y" else 0.1)
    return inner + (values["shared"] - 0.6) ** 2


def ordinal(values):
    """Choices of numbers, the most common kind of space: powers of two, rates, depths."""
    bits = [math.log2(values[key]) for key in ("batch", "width", "heads")]
    loss = 0.05 * (bits[0] - 6) ** 2 + 0.04 * (bits[1] + 0.4 * bits[2] - 8.2) ** 2
    loss += 0.08 * (math.log10(values["rate"]) + 2.6 + 0.1 * bits[0]) ** 2
    loss += 0.02 * (values["depth"] - 3) ** 2
    return loss + {"relu": 0.02, "gelu": 0.0, "tanh": 0.09}[values["act"]]


def _deep(values):
    """Twenty-four parameters, five of which matter."""
    first = np.array([values[f"x{n}"] for n in range(12)])
    loss = 8 * (first[0] - 0.7) ** 2 + 4 * (first[3] - first[0] + 0.4) ** 2
    loss += 1.5 * abs(values["n2"] - 9) / 12 + 0.1 * (math.log10(values["l1"]) + 1.5) ** 2
    return float(loss + 0.05 * np.sum((first - 0.4) ** 2) + (values["c0"] != "q") * 0.6)


_LOWEST_SCHEDULE = 0.3
_SGD = option("sgd", momentum=uniform(0.0, 0.99))
_MODELS = (
    option("one", a=uniform(0, 1)),
    option("two", b=uniform(0, 1), c=log(1e-6, 1)),
    option("three", d=uniform(0, 1), e=uniform(0, 1), k=whole(1, 12), mode=choice("x", "y", "z")),
)
_NETWORK = {
    "rate": choice(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    "batch": choice(8, 16, 32, 64, 128, 256),
    "width": choice(16, 32, 64, 128, 256, 512),
    "heads": choice(1, 2, 4, 8),
    "depth": choice(1, 2, 3, 4, 6, 8),
    "act": choice("relu", "gelu", "tanh"),
}
_NETWORK_LOWEST = 0.0032
_DEEP = (
    {f"x{n}": uniform(0, 1) for n in range(12)}
    | {f"n{n}": whole(1, 12) for n in range(4)}
    | {f"l{n}": log(1e-5, 1) for n in range(4)}
    | {f"c{n}": choice("p", "q", "r") for n in range(4)}
)

WORKING = (
    _smooth("branin", branin, [(-5, 10), (0, 15)], 0.397887),
    _smooth("hartmann6", hartmann, [(0, 1)] * 6, -3.32237),
    _smooth("rosenbrock4", rosenbrock, [(-2, 2)] * 4, 0.0),
    _smooth("ackley8", ackley, [(-12, 12)] * 8, 0.0, moved=4.0),
    _smooth("griewank3", griewank, [(-30, 30)] * 3, 0.0, moved=7.0),
    _smooth("dixon5", dixon, [(-5, 5)] * 5, 0.0),
    _smooth("zakharov4", zakharov, [(-5, 8)] * 4, 0.0, moved=1.2),
    _smooth("sphere12", sphere, [(-5, 5)] * 12, 0.0, moved=2.0),
    Problem(
        "shops",
        "mixed",
        {
            "u": uniform(-4, 4),
            "v": uniform(-4, 4),
            "n": whole(0, 12),
            "m": whole(0, 20),
            "first": choice("a", "b", "c", "d"),
            "second": choice("a", "b", "c", "d"),
        },
        shops,
        0.0,
    ),
    Problem(
        "branches", "mixed", {"model": choice(*_MODELS), "shared": uniform(0, 1)}, branches, 0.0
    ),
    _smooth("noisy-camel", camel, [(-2, 2), (-1, 1)], -1.031628, noise=0.15),
)
VALIDATION = (
    _smooth("hartmann3", hartmann, [(0, 1)] * 3, -3.86278),
    _smooth("levy5", levy, [(-10, 10)] * 5, 0.0, moved=3.0),
    _smooth("styblinski4", styblinski, [(-5, 5)] * 4, -39.16617 * 4),
    _smooth("ellipsoid10", ellipsoid, [(-5, 5)] * 10, 0.0, moved=2.5),
    Problem(
        "schedule",
        "mixed",
        {
            "rate": log(1e-5, 1),
            "batch": steps(16, 256, 16),
            "optimizer": choice(
                _SGD,
                option("adam", beta=uniform(0.8, 0.999)),
                option("rmsprop", rho=uniform(0.8, 0.999)),
            ),
            "width": {"_type": "qloguniform", "_value": [16, 1024, 8]},
            "depth": whole(1, 6),
            "drop": uniform(0, 0.9),
        },
        schedule,
        _LOWEST_SCHEDULE,
        noise=0.01,
    ),
    Problem("ordinal", "mixed", _NETWORK, ordinal, _NETWORK_LOWEST),
    Problem("deep24", "mixed", _DEEP, _deep, 0.00498132764),
)
