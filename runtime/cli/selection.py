"""The ID argument of commands, and the experiment or trial that it selects."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import terminal

if TYPE_CHECKING:
    from annotate.errors import AnnotateError
    from runtime.core.paths import ExperimentFolder
    from runtime.core.trial import Trial
    from runtime.store import Store


def argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="the experiment's id, or a unique prefix of it"
    )


def by_id_or_file(word: str | None, file: Path | None) -> tuple[str | None, Path | None]:
    """The experiment's id and the file: `word` is the file if it is no id and `file` is None."""
    is_id = word is None or (word.isascii() and word.isalnum() and not Path(word).is_file())
    return (word, file) if is_id or file is not None else (None, Path(word or ""))


def experiment(prefix: str | None) -> ExperimentFolder:
    """The experiment with that id; without one, picks it and prints which one it is."""
    from runtime.kept import lookup

    folder, notice = lookup.find(prefix)
    if notice:
        terminal.say(notice)
    return folder


def name_damage(error: AnnotateError) -> None:
    """Name an experiment that a command passes over because it cannot be read."""
    terminal.say(f"annotate: {error}")


def each(folders: Sequence[ExperimentFolder], act: Callable[[ExperimentFolder], None]) -> int:
    """Do something to each experiment; one that fails costs only itself. Returns the exit code."""
    from annotate.errors import AnnotateError

    failed = False
    for folder in folders:
        try:
            act(folder)
        except AnnotateError as error:
            if len(folders) == 1:
                raise
            name_damage(error)
            failed = True
    return 2 if failed else 0


def trial(store: Store, name: str) -> Trial:
    """The trial with that number, id, or unique prefix of its id."""
    from annotate.errors import AnnotateError

    trials = store.trials()
    matches = [t for t in trials if name in (str(t.number), t.id)]
    matches = matches or [t for t in trials if t.id.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    experiment_id = store.experiment().id
    if matches:
        ids = ", ".join(f"{t.number} ({t.id})" for t in matches[:5])
        raise AnnotateError(f"several trials match {name!r}", hint=f"use one of: {ids}")
    raise AnnotateError(
        f"experiment {experiment_id} has no trial {name!r}",
        hint=f"annotate trial ls {experiment_id} lists them by number and id",
    )
