"""Prepares a trial to run: its staged modules, its command and its environment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import annotate
from annotate.json_value import JSON
from annotate.snapshot import data_copies
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder, TrialFolder
from runtime.core.received import received
from runtime.core.trial import Trial
from runtime.executors.base import Job
from runtime.executors.layout import Layout
from runtime.gpus.leases import Lease
from runtime.loop import checkpoints
from runtime.loop.isolation import isolation_of, make_empty
from runtime.system.command import shell

MODULES = "nni_modules"  # the folder of nni's submodules


def stage(folder: Path, root: Path) -> None:
    """Copy the modules that trials import into `folder`; `root` is the user's code folder."""
    folder.mkdir(parents=True)
    ours = Path(__file__).parent.parent / "stage"
    for file in (*ours.glob("*.py"), *ours.glob(f"{MODULES}/**/*.py")):
        copy = folder / file.relative_to(ours)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    # Find our nni.py by its path, because `import nni` may find NNI's own module.
    language = Path(annotate.__file__).parent
    shutil.copyfile(language.parent / "nni.py", folder / "nni.py")
    shutil.copyfile(language / "magic_names.py", folder / "annotate_magic_names.py")
    (folder / "root").write_bytes(os.fsencode(os.path.realpath(root)))


def job(
    config: Config,
    folder: ExperimentFolder,
    trial: Trial,
    lease: Lease,
    watched: Sequence[str] = (),
) -> Job:
    """Create the trial's folder and return the job that runs it.

    `lease` has its GPUs. The trial reports what becomes of the values of the `watched`
    parameters.
    """
    place = folder.trial(trial.number)
    isolation = isolation_of(config)
    if isolation is not None:
        make_empty(place)
    ready = replace(trial, values=checkpoints.ready(folder, trial.values))
    given = received(config, folder, ready.values)
    _prepare(place, ready, given, folder.snapshot, watched)
    return Job(
        trial=trial.number,
        folder=place,
        argv=None if config.command else (_program_word(config), *config.arguments),
        command=shell(config.command) if config.command else (),
        variables={**lease.environment, **identity(config, folder, trial)},
        isolation=None if isolation is None else isolation.options(place),
        memory=config.memory,
        machine=lease.machine,
        gpus=lease.uuids if lease.machine else (),
    )


def layout(config: Config, folder: ExperimentFolder, environment: Mapping[str, str]) -> Layout:
    """How the experiment's trials run on this machine; they inherit the user's `environment`."""
    current = (folder.stage / "annotate_run.py").exists()
    return Layout(
        platform="local",
        python=config.python,
        stage=str(folder.stage),
        cwd=config.cwd,
        environment=environment,
        stdin=str(folder.stdin) if folder.stdin.exists() else None,
        runner="annotate_run.py" if current else "run.py",  # before version 0.2.0
    )


def forked_script(config: Config, folder: ExperimentFolder) -> str | None:
    """The script that a fork server runs; None if each trial starts a new interpreter."""
    if config.fresh_process or config.command:
        return None
    if config.isolate and not (folder.stage / "annotate_isolate.py").exists():
        return None  # an experiment made before version 0.2.0
    return _program_word(config)


def _program_word(config: Config) -> str:
    """The program for the stage to run: a script, or a module as in `python -mpkg.train`."""
    return f"-m{config.module}" if config.module else config.script


def _prepare(
    place: TrialFolder, trial: Trial, given: JSON, snapshot: Path, watched: Sequence[str]
) -> None:
    """Write the files that the trial reads; its script receives the values `given`."""
    place.output.mkdir(parents=True, exist_ok=True)
    place.metrics.unlink(missing_ok=True)
    parameters: dict[str, JSON] = {"parameter_id": trial.number, "parameters": given}
    if watched:
        parameters["watched"] = list(watched)
    if copies := data_copies(snapshot, trial.values):
        # A parameter without a value keeps the file's value, reported once the trial reads it.
        parameters["written"] = {name: as_written for name, (_, as_written) in copies.items()}
    for name, (data, _) in copies.items():
        copy = place.data / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    place.parameters.write_text(json.dumps(parameters), encoding="utf-8")


def identity(config: Config, folder: ExperimentFolder, trial: Trial) -> dict[str, str]:
    """NNI's variables, which tell a trial who it is."""
    return {
        **({} if config.concurrency == 1 else {"NNI_WATCH_WRITES": "1"}),
        "NNI_EXP_ID": folder.id,
        "NNI_TRIAL_JOB_ID": trial.id,
        "NNI_TRIAL_SEQ_ID": str(trial.number),
    }
