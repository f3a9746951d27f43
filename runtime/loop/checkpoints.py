"""Checkpoint folders, with which a trial continues from where another one ended."""

from __future__ import annotations

from annotate.space import Values
from runtime.core.paths import ExperimentFolder

#: NNI's keys, which `tuners.pbt` sets: the folders to load from and to save to.
KEYS = ("load_checkpoint_dir", "save_checkpoint_dir")


def ready(folder: ExperimentFolder, values: Values) -> Values:
    """Create the folders that `values` name, and return `values` with their absolute paths.

    A relative one lies in the experiment's own folder.
    """
    completed = dict(values)
    for key in KEYS:
        if isinstance(values.get(key), str):
            place = folder.checkpoints / values[key]
            place.mkdir(parents=True, exist_ok=True)
            completed[key] = str(place)
    return completed
