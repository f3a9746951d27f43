"""The parametric learning curves of Domhan, Springenberg and Hutter, IJCAI 2015, table 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from tuners.geometry.axes import Floats

_TRIES = 30
#: Residual variances below this count as equally good fits; the curve's height is 1.
_RESOLUTION = 1e-5


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve over the steps 1, 2, …, for results between about 0 and 1."""

    name: str
    at: Callable[..., Floats]
    start: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def _vapor_pressure(x: Floats, a: float, b: float, c: float) -> Floats:
    return np.asarray(np.exp(a + b / x + c * np.log(x)))


def _pow3(x: Floats, c: float, a: float, alpha: float) -> Floats:
    return np.asarray(c - a * x**-alpha)


def _pow4(x: Floats, c: float, a: float, b: float, alpha: float) -> Floats:
    return np.asarray(c - (a * x + b) ** -alpha)


def _linear(x: Floats, a: float, b: float) -> Floats:
    return a * x + b


def _log_linear(x: Floats, a: float, b: float) -> Floats:
    return np.asarray(a * np.log(x) + b)


def _hill3(x: Floats, theta: float, eta: float, kappa: float) -> Floats:
    return np.asarray(theta / ((kappa / x) ** eta + 1))


def _log_power(x: Floats, a: float, b: float, c: float) -> Floats:
    return np.asarray(a / (1 + (x / np.exp(b)) ** -c))


def _mmf(x: Floats, alpha: float, beta: float, kappa: float, delta: float) -> Floats:
    return np.asarray(alpha - (alpha - beta) / (1 + (kappa * x) ** delta))


def _exp4(x: Floats, c: float, a: float, b: float, alpha: float) -> Floats:
    return np.asarray(c - np.exp(b - a * x**alpha))


def _janoschek(x: Floats, alpha: float, beta: float, kappa: float, delta: float) -> Floats:
    return np.asarray(alpha - (alpha - beta) * np.exp(-kappa * x**delta))


def _weibull(x: Floats, alpha: float, beta: float, kappa: float, delta: float) -> Floats:
    return np.asarray(alpha - (alpha - beta) * np.exp(-((kappa * x) ** delta)))


def _ilog2(x: Floats, c: float, a: float) -> Floats:
    """Shifted by one step because the paper's is undefined at the first."""
    return np.asarray(c - a / np.log(x + 1))


_SIGMOID = ((1, 0, 0.2, 1), (0, -2, 1e-3, 0.1), (3, 1, 10, 5))
CURVES = (
    Curve("vapor pressure", _vapor_pressure, (0, -0.5, 0.05), (-5, -10, 0), (2, 0, 1)),
    Curve("pow3", _pow3, (1, 0.5, 0.5), (0, 0, 0.01), (3, 5, 5)),
    Curve("linear", _linear, (0.1, 0), (0, -2), (2, 2)),
    Curve("log linear", _log_linear, (0.3, 0), (0, -2), (2, 2)),
    Curve("hill3", _hill3, (1, 1, 2), (0, 0.1, 1e-3), (3, 5, 100)),
    Curve("log power", _log_power, (1, 1, 0.8), (0, -5, 0.05), (3, 5, 5)),
    Curve("pow4", _pow4, (1, 1, 1, 0.5), (0, 1e-3, 1e-3, 0.01), (3, 100, 100, 5)),
    Curve("mmf", _mmf, *_SIGMOID),
    Curve("exp4", _exp4, (1, 0.5, 0, 0.5), (0, 1e-3, -5, 0.05), (3, 10, 5, 3)),
    Curve("ilog2", _ilog2, (1, 0.5), (0, 0), (3, 5)),
    Curve("weibull", _weibull, *_SIGMOID),
    Curve("janoschek", _janoschek, *_SIGMOID),
)


def extrapolate(results: Floats, length: int) -> float | None:
    """The result at step `length`, predicted by the curves that fit; None if no curve fits."""
    fits = [fit for curve in CURVES if (fit := _fit(curve, results, length)) is not None]
    if not fits:
        return None
    last, criterion = np.array(fits).T
    middle = np.median(last)
    near = np.abs(last - middle) <= 3 * np.median(np.abs(last - middle)) + 1e-9
    weights = np.exp(-0.5 * (criterion[near] - criterion[near].min()))
    return float(np.average(last[near], weights=weights))


def _fit(curve: Curve, results: Floats, length: int) -> tuple[float, float] | None:
    """The fitted curve at `length`, and its information criterion; None if the fit fails."""
    x, n = np.arange(1.0, len(results) + 1), len(results)
    if n <= len(curve.start):
        return None
    with np.errstate(all="ignore"):
        try:
            theta = least_squares(
                lambda guess: curve.at(x, *guess) - results,
                curve.start,
                bounds=(curve.low, curve.high),
                max_nfev=_TRIES,
            ).x
        except ValueError:
            return None
        last = float(curve.at(np.array([float(length)]), *theta)[0])
        variance = float(np.mean((curve.at(x, *theta) - results) ** 2))
    if not np.isfinite([last, variance]).all():
        return None
    criterion = n * np.log(variance + _RESOLUTION) + len(theta) * np.log(n)
    return last, float(criterion)
