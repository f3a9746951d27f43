"""Every field that NNI's config files knew, of all its versions, and what it does here.

A field's description is its row in `docs/config.md`. One that begins with "No use" is accepted
with that as a note; one that begins with "Not here" is a mistake.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from annotate.errors import AnnotateError
from runtime.system import units

NO_USE = "No use here"
NOT_HERE = "Not here"


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("a duration is written like 90s, 10m, 1h or 1h30m")
    try:
        seconds = units.seconds(str(value))
    except AnnotateError as error:
        raise ValueError(f"{error.message}; {error.hint}") from None
    if seconds <= 0:
        raise ValueError("a duration is above 0")
    return seconds


def _indices(value: Any) -> tuple[str, ...]:
    """`1`, `0,1` and `[0, 1]`."""
    parts = value if isinstance(value, list) else str(value).split(",")
    found = tuple(str(part).strip() for part in parts)
    if isinstance(value, bool) or not all(part.replace(":", "").isdecimal() for part in found):
        raise ValueError("GPUs are given by number: 1, or 0,1, or a list")
    return found


Seconds = Annotated[float, BeforeValidator(_seconds)]
Indices = Annotated[tuple[str, ...], BeforeValidator(_indices)]
Count = Annotated[int, Field(ge=1)]
Args = dict[str, Any]


def _text(value: Any) -> Any:
    """A name that YAML reads as a number is still a name."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]


def _is(what: str) -> Any:
    return Field(default=None, description=what)


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class Algorithm(_Fields):
    """What tuner, assessor and advisor have in common."""

    name: Text | None = _is("The algorithm's name, as `docs/tuners.md` lists them, NNI's included.")
    code_dir: Text | None = _is("The folder of a class of your own.")
    code_directory: Text | None = _is("As `codeDir`.")
    class_file_name: Text | None = _is("The file in `codeDir` that has a class of your own.")
    class_name: Text | None = _is(
        "The class of your own; also as `module.Class`, without `classFileName`."
    )
    class_args: Args | None = _is("The algorithm's arguments; `optimize_mode` says the direction.")
    gpu_indices: Indices | None = _is(f"{NO_USE}: algorithms compute on the processor.")
    include_intermediate_results: bool | None = _is(
        f"{NO_USE}: a trial that is stopped early counts with its last intermediate result."
    )


class Tuner(Algorithm):
    """The section `tuner`."""

    builtin_tuner_name: Text | None = _is("As `name`.")


class Assessor(Algorithm):
    """The section `assessor`."""

    builtin_assessor_name: Text | None = _is("As `name`.")


class Advisor(Algorithm):
    """The section `advisor`: tuner and assessor in one."""

    builtin_advisor_name: Text | None = _is("As `name`.")


class Trial(_Fields):
    """The section `trial`."""

    command: Text | None = _is("The command of a trial, run by a shell in `codeDir`.")
    code_dir: Text | None = _is("The code folder; default: the config file's own.")
    gpu_num: Annotated[int, Field(ge=0)] | None = _is(
        "How many GPUs each trial has to itself; 0 shows it none."
    )


class Local(_Fields):
    """The section `localConfig`, and what `trainingService` has of it."""

    gpu_indices: Indices | None = _is("The GPUs that may be used, by number.")
    max_trial_num_per_gpu: Count | None = _is("How many trials may share a GPU; default: 1.")
    use_active_gpu: bool | None = _is("Whether GPUs that others use may be used, too.")


class TrainingService(_Fields):
    """The section `trainingService`."""

    platform: Text | None = _is("`local`. The others are not here yet.")
    name: Text | None = _is("As `platform`.")
    trial_command: Text | None = _is("As `trial.command`.")
    trial_code_directory: Text | None = _is("As `trial.codeDir`.")
    trial_gpu_number: Annotated[int, Field(ge=0)] | None = _is("As `trial.gpuNum`.")
    debug: bool | None = _is("As `debug`.")
    gpu_indices: Indices | None = _is("As `localConfig.gpuIndices`.")
    max_trial_number_per_gpu: Count | None = _is("As `localConfig.maxTrialNumPerGpu`.")
    use_active_gpu: bool | None = _is("As `localConfig.useActiveGpu`.")


