"""`auto` without one of its parts, to show what each part contributes."""

from __future__ import annotations

from dataclasses import replace

import peers

from tuners.auto.tuner import Auto, Recipe

CUTS = {
    "auto-joint": {"additive": False},
    "auto-no-gloom": {"gloom": 0.5},
    "auto-no-habits": {"habits": False},
    "auto-unshared": {"shared": False},
    "auto-raw": {"compressed": False},
    "auto-nominal": {"ordinal": False},
    "auto-no-ties": {"ties": False},
    "auto-no-climb": {"climb": False},
}


class Cut(peers.Ours):
    def __init__(self, name, problem, seed, trials):
        changed = {"recipe": replace(Recipe(), **CUTS[name])}
        self._tuner = type("Cut", (Auto,), changed)(problem.space, seed=seed)


def tuner(name, *run):
    """An ablation of `auto`, or the tuner or peer with that name."""
    return Cut(name, *run) if name in CUTS else peers.tuner(name, *run)
