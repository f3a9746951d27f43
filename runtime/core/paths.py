"""All paths: one class per folder, so that no other module joins paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import AnnotateError


def home() -> Path:
    """Annotate's own folder: `ANNOTATE_HOME`, or the platform's user data folder.

    Raises AnnotateError if neither is known.
    """
    from platformdirs import user_data_path

    variable = os.environ.get("ANNOTATE_HOME")
    try:
        folder = Path(variable) if variable else user_data_path("annotate", appauthor=False)
        return folder.expanduser().absolute()
    except RuntimeError:  # this user has no home folder
        raise AnnotateError(
            f"no home folder is known for user {os.getuid()}",
            hint="set ANNOTATE_HOME to a folder for the experiments",
        ) from None


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """The folder of one trial."""

    path: Path

    @property
    def parameters(self) -> Path:
        return self.path / "parameters.json"

    @property
    def data(self) -> Path:
        """The trial's copies of annotated data files."""
        return self.path / "data"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def stdout(self) -> Path:
        return self.path / "stdout"

    @property
    def stderr(self) -> Path:
        return self.path / "stderr"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def changes(self) -> Path:
        """What the trial wrote into its own working folder (`--isolate`)."""
        return self.output / "working-folder"

    @property
    def scratch(self) -> Path:
        """What `annotate_isolate.py` needs while the trial runs."""
        return self.path / "scratch"


@dataclass(frozen=True, slots=True)
class ExperimentFolder:
    """The folder of one experiment."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def store(self) -> Path:
        return self.path / "experiment.db"

    @property
    def requests(self) -> Path:
        return self.path / "requests.db"

    @property
    def is_annotated(self) -> bool:
        """Whether the snapshot has annotated files."""
        return (self.snapshot / "source").is_dir()

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def log(self) -> Path:
        return self.path / "driver.log"

    @property
    def stdout(self) -> Path:
        """The standard output of a driver in the background."""
        return self.path / "driver.out"

    @property
    def stderr(self) -> Path:
        return self.path / "driver.err"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard.json"

    @property
    def snapshot(self) -> Path:
        return self.path / "snapshot"

    @property
    def stdin(self) -> Path:
        """The standard input of every trial; it does not exist if trials get none."""
        return self.path / "stdin"

    @property
    def stage(self) -> Path:
        return self.path / "stage"

    @property
    def trials(self) -> Path:
        return self.path / "trials"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def trial(self, number: int) -> TrialFolder:
        return TrialFolder(self.trials / str(number))


def experiments() -> Path:
    return home() / "experiments"


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The folder of the page servers: a record, a lock and a log per port, and one token."""

    path: Path

    @property
    def starting(self) -> Path:
        return self.path / "starting"

    @property
    def token(self) -> Path:
        return self.path / "token"

    def lock(self, port: int) -> Path:
        return self.path / f"{port}.lock"

    def record(self, port: int) -> Path:
        return self.path / f"{port}.json"

    def log(self, port: int) -> Path:
        return self.path / f"{port}.log"


def server() -> ServerFolder:
    return ServerFolder(home() / "server")
