"""From a checked config to an experiment that runs: in front, or on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from annotate.project import Project
from runtime.config import Config


def start(
    config: Config,
    project: Project,
    notes: Sequence[str],
    *,
    port: int | None,
    background: bool,
    as_json: bool,
    debug: bool = False,
) -> int:
    """Run the experiment to its end, or have it run in the background; returns the exit code."""
    from runtime.creation import create

    if background:
        return _in_background(config, project, notes, port, as_json=as_json, debug=debug)
    from runtime.cli.driving import drive

    if port is not None:
        from runtime.server import launch

        notes = [*notes, *(f"pages: {address}" for address in launch.ensure(port))]
    return drive(
        config, project.space, lambda: create(config, project), notes, as_json=as_json, debug=debug
    )


def _in_background(
    config: Config,
    project: Project,
    notes: Sequence[str],
    port: int | None,
    *,
    as_json: bool,
    debug: bool,
) -> int:
    """All that can be wrong is found here, as long as somebody reads it."""
    import sys

    from runtime import algorithms
    from runtime.cli import background
    from runtime.creation import create
    from runtime.server import launch

    config = replace(config, background=True)
    algorithms.assessor_of(config, algorithms.tuner_of(config, project.space))
    for note in notes:
        print(note, file=sys.stderr)
    launch.ensure(port)
    folder = create(config, project)
    return background.start(folder, port=port, as_json=as_json, debug=debug)
