"""Tune a script whose values carry annotations.

  annotate run train.py --max-trials 10
  annotate run train.py --max-trials 50 --concurrency 2 --minimize -- --epochs 5
  annotate run -c config.yml --max-trials 3

What stands behind `--` are the script's own arguments. Trial 0 is the script as written.
With a config file, options given here go before what it says, and trial 0 is the tuner's."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.cli import options
from runtime.core.failures import NO_REPORT

if TYPE_CHECKING:
    from annotate.project import Project
    from runtime.core.config import Config
    from runtime.driver.start import Start

TAKES_REST = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", nargs="?", help="the Python script to tune")
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="a config file instead of a script"
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-trials", type=int, metavar="N", help="how many trials in all, the baseline included"
    )
    limits.add_argument(
        "--max-duration", type=options.duration, metavar="TIME", help="for all, e.g. 90s, 10m, 1h"
    )
    limits.add_argument(
        "--trial-timeout", type=options.duration, metavar="TIME", help="for each trial"
    )
    limits.add_argument(
        "--stall-timeout", type=options.duration, metavar="TIME", help="without any report"
    )
    limits.add_argument(
        "--max-failures",
        type=int,
        default=3,
        metavar="N",
        help="stop when the first N trials all fail (default: 3)",
    )
    limits.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="N",
        help="run a trial that failed up to N times more, with the same values (default: 0)",
    )
    limits.add_argument(
        "--memory", type=options.memory, metavar="SIZE", help="for each trial, e.g. 4GiB, 500MB"
    )
    search = parser.add_argument_group("search")
    direction = search.add_mutually_exclusive_group()
    direction.add_argument(
        "--maximize", action="store_true", default=True, help="a higher result is better (default)"
    )
    direction.add_argument(
        "--minimize", dest="maximize", action="store_false", help="a lower result is better"
    )
    search.add_argument(
        "--tuner",
        default="auto",
        metavar="NAME",
        help="an algorithm's name, or your own: path/to/file.py:Class (default: auto)",
    )
    search.add_argument(
        "--tuner-args",
        nargs="+",
        action="extend",
        default=[],
        type=options.pair,
        metavar="K=V",
        help="the tuner's own arguments",
    )
    search.add_argument(
        "--assessor", default="", metavar="NAME", help="stops trials early (default: none)"
    )
    search.add_argument(
        "--assessor-args",
        nargs="+",
        action="extend",
        default=[],
        type=options.pair,
        metavar="K=V",
        help="the assessor's own arguments",
    )
    search.add_argument(
        "--search-space",
        type=Path,
        metavar="FILE",
        help="NNI's search space JSON, or YAML, instead of that of the annotations",
    )
    search.add_argument("--seed", type=int, metavar="S", help="the same seed, the same values")
    search.add_argument(
        "--no-baseline", action="store_true", help="do not run the script as written first"
    )
    search.add_argument(
        "--enqueue",
        action="append",
        default=[],
        type=options.listed,
        metavar="K=V,...",
        help="a trial with values of your own first, the others as written; may be repeated",
    )
    search.add_argument(
        "--warm-start",
        action="append",
        default=[],
        metavar="ID",
        help="an earlier experiment whose results the tuner learns first; may be repeated",
    )
    _gpu_arguments(parser.add_argument_group("GPUs"))
    running = parser.add_argument_group("running")
    running.add_argument(
        "--concurrency",
        type=options.number_or_auto,
        default=1,
        metavar="K",
        help="trials at a time, or auto: as many as GPUs or cores have room for (default: 1)",
    )
    running.add_argument("--python", metavar="PATH", help="the interpreter that runs the trials")
    running.add_argument(
        "--fresh-process",
        action="store_true",
        help="a new interpreter for each trial, not a fork of one that has the libraries loaded",
    )
    running.add_argument(
        "--port", type=options.port, metavar="P", help="show the experiment in the browser, too"
    )
    running.add_argument(
        "--background", action="store_true", help="return at once; the experiment goes on"
    )
    running.add_argument("--name", default="", metavar="TEXT", help="the experiment's name")
    running.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output at the end"
    )


def _gpu_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--gpus", type=int, metavar="N", help="lease N GPUs to each trial; 0 shows it none"
    )
    group.add_argument(
        "--gpu-indices",
        type=options.words,
        default=(),
        metavar="I,J",
        help="use only these, by nvidia-smi's numbers; 0:1 is an instance of GPU 0",
    )
    group.add_argument(
        "--trials-per-gpu",
        type=options.number_or_auto,
        default=1,
        metavar="N",
        help="trials that share a GPU, or auto: as many as measurements allow (default: 1)",
    )
    group.add_argument(
        "--use-active-gpu", action="store_true", help="also GPUs on which others compute"
    )


def run(args: argparse.Namespace) -> int:
    from runtime.cli import starting

    if args.config is not None:
        return _run_config(args)
    if args.script is None:
        raise AnnotateError("there is nothing to run", hint="annotate run train.py, or -c FILE")
    config, project, notes = _script(args)
    if config.without_lease:
        words = ", ".join(config.without_lease)
        hint = "--gpus 1 leases one to each trial"
        raise AnnotateError(f"{words}: no GPU is leased without --gpus N", hint=hint)
    return starting.start(_new(args, config, project, notes))


def _new(
    args: argparse.Namespace,
    config: Config,
    project: Project,
    notes: Sequence[str],
    *,
    debug: bool = False,
) -> Start:
    from runtime.cli import warm
    from runtime.driver.start import new_experiment

    warm_start, more_notes = warm.start(config, project.space, args.enqueue, args.warm_start)
    return new_experiment(
        config,
        project,
        notes=(*notes, *more_notes),
        warm_start=warm_start,
        background=args.background,
        port=args.port,
        as_json=args.json,
        debug=debug,
    )


def _script(args: argparse.Namespace) -> tuple[Config, Project, list[str]]:
    from annotate.project import read_project, remarks
    from runtime.driver.create import find_script

    script = find_script(args.script)
    config = _config(args, script)
    project = read_project(script, script.parent, args.rest)
    if args.search_space is not None:
        from runtime.nni_config.meaning import read_space

        return config, replace(project, space=read_space(args.search_space)), []
    if not project.places:
        raise AnnotateError(
            f"{args.script} has no annotation, so there is nothing to tune",
            hint="write a comment behind a value, for example\n"
            "    lr = 0.01  # @nni.loguniform(1e-5, 1e-1)\n"
            "and one where the result is known:\n"
            "    # @nni.report_final_result(accuracy)\n"
            f"annotate suggest {args.script} proposes some; --search-space names a file instead",
        )
    notes = remarks(project, args.script, args.rest)
    if not any(b"report_final_result" in file.source for file in project.files if file.counts):
        notes.append(f"nothing in {args.script} reports a result; {NO_REPORT}")
        config = replace(config, max_failures=1)  # the next one would say the same
    return config, project, notes


def _run_config(args: argparse.Namespace) -> int:
    from runtime import nni_config
    from runtime.cli import starting

    if args.script is not None or args.rest:
        raise AnnotateError(
            "a config file has the trial's command, so no script is given beside it",
            hint=f"annotate run -c {args.config}",
        )
    meant = nni_config.read(args.config, os.environ, python=args.python)
    config = replace(meant.config, **_overrides(args))
    return starting.start(_new(args, config, meant.project, meant.notes, debug=meant.debug))


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of the experiment beyond its defaults, by Config's names."""
    from runtime.core.config import Config
    from runtime.loop import algorithms

    parser = argparse.ArgumentParser()
    arguments(parser)
    usual = vars(parser.parse_args([]))
    names = {field.name for field in fields(Config)} - {"script", "python", "background"}
    found = {name: getattr(args, name) for name in names & usual.keys()}
    found = {name: value for name, value in found.items() if value != usual[name]}
    parse: dict[str, Callable[[Any], Any]] = {
        "tuner": algorithms.tuner_name,
        "assessor": algorithms.assessor_name,
        "tuner_args": _given,
        "assessor_args": _given,
    }
    return {name: parse.get(name, _same)(value) for name, value in found.items()}


