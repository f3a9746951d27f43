"""Starts a new experiment, in the foreground or in the background."""

from __future__ import annotations

import os
from dataclasses import replace

from runtime.cli import terminal
from runtime.driver.start import Start
from runtime.system.private import keep_private


def start(start: Start) -> int:
    """Run the experiment to its end, or start it in the background; returns the exit code."""
    if start.config.background:
        return _in_background(start)
    from runtime.cli.driving import drive

    if start.port is not None:
        from runtime.server import launch

        pages = tuple(f"pages: {address}" for address in launch.ensure(start.port))
        start = replace(start, notes=(*start.notes, *pages))
    return drive(start)


def _in_background(start: Start) -> int:
    """Find every mistake here, while the user is watching; then start the driver."""
    from runtime.cli import background, logins
    from runtime.core.objective import goal
    from runtime.core.variables import trial_variables
    from runtime.driver import elsewhere
    from runtime.gpus.opening import open_gpus
    from runtime.loop import algorithms
    from runtime.loop.isolation import isolation_of
    from runtime.server import launch

    keep_private()
    algorithms.load(start.config, start.space, start.began).close()
    start = logins.with_logins(start)
    hosts = elsewhere.check(start.config, start.logins, logins.asker())
    variables = trial_variables(start.config.env, os.environ)
    open_gpus(start.config, {**os.environ, **variables})
    isolation_of(start.config)
    for note in start.notes:
        terminal.say(note)
    launch.ensure(start.port)
    folder = start.make_folder()
    return background.start(
        folder,
        goal=goal(start.config, new=True),
        port=start.port,
        as_json=start.as_json,
        debug=start.debug,
        logins=logins.of(hosts),
    )
