"""The ID of a command: the experiment that a person means."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.core.paths import ExperimentFolder
    from runtime.core.trial import Trial
    from runtime.store import Store


def argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the experiment's id or its beginning")


def experiment(given: str | None) -> ExperimentFolder:
    """The experiment meant; says which one it is where nobody named it."""
    from runtime.kept import lookup

    folder, said = lookup.find(given)
    if said:
        print(said, file=sys.stderr)
    return folder


def trial(store: Store, given: str) -> Trial:
    """The trial of that number, or whose id is or begins with `given`."""
    from annotate.errors import AnnotateError

    trials = store.trials()
    meant = [t for t in trials if given in (str(t.number), t.id)]
    meant = meant or [t for t in trials if t.id.startswith(given)]
    if len(meant) == 1:
        return meant[0]
    experiment_id = store.experiment().id
    if meant:
        ids = ", ".join(f"{t.number} ({t.id})" for t in meant[:5])
        raise AnnotateError(f"{given!r} could be more than one trial", hint=f"say which: {ids}")
    raise AnnotateError(
        f"experiment {experiment_id} has no trial {given!r}",
        hint=f"annotate trial ls {experiment_id} lists them by number and id",
    )
