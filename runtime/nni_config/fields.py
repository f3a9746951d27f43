"""Every field of NNI's config files, in all versions of NNI.

The fields that give a setting of Config come from `runtime.core.config`. The others are below: a
field's description is its row in `docs/config.md`. A field whose description begins with "No
effect" is accepted with a note; one that begins with "Not supported" is a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel, to_snake

from annotate.errors import AnnotateError
from runtime.core.config import OPTIONS
from runtime.core.options import Option

NO_EFFECT = "No effect"
NOT_SUPPORTED = "Not supported"

# Fields that mean the same, each by its path from the top; a file may have one of them.
SPACE_FILE = ("searchSpacePath", "searchSpaceFile")
COMMAND = ("trial.command", "trialCommand", "trainingService.trialCommand")
CODE_FOLDER = ("trial.codeDir", "trialCodeDirectory", "trainingService.trialCodeDirectory")
PLATFORM = ("trainingServicePlatform", "trainingService.platform", "trainingService.name")
MACHINES = ("machineList", "trainingService.machineList")
SAME: tuple[tuple[str, ...], ...] = (
    SPACE_FILE,
    COMMAND,
    CODE_FOLDER,
    PLATFORM,
    MACHINES,
    ("tuner.builtinTunerName", "tuner.name"),
    ("tuner.codeDir", "tuner.codeDirectory"),
    ("assessor.builtinAssessorName", "assessor.name"),
    ("assessor.codeDir", "assessor.codeDirectory"),
    ("advisor.builtinAdvisorName", "advisor.name"),
    ("advisor.codeDir", "advisor.codeDirectory"),
    *(option.nni for option in OPTIONS.values() if len(option.nni) > 1),
)

# Fields of a machine that mean the same.
SAME_OF_A_MACHINE: tuple[tuple[str, ...], ...] = (
    ("ip", "host"),
    ("username", "user"),
    ("passwd", "password"),
    ("sshKeyPath", "sshKeyFile"),
    ("passphrase", "sshPassphrase"),
    ("maxTrialNumPerGpu", "maxTrialNumberPerGpu"),
)
#: Fields whose values are never shown.
SECRETS = ("passwd", "password", "passphrase", "sshPassphrase")
#: The fields of a machine for its GPUs, by field of Config.
GPU_FIELDS = {
    "gpu_indices": ("gpuIndices",),
    "trials_per_gpu": ("maxTrialNumPerGpu", "maxTrialNumberPerGpu"),
    "use_active_gpu": ("useActiveGpu",),
}
#: The executor of each platform.
PLATFORMS = {"local": "local", "remote": "ssh", "slurm": "slurm", "ray": "ray"}

Args = dict[str, Any]


def _text(value: Any) -> Any:
    """Accepts numbers too, because YAML reads a name such as `12` as one."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]


def _not_multi_phase(value: bool | None) -> bool | None:
    if value:
        raise ValueError("multiPhase is not supported; run each phase as a trial, and remove it")
    return value


def _loader(option: Option, path: str) -> Callable[[Any], Any]:
    def load(value: Any) -> Any:
        try:
            return None if value is None else option.load(value, path)
        except AnnotateError as error:
            raise ValueError(f"{error.message}; {error.hint}".removesuffix("; ")) from None

    return load


def _is(description: str) -> Any:
    return Field(default=None, description=description)


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class Algorithm(_Fields):
    """The fields that the sections tuner, assessor and advisor share."""

    name: Text | None = _is("The algorithm's name, as in `docs/tuners.md`; NNI's names work too.")
    code_dir: Text | None = _is("The folder of your own class.")
    code_directory: Text | None = _is("Same as `codeDir`.")
    class_file_name: Text | None = _is("The file in `codeDir` that defines your own class.")
    class_name: Text | None = _is(
        "Your own class; write `module.Class` to leave out `classFileName`."
    )
    class_args: Args | None = _is(
        "The algorithm's arguments. `optimize_mode` is `maximize` or `minimize`."
    )
    gpu_indices: Any = _is(f"{NO_EFFECT}: algorithms run on the CPU.")
    include_intermediate_results: bool | None = _is(
        f"{NO_EFFECT}: a trial that is stopped early counts with its last intermediate result."
    )


