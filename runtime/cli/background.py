"""Starts a driver in the background and tells the user how to follow it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from runtime.cli import terminal
from runtime.core.paths import ExperimentFolder


def start(
    folder: ExperimentFolder,
    options: Sequence[str] = (),
    *,
    goal: str,
    port: int | None,
    as_json: bool,
    debug: bool,
    logins: bytes = b"",
) -> int:
    """Start the driver of an existing experiment and say how to follow it; returns the exit code.

    `options` are those of `resume`, for the driver; `goal` is what it optimizes and
    what is new in it, for the user. `logins` are as made by `runtime.cli.logins.of`.
    """
    from runtime.driver import background
    from runtime.server import launch

    pages = launch.ensure(port, folder.id)
    background.start(folder, [*options, *(["--debug"] if debug else [])], logins)
    if as_json:
        terminal.show(json.dumps({"experiment": folder.id, "pages": pages}, indent=2))
    else:
        terminal.show(_how_to_follow(folder.id, goal, pages))
    return 0


def _how_to_follow(name: str, goal: str, pages: list[str]) -> str:
    rows = [
        (f"annotate experiment show {name}", "its settings and progress"),
        (f"annotate trial ls {name}", "its trials with their values and results"),
        ("annotate top", "all running experiments, live"),
        (f"annotate log stdout {name}", "what the driver printed"),
        (f"annotate log stderr {name}", "its progress and errors"),
        (f"annotate trial kill {name} -T TRIAL", "stop one trial"),
        (f"annotate stop {name}", "stop the experiment; annotate resume continues it"),
        ("annotate --help", "all commands"),
    ]
    width = max(len(command) for command, _ in rows)
    return "\n".join(
        [
            f"Experiment {name} runs in the background: {goal}.",
            f"Pages: {'  '.join(pages)}",
            "",
            *(f"  {command:<{width}}  {help_text}" for command, help_text in rows),
        ]
    )
