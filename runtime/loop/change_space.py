"""Changes the search space of an experiment on resume, and checks changes of a running one."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from annotate.domains import Choice
from annotate.errors import AnnotateError
from annotate.parameter import Parameter
from annotate.project import Project, read_project
from annotate.snapshot import MANIFEST, freeze, thaw
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Trial, TrialState
from runtime.loop.replay import lies_in
from runtime.store import Store
from runtime.system.outside import with_outside

OUTSIDE = "its values lie outside the changed search space"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the search space; with `project`, the snapshot is replaced too."""

    folder: ExperimentFolder
    before: SearchSpace
    space: SearchSpace
    project: Project | None = None

    def lines(self) -> list[str]:
        """The differences, one line each."""
        if self.before.foreign != self.space.foreign:
            return ["search space changed"]
        before = {p.key: p for p in self.before}
        after = {p.key: p for p in self.space}
        removed = [
            f"removed {p.name}: now as written in the script"
            for p in self.before
            if p.key not in after
        ]
        new = [f"added {p.name}: {p.domain}" for p in self.space if p.key not in before]
        changed = [
            f"changed {p.name}: {before[p.key].domain} is now {p.domain}"
            for p in self.space
            if p.key in before and p.domain != before[p.key].domain
        ]
        return [*changed, *new, *removed] or ["search space unchanged"]

    def apply(self, store: Store) -> list[str]:
        """Apply the change, in the driver. Returns notes for the user.

        Interrupted trials whose values lie outside the new space are cancelled.
        """
        trials = store.trials()
        if self.project is not None:
            _freeze_again(self.project, self.folder)
        store.set_space(self.space)
        for trial in trials:
            unfinished = not trial.state.ended and trial.origin is not Origin.BASELINE
            if unfinished and not lies_in(self.space, trial, former=self.before):
                end = replace(trial, state=TrialState.SYS_CANCELED, ended=time.time())
                store.end_trial(replace(end, reason=OUTSIDE))
        done = [trial for trial in trials if trial.state is TrialState.SUCCEEDED]
        usable = sum(lies_in(self.space, trial, former=self.before) for trial in done)
        summary = (
            f"{usable} of {len(done)} results lie in the search space; the tuner learns from them"
        )
        return [*self.lines(), f"{summary}, and all are kept"]


def outside(
    space: SearchSpace, former: SearchSpace, numbers: Iterable[int], trials: Mapping[int, Trial]
) -> list[int]:
    """Which of the trials the tuner of the `former` space proposed outside `space`."""
    proposed = [n for n in numbers if trials[n].origin is Origin.TUNER]
    return [n for n in proposed if not lies_in(space, trials[n], former=former)]


def to_space(
    folder: ExperimentFolder, before: SearchSpace, space: SearchSpace, *, source: Path
) -> Change:
    """The change to `space`, which was read from the file `source`.

    Raises AnnotateError with a line for each part of the space that the snapshot lacks.
    """
    try:
        space = space.with_names_of(before)
        check(folder, before, space)
    except AnnotateError as error:
        lines = [f"{source}: {line}" for line in error.message.splitlines()]
        raise AnnotateError("\n".join(lines), hint=error.hint) from None
    return Change(folder, before, space)


def check(folder: ExperimentFolder, before: SearchSpace, space: SearchSpace) -> None:
    """Raise AnnotateError with a line for each part of `space` that the snapshot lacks."""
    if folder.is_annotated:
        mistakes = [m for parameter in space for m in _unsupported(parameter, before)]
        if mistakes:
            hint = "edit the annotations, then run: annotate resume ID --annotations"
            raise AnnotateError("\n".join(mistakes), hint=hint)


def from_annotations(folder: ExperimentFolder, before: SearchSpace, config: Config) -> Change:
    """The change to the script's current annotations. Raises Mistakes and AnnotateError."""
    root = thaw(folder.snapshot).root
    project = read_project(config.path, root, config.arguments, entry=config.entry)
    project = with_outside(project, config.python, os.environ, Path(config.cwd), config.entry)
    return Change(folder, before, project.space, project)


def _unsupported(parameter: Parameter, before: SearchSpace) -> Iterable[str]:
    """What the snapshot lacks for `parameter`, in sentences."""
    known = {p.key: p.domain for p in before}
    if parameter.key not in known:
        yield f"the script has no annotation for {parameter.key!r}"
        return
    domain, old = parameter.domain, known[parameter.key]
    if isinstance(domain, Choice) and isinstance(old, Choice):
        options = [option.to_json() for option in old.options]
        for option in domain.options:
            if option.to_json() not in options:
                yield f"{parameter.key!r} has no option {option.to_json()!r}"


def _freeze_again(project: Project, folder: ExperimentFolder) -> None:
    """Replace the snapshot by the current script; keep the old one as `snapshot-N`."""
    new = folder.path / "snapshot.new"
    shutil.rmtree(new, ignore_errors=True)
    freeze(project, new)
    number = 1
    while (old := folder.path / f"snapshot-{number}").exists():
        number += 1
    folder.snapshot.rename(old)
    new.rename(folder.snapshot)


def finish_replacing(folder: ExperimentFolder) -> None:
    """Finish replacing the snapshot if a driver died between the two renames."""
    if not folder.snapshot.exists() and (folder.path / "snapshot.new" / MANIFEST).exists():
        with suppress(FileNotFoundError):
            (folder.path / "snapshot.new").rename(folder.snapshot)
