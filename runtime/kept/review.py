"""An experiment after the fact: its trials, and the sources that it ran from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annotate import compare
from annotate.apply import Applied, apply
from annotate.compare import File, Row
from annotate.domains.choice import nested_text
from annotate.errors import AnnotateError
from annotate.export import export
from annotate.project import read_file
from annotate.snapshot import Snapshot, thaw
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Trial, best
from runtime.kept.by_file import newest_of
from runtime.kept.lookup import find
from runtime.store import Store
from runtime.system.units import count


@dataclass(frozen=True, slots=True)
class Past:
    """An experiment so far. `remark` tells which one it is if the user named none."""

    folder: ExperimentFolder
    config: Config
    space: SearchSpace
    snapshot: Snapshot
    trials: tuple[Trial, ...]
    remark: str

    @property
    def script(self) -> PurePosixPath | None:
        """The script's path in the code folder; None if trials run another command."""
        path = self.config.path
        place = path.parent.resolve() / path.name
        if self.config.command or not place.is_relative_to(self.snapshot.root):
            return None
        return PurePosixPath(place.relative_to(self.snapshot.root))

    def trial(self, number: int | None) -> Trial:
        """The trial with that number, or the best one. Raises AnnotateError if there is none."""
        if number is None:
            best_trial = best(list(self.trials), maximize=self.config.maximize)
            if best_trial is None:
                message = f"no trial of {self.folder.id} has a result yet"
                raise AnnotateError(message, hint="name a trial by its number")
            return best_trial
        for trial in self.trials:
            if trial.number == number:
                return trial
        message = f"{self.folder.id} has no trial {number}"
        hint = f"annotate trial ls {self.folder.id} lists its {count(len(self.trials), 'trial')}"
        raise AnnotateError(message, hint=hint)

    def root(self, script: Path | None) -> Path:
        """The code folder: the original one, or the one that holds the file `script`.

        Raises AnnotateError if the experiment has no such file.
        """
        if script is None:
            return self.snapshot.root
        path = script.parent.resolve() / script.name
        known = [*([self.script] if self.script else []), *self.snapshot.annotated]
        if any((self.snapshot.root / file).resolve() == path.resolve() for file in known):
            return self.snapshot.root
        named = [file for file in known if path.parts[-len(file.parts) :] == file.parts]
        if not named:
            names = ", ".join(str(self.snapshot.root / file) for file in dict.fromkeys(known))
            message = f"{script} is not a file of {self.folder.id}"
            raise AnnotateError(message, hint=f"its files are {names}")
        return path.parents[len(named[0].parts) - 1]


def values(trial: Trial) -> Values:
    """The values to write into the source; parameters without one keep theirs."""
    return {} if trial.origin is Origin.BASELINE else trial.values


def look_back(experiment: str | None, script: Path | None = None) -> Past:
    """Read an experiment and its snapshot. Raises AnnotateError if it cannot be read.

    Without `experiment`, the newest of the file `script`, or of the current folder.
    """
    folder, remark = newest_of(script) if experiment is None else find(experiment)
    store = Store.open(folder.store)
    try:
        row, trials = store.experiment(), tuple(store.trials())
    finally:
        store.close()
    snapshot = thaw(folder.snapshot)
    return Past(folder, Config.from_json(row.config), row.space, snapshot, trials, remark)


def written_back(past: Past, trial: Trial, root: Path) -> list[Applied]:
    """All annotated files below `root` with the trial's values in place. Writes nothing."""
    return [
        apply(
            _now(root / path),
            file.source,
            values(trial),
            path=display_path(root / path),
            below=path,
            keys={parameter.key for parameter in past.space},
        )
        for path, file in sorted(past.snapshot.annotated.items())
    ]


def _now(path: Path) -> bytes | None:
    return read_file(path) if path.exists() else None


def display_path(path: Path) -> str:
    """A path for display: relative to the current folder if it is inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def exported(past: Past, trial: Trial) -> dict[PurePosixPath, bytes]:
    """The files that the script needs, with the trial's values and without annotations."""
    files = {}
    for path, file in sorted(past.snapshot.files.items()):
        if file.counts and file.annotated:
            files[path] = export(file.source, values(trial), path=str(path), below=path)
        elif file.counts:
            files[path] = file.source
    return files


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sides compared: all parameters, and the files that differ."""

    rows: tuple[Row, ...]
    files: tuple[File, ...]


def between(past: Past, a: Trial, b: Trial) -> Difference:
    """Two trials of the experiment."""
    rows: list[Row] = []
    files = []
    for path, file in sorted(past.snapshot.annotated.items()):
        name, then = str(path), file.source
        rows += compare.rows(then, then, values(a), values(b), path=name, below=path)
        before, after = (
            apply(then, then, values(trial), path=name, below=path).after for trial in (a, b)
        )
        if before != after:
            files.append(File(path, before, after, code=False, annotations=False))
    if not past.snapshot.annotated:
        rows = [_plain_row(past, key, a, b) for key in {**a.values, **b.values}]
    return Difference(tuple(rows), tuple(files))


def _plain_row(past: Past, key: str, a: Trial, b: Trial) -> Row:
    """A parameter that is in no source, because the search space came from a file."""
    mine, theirs = (nested_text(t.values[key]) if key in t.values else None for t in (a, b))
    return Row(key, past.space.names.get(key, key), "", mine, theirs, mine != theirs)


def since(past: Past, trial: Trial, root: Path) -> Difference:
    """A trial compared with the current source below `root`."""
    rows: list[Row] = []
    files = []
    for path, file in sorted(past.snapshot.files.items()):
        if not file.counts:
            continue
        now, then, name = _now(root / path), file.source, display_path(root / path)
        ran = then
        if file.annotated:
            rows += compare.rows(then, now, values(trial), None, path=name, below=path)
            ran = apply(then, then, values(trial), path=name, below=path).after
        if ran != now:
            code, annotations = True, False
            if file.annotated:
                code, annotations = compare.changed(then, now, path=name, below=path)
            files.append(File(path, ran, now or b"", code, annotations))
    return Difference(tuple(rows), tuple(files))
