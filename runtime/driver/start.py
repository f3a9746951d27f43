"""What the command line passes on to start or resume an experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from annotate.project import Project
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.host import Login
from runtime.core.paths import ExperimentFolder

if TYPE_CHECKING:
    from runtime.loop.change_space import Change
    from runtime.loop.known_results import WarmStart


@dataclass(frozen=True, slots=True)
class Start:
    """One experiment to drive, new or resumed.

    `make_folder` creates the experiment's folder, or returns the one to resume. It is called
    once everything that can be checked beforehand has been, because it may write. `notes` are
    shown when the experiment starts. `began`, in monotonic seconds, is when its clock starts.
    """

    config: Config
    space: SearchSpace
    make_folder: Callable[[], ExperimentFolder]
    notes: tuple[str, ...] = ()
    change: Change | None = None  # of a resumed experiment's search space
    port: int | None = None  # of the pages; None: no pages in the foreground, any in the background
    as_json: bool = False
    debug: bool = False  # log every step
    lock_file: int | None = None  # a background driver inherits its lock as this file descriptor
    is_new: bool = False
    began: float = field(default_factory=time.monotonic)
    new_settings: tuple[str, ...] = ()  # of a resumed experiment, for its first line
    logins: Mapping[str, Login] = field(default_factory=dict)  # by name of the host; never stored

    @property
    def detached(self) -> bool:
        """Whether the driver runs in the background and outlives its terminal."""
        return self.lock_file is not None


def new_experiment(
    config: Config,
    project: Project,
    *,
    notes: tuple[str, ...] = (),
    warm_start: WarmStart | None = None,
    stdin: BinaryIO | None = None,
    background: bool = False,
    port: int | None = None,
    as_json: bool = False,
    debug: bool = False,
) -> Start:
    """The start of an experiment that does not exist yet; nothing is written here."""
    config = replace(config, background=background)

    def make_folder() -> ExperimentFolder:
        from runtime.driver.create import create

        folder = create(config, project, stdin)
        if warm_start is not None:
            warm_start.store_in(folder, config)
        return folder

    return Start(config, project.space, make_folder, notes, None, port, as_json, debug, is_new=True)
