"""From a trial to the command that runs it: what is staged, and the trial's environment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import annotate
from runtime.config import Config
from runtime.executors.base import Job
from runtime.paths import ExperimentFolder, TrialFolder
from runtime.trial import Trial

_STAGED = ("annotate_elsewhere.py", "annotate_trial.py", "run.py", "sitecustomize.py")


def stage(folder: Path, root: Path) -> None:
    """Copy what a trial's processes import into `folder`; `root` is the user's code folder."""
    folder.mkdir(parents=True)
    here = Path(__file__).parent / "stage"
    for name in _STAGED:
        shutil.copyfile(here / name, folder / name)
    # Our own nni.py by its place: the module that `import nni` finds may be NNI's.
    shutil.copyfile(Path(annotate.__file__).parent.parent / "nni.py", folder / "nni.py")
    (folder / "root").write_bytes(os.fsencode(os.path.realpath(root)))


def job(
    config: Config, folder: ExperimentFolder, trial: Trial, environment: Mapping[str, str]
) -> Job:
    """Make the trial's folder, and say how to run it."""
    place = folder.trial(trial.number)
    _prepare(place, trial)
    return Job(
        trial=trial.number,
        folder=place,
        command=(config.python, str(folder.stage / "run.py"), config.script, *config.arguments),
        cwd=Path(config.cwd),
        environment=trial_environment(folder.id, folder.stage, place, trial, environment),
    )


def _prepare(place: TrialFolder, trial: Trial) -> None:
    place.output.mkdir(parents=True, exist_ok=True)
    place.metrics.unlink(missing_ok=True)
    parameters = {"parameter_id": trial.number, "parameters": trial.values}
    place.parameters.write_text(json.dumps(parameters), encoding="utf-8")


def trial_environment(
    experiment: str, stage: Path, place: TrialFolder, trial: Trial, environment: Mapping[str, str]
) -> dict[str, str]:
    """The user's environment, and the trial's identity by NNI's names."""
    path = [str(stage), environment.get("PYTHONPATH", "")]
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "NNI_PLATFORM": "local",
        "NNI_EXP_ID": experiment,
        "NNI_TRIAL_JOB_ID": trial.id,
        "NNI_TRIAL_SEQ_ID": str(trial.number),
        "NNI_SYS_DIR": str(place.path),
        "NNI_OUTPUT_DIR": str(place.output),
    }