class Tuner(Algorithm):
    """The section `tuner`."""

    builtin_tuner_name: Text | None = _is("Same as `name`.")


class Assessor(Algorithm):
    """The section `assessor`."""

    builtin_assessor_name: Text | None = _is("Same as `name`.")


class Advisor(Algorithm):
    """The section `advisor`: tuner and assessor in one."""

    builtin_advisor_name: Text | None = _is("Same as `name`.")


class _Trial(_Fields):
    command: Text | None = _is("The trial's command. A shell runs it in `codeDir`.")
    code_dir: Text | None = _is("The code folder (default: the config file's folder).")


_Indices = Annotated[Any, BeforeValidator(_loader(OPTIONS["gpu_indices"], "gpuIndices"))]
_PerGpu = Annotated[Any, BeforeValidator(_loader(OPTIONS["trials_per_gpu"], "maxTrialNumPerGpu"))]
_Active = Annotated[Any, BeforeValidator(_loader(OPTIONS["use_active_gpu"], "useActiveGpu"))]


class Machine(_Fields):
    """An entry of `machineList`."""

    ip: Text | None = _is("The machine's name or address, or a `Host` of `~/.ssh/config`.")
    host: Text | None = _is("Same as `ip`.")
    port: int | None = _is("The port of its SSH server (default: that of the SSH config, or 22).")
    username: Text | None = _is("The user there (default: that of the SSH config, or yours).")
    user: Text | None = _is("Same as `username`.")
    passwd: Text | None = _is("The user's password.")
    password: Text | None = _is("Same as `passwd`.")
    ssh_key_path: Text | None = _is("The file of the private key (default: your keys and agent).")
    ssh_key_file: Text | None = _is("Same as `sshKeyPath`.")
    passphrase: Text | None = _is("The passphrase of that key.")
    ssh_passphrase: Text | None = _is("Same as `passphrase`.")
    python_path: Text | None = _is("A folder there that comes first on the `PATH`.")
    pre_command: Text | None = _is("A shell command that runs there before the first trial.")
    gpu_indices: _Indices = _is("Use only these GPUs of the machine, numbered as in nvidia-smi.")
    max_trial_num_per_gpu: _PerGpu = _is("Let so many trials share a GPU of the machine.")
    max_trial_number_per_gpu: _PerGpu = _is("Same as `maxTrialNumPerGpu`.")
    use_active_gpu: _Active = _is("Also use GPUs of the machine that other programs are using.")


class RayCluster(_Fields):
    """The section `rayConfig`."""

    address: Text | None = _is(
        "`auto` for this machine's cluster (default), `local` to start one, `HOST:PORT` or"
        " `ray://HOST:PORT`."
    )
    resources_per_trial: Args | None = _is(
        "What a trial needs, by Ray's names: `{cpu: 2, gpu: 0.5, memory: 4GiB}` (default: one CPU)."
    )


class _TrainingService(_Fields):
    platform: Text | None = _is("Same as `trainingServicePlatform`.")
    name: Text | None = _is("Same as `platform`.")
    trial_command: Text | None = _is("Same as `trial.command`.")
    trial_code_directory: Text | None = _is("Same as `trial.codeDir`.")
    debug: bool | None = _is("Same as `debug`.")
    machine_list: list[Machine] | None = _is("Same as `machineList`.")
    reuse_mode: bool | None = _is(f"{NO_EFFECT}: machines are always used again.")


def _belongs_to(platform: str) -> Any:
    return _is(f"{NOT_SUPPORTED}: it configures NNI's training service {platform}.")


