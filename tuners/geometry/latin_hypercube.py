"""The first points, before there are results to learn from."""

from __future__ import annotations

import numpy as np

from annotate.space import Values
from tuners.geometry.axes import Floats
from tuners.geometry.cube import Cube


def spread(cube: Cube, count: int, number: int, seed: int, rng: np.random.Generator) -> Values:
    """The values of point `number` of a Latin hypercube; random ones after its `count` points."""
    if number >= count:
        return cube.values(rng.random(cube.dimensions))
    same_each_time = np.random.default_rng(abs(seed))
    return cube.values(latin_hypercube(count, cube.dimensions, same_each_time)[number])


def latin_hypercube(count: int, dimensions: int, rng: np.random.Generator) -> Floats:
    """`count` points of the cube, with one in each of `count` strata of every coordinate.

    McKay, Beckman and Conover, Technometrics 1979.
    """
    strata = rng.permuted(np.tile(np.arange(count), (dimensions, 1)), axis=1).T
    return np.asarray((strata + rng.random((count, dimensions))) / count)
