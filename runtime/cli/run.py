"""Tune an annotated script.

  annotate run train.py --max-trials 10
  annotate run train.py --max-trials 50 --concurrency 2 --minimize -- --epochs 5
  annotate run -m pkg.train --max-trials 10
  annotate run -c config.yml --max-trials 3

Arguments after `--` go to the script. If the script reads standard input, every trial gets all of
it. Trial 0 is the baseline: the script as written. With a config file, options on the command line
override the file, and there is no baseline."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import options, settings
from runtime.cli import target as targets
from runtime.cli.target import Target
from runtime.core.config import RUNNING, SEARCH, Config
from runtime.core.options import RUN, Settings

if TYPE_CHECKING:
    from annotate.project import Project

TAKES_REST = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", nargs="?", help="the Python script to tune; with -m, the module")
    targets.arguments(parser)
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="run a config file instead of a script"
    )
    groups = settings.arguments(parser, RUN)
    _search_arguments(groups[SEARCH])
    running = groups[RUNNING]
    running.add_argument(
        "--port",
        type=options.port,
        metavar="P",
        help="show the experiment in the browser at port P",
    )
    running.add_argument(
        "--background",
        action="store_true",
        help="return at once; the experiment runs in the background",
    )
    running.add_argument("--debug", action="store_true", help="log every step of the driver")
    running.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output at the end"
    )


def _search_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--search-space",
        type=Path,
        metavar="FILE",
        help="read the search space from FILE, JSON or YAML, instead of the annotations",
    )
    group.add_argument(
        "--enqueue",
        action="append",
        default=[],
        type=options.pairs,
        metavar="K=V,...",
        help="first run a trial with these values, the others as written; may be repeated",
    )
    group.add_argument(
        "--warm-start",
        action="append",
        default=[],
        metavar="ID",
        help="let the tuner learn the results of experiment ID first; may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    from runtime.cli import standard_input, starting, warm
    from runtime.driver.start import new_experiment

    if args.config is not None:
        config, project, notes, debug = _config_file(args)
    else:
        config, project, notes = _script(args)
        debug = False
    warm_start, more_notes = warm.start(config, project.space, args.enqueue, args.warm_start)
    stdin, input_notes = standard_input.read(config, project)
    return starting.start(
        new_experiment(
            config,
            project,
            notes=(*notes, *input_notes, *more_notes),
            warm_start=warm_start,
            stdin=stdin,
            background=args.background,
            port=args.port,
            as_json=args.json,
            debug=args.debug or debug,
        )
    )


def _config_file(args: argparse.Namespace) -> tuple[Config, Project, list[str], bool]:
    if args.code_folder:
        raise AnnotateError(
            "--code-folder has no effect with a config file",
            hint="write trialCodeDirectory in it; the command runs in that folder",
        )
    if args.script is not None or args.rest or args.module:
        raise AnnotateError(
            "a config file names its own command, so no script can be given with it",
            hint=f"annotate run -c {args.config}",
        )
    if args.search_space is not None:
        raise AnnotateError(
            "--search-space has no effect with a config file", hint="write searchSpacePath in it"
        )
    config, described, notes = settings.from_file(args)
    return config, described.project, notes, described.debug


def _script(args: argparse.Namespace) -> tuple[Config, Project, list[str]]:
    from annotate.project import read_project
    from annotate.remarks import annotated_outside, constants, remarks, wider_folder
    from runtime.core.failures import NO_REPORT
    from runtime.core.objective import with_objective
    from runtime.system.outside import with_outside

    if args.script is None:
        raise AnnotateError("there is nothing to run", hint="annotate run train.py, or -c FILE")
    target = targets.target(args.script, args)
    typed = settings.typed(args)
    config = _config(args, typed, target)
    project = read_project(target.path, target.root, args.rest, entry=target.entry)
    project = with_outside(project, config.python, os.environ, Path(config.cwd), config.entry)
    config, notes = with_objective(config, project, has_direction="maximize" in typed)
    if args.search_space is not None:
        from runtime.nni_config.space_file import note, read_space

        space = read_space(args.search_space, config.tuner).with_names_of(project.space)
        notes += [*note(space, str(args.search_space)), *constants(space)]
        return config, replace(project, space=space), notes
    if project.overridden and not project.places:
        raise AnnotateError(
            "\n".join(remarks(project, target.shown)),
            hint="nothing is left to tune: remove what overrides the values",
        )
    if not project.places and (elsewhere := annotated_outside(project)):
        raise AnnotateError(
            f"{target.shown} has no annotation, but {elsewhere[0]} has, outside the code folder"
            f" {project.root}",
            hint=f"--code-folder {wider_folder(project)} includes it",
        )
    if not project.places:
        raise AnnotateError(
            f"{target.shown} has no annotation, so there is nothing to tune",
            hint="write a comment after a value, for example\n"
            "    lr = 0.01  # @nni.loguniform(1e-5, 1e-1)\n"
            "and one where the result is known:\n"
            "    # @nni.report_final_result(accuracy)\n"
            f"annotate suggest {target.script} proposes some; or name a file with --search-space",
        )
    notes += remarks(project, target.shown, args.rest)
    if not any(b"report_final_result" in file.source for file in project.files if file.counts):
        notes.append(f"nothing in {target.shown} reports a result; {NO_REPORT}")
        if "max_failures" not in typed:
            config = replace(config, max_failures=1)  # every further trial would fail the same way
    return config, project, notes


def _config(args: argparse.Namespace, typed: Settings, target: Target) -> Config:
    from runtime.system.interpreter import interpreter

    config = Config.new(
        {
            "script": target.script,
            "module": target.module,
            "cwd": os.getcwd(),  # noqa: PTH109  as the shell names it, with its links
            "python": typed.get("python") or interpreter(None, os.environ, target.script),
            "arguments": tuple(args.rest),
            **typed,
        }
    )
    settings.refuse_unused(config, typed)
    return config