class ConfigFile(_Fields):
    """A whole file, without the fields that give settings of Config."""

    search_space_path: Text | None = _is(
        "The search space file: JSON, or YAML if it is named `.yml` or `.yaml`."
    )
    search_space_file: Text | None = _is("Same as `searchSpacePath`.")
    search_space: Any = _is("The search space itself; for your own tuner in any format, or none.")
    use_annotation: bool | None = _is("Whether the code's annotations are the search space.")
    tuner: Tuner | None = _is("The algorithm that chooses values (default: `auto`).")
    assessor: Assessor | None = _is("The algorithm that stops trials early (default: none).")
    advisor: Advisor | None = _is("Tuner and assessor in one, in place of both sections.")
    trial_command: Text | None = _is("Same as `trial.command`.")
    trial_code_directory: Text | None = _is("Same as `trial.codeDir`.")
    training_service_platform: Text | None = _is(
        "`local`, `remote` for the machines of `machineList`, `slurm` for jobs of Slurm, or `ray`"
        " for the cluster of `rayConfig`. Others are not supported yet."
    )
    slurm_config: Args | None = _is(
        "The [options of jobs](slurm.md), as in `--slurm`, each a field. With `platform:"
        " slurm` in `trainingService`, they may be its fields instead."
    )
    machine_list: list[Machine] | None = _is(
        "The [machines](machines.md#nnis-machinelist) that trials run on, by SSH."
    )
    ray_config: RayCluster | None = _is(
        "The [Ray cluster](ray.md) that trials run on, and what each of them needs."
    )
    debug: bool | None = _is("Whether the driver logs every step.")
    log_level: Literal["trace", "debug", "info", "warning", "error", "fatal"] | None = _is(
        "`trace` and `debug` mean `debug: true`; the others mean `debug: false`."
    )
    author_name: Text | None = _is(f"{NO_EFFECT}: experiments belong to the user who runs them.")
    description: Text | None = _is(f"{NO_EFFECT}: write it as a comment.")
    log_dir: Text | None = _is(f"{NO_EFFECT}: everything is kept in `ANNOTATE_HOME`.")
    experiment_working_directory: Text | None = _is(
        f"{NO_EFFECT}: everything is kept in `ANNOTATE_HOME`."
    )
    log_collection: Text | None = _is(f"{NO_EFFECT}: logs stay where trials write them.")
    version_check: bool | None = _is(f"{NO_EFFECT}: trials always get the matching `nni` module.")
    multi_phase: Annotated[bool | None, AfterValidator(_not_multi_phase)] = _is(
        "Only `false`: a trial has one set of values."
    )
    multi_thread: bool | None = _is(
        f"{NO_EFFECT}: algorithms handle one request at a time; `true` is refused for your own."
    )
    nni_manager_ip: Text | None = _is(f"{NO_EFFECT}: trials report through files.")
    tuner_gpu_indices: Any = _is(f"{NO_EFFECT}: algorithms run on the CPU.")
    config_version: Text | None = _is(f"{NO_EFFECT}: fields of all versions are accepted.")
    experiment_type: Text | None = _is(f"{NO_EFFECT}: every experiment tunes hyper-parameters.")
    remote_config: Any = _is(f"{NO_EFFECT}: machines are always used again.")
    shared_storage: Any = _is(f"{NOT_SUPPORTED}: trials and their results stay on this machine.")
    pai_config: Any = _belongs_to("pai")
    pai_yarn_config: Any = _belongs_to("paiYarn")
    kubeflow_config: Any = _belongs_to("kubeflow")
    frameworkcontroller_config: Any = _belongs_to("frameworkcontroller")
    dlts_config: Any = _belongs_to("dlts")
    aml_config: Any = _belongs_to("aml")
    adl_config: Any = _belongs_to("adl")
    dlc_config: Any = _belongs_to("dlc")
    hybrid_config: Any = _belongs_to("hybrid")


def _settings(section: str) -> dict[str, Any]:
    """The fields of a section that give settings; "" is the top of the file."""
    fields = {}
    for option in OPTIONS.values():
        for path in option.nni:
            above, _, alias = path.rpartition(".")
            if above == section:
                kind = Annotated[Any, BeforeValidator(_loader(option, path))]
                same = f"Same as `{option.nni[0]}`."
                description = _row(option) if path == option.nni[0] else same
                fields[to_snake(alias)] = (kind, _is(description))
    return fields


def _row(option: Option) -> str:
    help_text = option.switches[0].help if option.switches else option.summary
    return help_text[0].upper() + help_text[1:] + "."


def _section(name: str, base: type[_Fields], description: str) -> Any:
    model = create_model(name, __base__=base, **_settings(name))
    return (model | None, _is(description))


#: A whole file with all its fields.
SCHEMA: type[ConfigFile] = create_model(
    "SCHEMA",
    __base__=ConfigFile,
    **_settings(""),
    trial=_section("trial", _Trial, "The trial's command and code."),
    local_config=_section("localConfig", _Fields, "How trials use this machine."),
    training_service=_section("trainingService", _TrainingService, "Where trials run."),
)
