"""A kernel density estimate over points of the unit cube."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, ndtri

from tuners.geometry.axes import Floats


class KDE:
    """A kernel at each row of `points`, a product over the dimensions.

    Numbers have normal kernels truncated at 0 and 1. Choices (`choices` maps a dimension to its
    number of options) have those of Aitchison and Aitken, Biometrika 1976, equation 3. Bandwidths
    follow the normal reference rule and are at least `least`. After Falkner, Klein and Hutter,
    BOHB, ICML 2018, section 4.1 and appendix.
    """

    def __init__(self, points: Floats, choices: Mapping[int, int], least: float) -> None:
        count, dimensions = points.shape
        rule = 1.06 * points.std(axis=0) * count ** (-1 / (4 + dimensions))
        self._points = points
        self._choices = choices
        self._widths = np.maximum(rule, least)
        for number, options in choices.items():
            codes = self._codes(points, number).std() * 1.06 * count ** (-1 / (4 + dimensions))
            self._widths[number] = min(max(codes, least), (options - 1) / options)

    def _codes(self, points: Floats, number: int) -> Floats:
        """The numbers of the options; they share their dimension equally."""
        options = self._choices[number]
        return np.minimum(np.floor(points[:, number] * options), options - 1)

    def log_density(self, points: Floats) -> Floats:
        """The log density at each row."""
        total = np.zeros((len(points), len(self._points)))
        for number, width in enumerate(self._widths):
            if number in self._choices:
                total += self._log_same(points, number, width)
                continue
            centres = self._points[:, number]
            z = (points[:, number, None] - centres) / width
            mass = ndtr((1 - centres) / width) - ndtr(-centres / width)
            total += -0.5 * z * z - np.log(width * mass * np.sqrt(2 * np.pi))
        top = total.max(axis=1, keepdims=True)
        return np.asarray(top[:, 0] + np.log(np.exp(total - top).mean(axis=1)))

    def _log_same(self, points: Floats, number: int, width: float) -> Floats:
        others = max(self._choices[number] - 1, 1)
        mine = self._codes(points, number)[:, None]
        same = mine == self._codes(self._points, number)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.where(same, 1 - width, width / others)))

    def draw(self, count: int, factor: float, rng: np.random.Generator) -> Floats:
        """Draw `count` rows from kernels that are `factor` times as wide."""
        centres = self._points[rng.integers(len(self._points), size=count)]
        width = self._widths * factor
        first, last = ndtr(-centres / width), ndtr((1 - centres) / width)
        share = first + rng.random(centres.shape) * (last - first)
        drawn = np.clip(centres + width * ndtri(share), 0, 1)
        for number in self._choices:
            changed = rng.random(count) < self._widths[number]
            drawn[:, number] = np.where(changed, rng.random(count), centres[:, number])
        return np.asarray(drawn)
