"""Run one trial in the foreground with your own values; other values stay as written.

  annotate try train.py lr=0.1 batch=64
  annotate try train.py lr=0.1 -- --epochs 5

A name is a parameter's short name or its full key. A script without annotations that calls
`nni.get_next_parameter()` gets the values as typed. The script's output is passed through, and its
reports are printed to standard error at the end. The exit code is the script's."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from annotate.space import SearchSpace
from runtime.cli import options, terminal
from runtime.cli import target as targets
from runtime.cli.given_values import parse_values, typed_values

TAKES_REST = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", help="the Python script; with -m, the module")
    targets.arguments(parser)
    parser.add_argument(
        "values", nargs="*", type=options.pair, metavar="NAME=VALUE", help="values to try"
    )
    parser.add_argument("--python", metavar="PATH", help="the Python interpreter to run it with")


def run(args: argparse.Namespace) -> int:
    from annotate.project import read_project, relative_path
    from annotate.remarks import remarks
    from annotate.snapshot import freeze
    from runtime.core.config import Config
    from runtime.core.objective import objective_of
    from runtime.core.paths import ExperimentFolder
    from runtime.core.trial import Origin, Trial, TrialState
    from runtime.gpus.leases import NO_LEASE
    from runtime.loop.job import job, layout, stage
    from runtime.system.interpreter import interpreter
    from runtime.system.outside import with_outside

    target = targets.target(args.script, args)
    project = read_project(target.path, target.root, args.rest, entry=target.entry)
    for sentence in remarks(project, target.shown, args.rest):
        terminal.say(f"annotate: {sentence}")
    parse = typed_values if project.asks_by_itself else parse_values
    values = parse(project.space, args.values)
    python = interpreter(args.python, os.environ, target.script)
    cwd, rest = os.getcwd(), tuple(args.rest)  # noqa: PTH109  as the shell names it
    config = Config(target.script, cwd, python, rest, module=target.module)
    project = with_outside(project, python, os.environ, Path(cwd), config.entry)
    with tempfile.TemporaryDirectory(prefix="annotate-try-") as place:
        folder = ExperimentFolder(Path(place))
        freeze(project, folder.snapshot)
        stage(folder.stage, project.root)
        trial = Trial(0, "try", Origin.USER, TrialState.WAITING, values, created=time.time())
        task = layout(config, folder, os.environ).task(
            job(config, folder, trial, NO_LEASE), str(folder.trial(0).path)
        )
        code = subprocess.run(task.command, env=dict(task.environment), check=False).returncode
        if code and python != sys.executable:
            terminal.say(f"annotate: it ran with {python}; --python names another")
        metric = objective_of(project, relative_path(target.path, project.root)).name
        _print_reports(folder.trial(0).metrics, project.space, metric or "result")
    return 128 - code if code < 0 else code


def _print_reports(path: Path, space: SearchSpace, metric: str) -> None:
    from runtime.cli.text import number, values_line
    from runtime.core.metrics import MetricsFile
    from runtime.core.trial import number as number_of

    file = MetricsFile(path)
    intermediate, final, as_written = [], None, {}
    while batch := file.read():
        as_written.update(batch.as_written)
        for report in batch.reports:
            if report.kind == "final":
                final = report
            else:
                intermediate.append(report)
    if as_written:
        terminal.say(f"as written: {values_line(as_written, space.names)}")
    if intermediate:
        last = " ".join(number(number_of(r.value)) for r in intermediate[-10:])
        dots = "... " if len(intermediate) > 10 else ""
        terminal.say(f"{len(intermediate)} intermediate results: {dots}{last}")
    terminal.say(f"final {metric}: {final.value if final else 'none reported'}")
