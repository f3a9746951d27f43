"""The settings of an experiment on the command line, and their merge with a config file.

Defaults < config file < command line. argparse gets no defaults: a setting that was not typed is
absent from what it returns, and Config owns the defaults.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate.errors import AnnotateError
from runtime.cli import options
from runtime.core.config import GPUS, LIMITS, MACHINE_SETTINGS, OPTIONS, RUNNING, SEARCH, Config
from runtime.core.options import AUTO, NONE, RESUME, Option, Settings

if TYPE_CHECKING:
    from runtime.nni_config import Described

Groups = dict[str, "argparse._ArgumentGroup"]

_ARGUMENTS = {"tuner": "tuner_args", "assessor": "assessor_args"}
_NEED_GPUS = "Add --gpus 1 to give each trial one GPU."


def arguments(parser: argparse.ArgumentParser, command: str) -> Groups:
    """Add the settings that the command takes; returns their groups, for further options."""
    groups = {name: parser.add_argument_group(name) for name in (LIMITS, SEARCH, GPUS, RUNNING)}
    for field, option in OPTIONS.items():
        if command in option.commands:
            _add(groups[option.group], field, option, resumes=command == RESUME)
    return groups


def _add(group: argparse._ArgumentGroup, field: str, option: Option, *, resumes: bool) -> None:
    """Add one setting. Untyped, it keeps the stored value if the experiment `resumes`."""
    if option.switches:
        exclusive = group.add_mutually_exclusive_group()
        for switch in option.switches:
            exclusive.add_argument(
                switch.flag,
                dest=field,
                action="store_const",
                const=switch.value,
                default=argparse.SUPPRESS,
                help=switch.help if resumes else switch.summary,
            )
        return
    several: dict[str, Any] = {"nargs": "+", "action": "extend"} if option.repeats else {}
    several |= {"action": "append"} if option.appends else {}
    group.add_argument(
        option.flag,
        dest=field,
        type=options.typed(option.parse),
        metavar=option.metavar,
        default=argparse.SUPPRESS,
        help=f"{option.help} (default: unchanged)" if resumes else option.summary,
        **several,
    )


def typed(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that were typed, by Config's field.

    Raises AnnotateError for an unknown algorithm or interpreter.
    """
    from runtime.system.interpreter import interpreter

    settings = {name: value for name, value in vars(args).items() if name in OPTIONS}
    is_elsewhere = bool(
        settings.get("hosts") or {"slurm", "ray"} & {*settings, settings.get("executor")}
    )
    if "python" in settings:
        if is_elsewhere:
            settings["python_there"] = settings.pop("python")
        else:
            settings["python"] = interpreter(settings["python"], os.environ)
    _take_machines(settings)
    for role, name in _ARGUMENTS.items():
        if role in settings:
            settings[role] = _algorithm(role, settings[role])
        if name in settings:
            settings[name] = {k: options.literal(v) for k, v in settings[name]}
            _take_direction(settings, name)
    if "env" in settings:
        settings["env"] = dict(settings["env"])
    _refuse_two_seeds(settings)
    return settings


def _take_machines(settings: dict[str, Any]) -> None:
    """What the option that says where trials run implies for the others."""
    ways = [OPTIONS[name].flags[0] for name in ("hosts", "slurm", "ray") if settings.get(name)]
    if len(ways) > 1:
        message = f"{' and '.join(ways)} both say where trials run"
        raise AnnotateError(message, hint="give one of them")
    if settings.get("hosts"):
        _take_hosts(settings)
    if settings.get("slurm"):
        _take_slurm(settings)
    if "ray" in (*settings, settings.get("executor")):
        _take_ray(settings)


def _take_hosts(settings: dict[str, Any]) -> None:
    """Hosts imply the executor, and how many trials run at a time: one each, or as they say."""
    from runtime.core.host import parse_hosts

    hosts = parse_hosts(settings["hosts"])
    settings.setdefault("executor", "ssh")
    settings.setdefault("concurrency", sum(host.slots or 1 for host in hosts))


def _take_slurm(settings: dict[str, Any]) -> None:
    """What jobs need implies the executor; pilots, how many trials run at a time."""
    from runtime.core.slurm_request import parse_request

    request = parse_request(settings["slurm"])
    settings.setdefault("executor", "slurm")
    if request.pilots:
        settings.setdefault("concurrency", request.pilots * request.slots)


def _take_ray(settings: dict[str, Any]) -> None:
    """A cluster implies the executor, and that as many trials run as fit in it."""
    from runtime.executors.ray.request import parse_request

    parse_request(settings.get("ray", ""))
    settings.setdefault("executor", "ray")
    settings.setdefault("concurrency", AUTO)


def _algorithm(role: str, name: str) -> str:
    from runtime.loop import algorithms

    if role == "tuner":
        return algorithms.tuner_name(name)
    return "" if name == NONE else algorithms.assessor_name(name)