def _same(value: Any) -> Any:
    return value


def _config(args: argparse.Namespace, script: Path) -> Config:
    from runtime.core.config import Config
    from runtime.loop import algorithms
    from runtime.system.interpreter import interpreter

    return Config(
        script=args.script,
        cwd=os.getcwd(),  # noqa: PTH109  as the shell has it
        python=interpreter(args.python, os.environ),
        arguments=tuple(args.rest),
        name=args.name or script.stem,
        tuner=algorithms.tuner_name(args.tuner),
        tuner_args=_given(args.tuner_args),
        assessor=algorithms.assessor_name(args.assessor),
        assessor_args=_given(args.assessor_args),
        maximize=args.maximize,
        seed=secrets.randbelow(2**31) if args.seed is None else args.seed,
        max_trials=args.max_trials,
        max_duration=args.max_duration,
        concurrency=args.concurrency or 1,
        auto_concurrency=args.concurrency is None,
        baseline=not args.no_baseline,
        trial_timeout=args.trial_timeout,
        stall_timeout=args.stall_timeout,
        max_failures=args.max_failures,
        retries=args.retries,
        memory=args.memory,
        fresh_process=args.fresh_process,
        background=args.background,
        gpus=args.gpus,
        gpu_indices=tuple(args.gpu_indices),
        trials_per_gpu=args.trials_per_gpu,
        use_active_gpu=args.use_active_gpu,
    )


def _given(pairs: list[tuple[str, str]]) -> dict[str, JSON]:
    return {name: options.literal(value) for name, value in pairs}