def _elsewhere(platform: str) -> Any:
    return _is(f"{NOT_HERE}: it belongs to NNI's training service {platform}.")


class ConfigFile(_Fields):
    """A whole file."""

    author_name: Text | None = _is(f"{NO_USE}: experiments are kept for the user who made them.")
    experiment_name: Text | None = _is("The experiment's name; default: the script's.")
    description: Text | None = _is(f"{NO_USE}: write what you want to remember as a comment.")
    trial_concurrency: Count | None = _is("How many trials run at a time; default: 1.")
    max_exec_duration: Seconds | None = _is(
        "How long the experiment may take: `90s`, `10m`, `1h`, `1h30m`, `2d`, or seconds."
    )
    max_experiment_duration: Seconds | None = _is("As `maxExecDuration`.")
    max_trial_duration: Seconds | None = _is("How long one trial may take.")
    max_trial_num: Count | None = _is("How many trials in all; default: no limit.")
    max_trial_number: Count | None = _is("As `maxTrialNum`.")
    training_service_platform: Text | None = _is("`local`. The others are not here yet.")
    training_service: TrainingService | None = _is("Where trials run, by the fields below.")
    search_space_path: Text | None = _is("The search space file; JSON, or YAML by its suffix.")
    search_space_file: Text | None = _is("As `searchSpacePath`.")
    search_space: Args | None = _is("The search space itself.")
    use_annotation: bool | None = _is("Whether the search space is that of the code's annotations.")
    tuner: Tuner | None = _is("What chooses the values; default: as `annotate run`.")
    assessor: Assessor | None = _is("What stops hopeless trials; default: nothing.")
    advisor: Advisor | None = _is("In place of `tuner` and `assessor`.")
    trial: Trial | None = _is("What a trial is, by the fields below.")
    trial_command: Text | None = _is("As `trial.command`.")
    trial_code_directory: Text | None = _is("As `trial.codeDir`.")
    trial_gpu_number: Annotated[int, Field(ge=0)] | None = _is("As `trial.gpuNum`.")
    local_config: Local | None = _is("How trials use this machine, by the fields below.")
    debug: bool | None = _is("Whether the driver's log has every step.")
    log_level: Literal["trace", "debug", "info", "warning", "error", "fatal"] | None = _is(
        "`trace` and `debug` are as `debug: true`; the others are as without."
    )
    log_dir: Text | None = _is(f"{NO_USE}: everything is kept in `ANNOTATE_HOME`.")
    experiment_working_directory: Text | None = _is(
        f"{NO_USE}: everything is kept in `ANNOTATE_HOME`."
    )
    log_collection: Text | None = _is(f"{NO_USE}: logs stay where trials write them.")
    version_check: bool | None = _is(f"{NO_USE}: trials get this version's own module.")
    multi_phase: bool | None = _is(f"{NO_USE}: a trial has one sample of values.")
    multi_thread: bool | None = _is(f"{NO_USE}: the tuner is asked one at a time.")
    nni_manager_ip: Text | None = _is(f"{NO_USE}: trials report by files, not by network.")
    tuner_gpu_indices: Indices | None = _is(f"{NO_USE}: algorithms compute on the processor.")
    config_version: Text | None = _is(f"{NO_USE}: the fields of all versions are read.")
    experiment_type: Text | None = _is(f"{NO_USE}: experiments tune hyper-parameters.")
    machine_list: Any = _elsewhere("remote")
    remote_config: Any = _elsewhere("remote")
    shared_storage: Any = _is(f"{NOT_HERE}: trials and their results lie on this machine.")
    pai_config: Any = _elsewhere("pai")
    pai_yarn_config: Any = _elsewhere("paiYarn")
    kubeflow_config: Any = _elsewhere("kubeflow")
    frameworkcontroller_config: Any = _elsewhere("frameworkcontroller")
    dlts_config: Any = _elsewhere("dlts")
    aml_config: Any = _elsewhere("aml")
    adl_config: Any = _elsewhere("adl")
    dlc_config: Any = _elsewhere("dlc")
    hybrid_config: Any = _elsewhere("hybrid")
