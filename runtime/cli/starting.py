"""From a checked config to an experiment that runs: in front, or on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from annotate.project import Project
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder

if TYPE_CHECKING:
    from runtime.loop.known_results import Beginning


def start(
    config: Config,
    project: Project,
    notes: Sequence[str],
    *,
    port: int | None,
    background: bool,
    as_json: bool,
    debug: bool = False,
    beginning: Beginning | None = None,
) -> int:
    """Run the experiment to its end, or have it run in the background; returns the exit code."""
    from runtime.driver.create import create

    def made(config: Config) -> ExperimentFolder:
        folder = create(config, project)
        return folder if beginning is None else beginning.put(folder, config)

    if background:
        return _in_background(config, project, made, notes, port, as_json=as_json, debug=debug)
    from runtime.cli.driving import drive

    if port is not None:
        from runtime.server import launch

        notes = [*notes, *(f"pages: {address}" for address in launch.ensure(port))]
    return drive(config, project.space, lambda: made(config), notes, as_json=as_json, debug=debug)


def _in_background(
    config: Config,
    project: Project,
    made: Callable[[Config], ExperimentFolder],
    notes: Sequence[str],
    port: int | None,
    *,
    as_json: bool,
    debug: bool,
) -> int:
    """All that can be wrong is found here, as long as somebody reads it."""
    import sys

    from runtime.cli import background
    from runtime.loop import algorithms
    from runtime.server import launch

    config = replace(config, background=True)
    algorithms.assessor_of(config, algorithms.tuner_of(config, project.space))
    for note in notes:
        print(note, file=sys.stderr)
    launch.ensure(port)
    folder = made(config)
    return background.start(folder, port=port, as_json=as_json, debug=debug)