def _take_direction(settings: dict[str, Any], name: str) -> None:
    """Turn `optimize_mode`, NNI's argument for the direction, into the setting `maximize`."""
    mode = settings[name].get("optimize_mode")
    if mode not in ("maximize", "minimize"):
        return  # absent, or a mistake that the algorithm reports
    del settings[name]["optimize_mode"]
    maximize = mode == "maximize"
    if settings.setdefault("maximize", maximize) != maximize:
        other = "--minimize" if maximize else "--maximize"
        raise AnnotateError(
            f"{OPTIONS[name].flag} optimize_mode={mode} contradicts {other}",
            hint="give the direction once, with --maximize or --minimize",
        )


def _refuse_two_seeds(settings: Settings) -> None:
    seed = settings.get("seed")
    own = settings.get("tuner_args", {}).get("seed", seed)
    if seed is not None and own != seed:
        raise AnnotateError(
            f"--tuner-args seed={own} contradicts --seed {seed}", hint="give the seed once"
        )


def merge(file: Settings, typed: Settings) -> dict[str, Any]:
    """The settings of both; those typed win.

    Arguments of an algorithm are merged one by one, unless another algorithm was typed: arguments
    in the file are for the algorithm in the file. `--seed` also replaces the tuner's own seed.
    """
    merged = {**file, **typed}
    if typed.get("executor", file.get("executor")) != file.get("executor"):
        of_the_files = {"hosts", "machines", "logins_file", "slurm", "ray"}
        for name in of_the_files - typed.keys():
            merged.pop(name, None)
    for role, name in _ARGUMENTS.items():
        if name in file and not replaces(role, file, typed):
            merged[name] = {**file[name], **typed.get(name, {})}
        elif name in file:
            merged[name] = typed.get(name, {})
    if "seed" in typed and "seed" in merged.get("tuner_args", {}):
        merged["tuner_args"] = {**merged["tuner_args"], "seed": typed["seed"]}
    return merged


def replaces(role: str, file: Settings, typed: Settings) -> bool:
    """Whether the command line names another tuner or assessor than the file.

    A file that names none means the default.
    """
    default = OPTIONS[role].default
    return role in typed and typed[role] != file.get(role, default)


def from_file(args: argparse.Namespace) -> tuple[Config, Described, list[str]]:
    """The experiment that a config file and the typed options describe, with notes for the user."""
    from runtime import nni_config
    from runtime.core.objective import with_objective

    python = None
    if not getattr(args, "hosts", ""):  # the file says where it is
        python = vars(args).pop("python", None)
    options_typed = typed(args)
    described = nni_config.read(args.config, os.environ, python=python)
    if options_typed.get("concurrency") == AUTO and not hasattr(args, "concurrency"):
        del options_typed["concurrency"]  # implied by --ray; the file may say it
    merged = merge(described.settings, options_typed)
    if merged.get("executor") == "ray":
        merged.setdefault("concurrency", AUTO)
    config = Config.new(merged)
    refuse_unused(config, options_typed)
    config, notes = with_objective(config, described.project, has_direction="maximize" in merged)
    ignored = _ignored(args.config, config, described.settings, options_typed)
    return config, described, [*described.notes, *ignored, *notes]


def refuse_unused(config: Config, typed: Settings) -> None:
    """Raise AnnotateError if an option was typed that has no effect without another."""
    if typed.get("assessor_args") and not config.assessor:
        raise AnnotateError(
            "--assessor-args has no effect without an assessor", hint="name one with --assessor"
        )
    unused = [OPTIONS[name].flags[0] for name in config.needs_gpus if name in typed]
    if unused:
        effect = "has no effect" if len(unused) == 1 else "have no effect"
        raise AnnotateError(f"{', '.join(unused)} {effect} without --gpus", hint=_NEED_GPUS)


def _ignored(path: Path, config: Config, file: Settings, typed: Settings) -> list[str]:
    """A note for each setting in the file that has no effect."""
    notes = [
        f"{path}: {OPTIONS[name].nni[0]} has no effect, because trials reserve no GPU (gpuNum)"
        for name in config.needs_gpus
        if name in file
    ]
    notes += [
        f"{path}: {OPTIONS[name].nni[0].rpartition('.')[2]} of {machine} has no effect, because"
        " trials reserve no GPU (gpuNum)"
        for machine, about in ({} if config.gpus else config.machines).items()
        for name in MACHINE_SETTINGS
        if name in about
    ]
    for role, name in _ARGUMENTS.items():
        if file.get(name) and replaces(role, file, typed):
            effect = f"names another {role}" if typed[role] else f"{NONE} turns it off"
            reason = f"{OPTIONS[role].flag} {effect}"
            # The direction belongs to the experiment, whichever section of the file names it.
            kept = " except optimize_mode" if "maximize" in file else ""
            notes.append(f"{path}: the {role}'s classArgs{kept} are ignored, because {reason}")
    return notes
