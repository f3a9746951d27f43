"""Config: the settings of one experiment, checked once and then frozen.

Each field that users can set is declared with its Option. This is the only list of settings;
`runtime.core.options` says what is generated from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core import options
from runtime.core.options import AT_THE_START, AUTO, Auto, Option, Settings, Switch, setting

LIMITS, SEARCH, GPUS, RUNNING = "limits", "search", "GPUs", "running"

#: Settings that each machine of a config file may have for itself.
MACHINE_SETTINGS = ("gpu_indices", "trials_per_gpu", "use_active_gpu")

#: Why an experiment has its direction, if neither the command line nor a file gave it.
BY_NAME, BY_INTERMEDIATE = "by its name", "by the name of its intermediate results"
BY_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Config:
    """One experiment. Durations are seconds and memory is bytes; None means no limit.

    Trials run in the folder `cwd` with the interpreter `python`. They run either `script` with
    `arguments`, both as typed, or `command`, a line for the shell; then `script` is empty. With
    `module` they run that module as `python -m` does; then `script` is its file.
    `background` means that the driver was started without a terminal.

    `tuner` and `assessor` are names, or references to the user's classes as made by
    `runtime.custom.reference`. Without an `assessor`, only the tuner stops trials early.

    `hosts` are those of the executor `ssh`, `slurm` the options of the executor `slurm`, `ray` the
    cluster of the executor `ray` and what a trial needs of it;
    `python_there` is the interpreter on those machines, "" for the one that `python` starts there.
    `machines` has what a config file says about some hosts, by name; `logins_file` is that file if
    it has their passwords, which are never stored.

    With `gpus` None, trials see the same GPUs as the user; with 0, none. `gpu_indices` are numbers
    as in nvidia-smi (`0`, or `0:1` for one MIG instance of GPU 0); empty means all.

    `env` are variables of trials; the value None stands for that of the user's environment.

    `metric_name` is what the script reports, "" if unknown. `optimize_by` is why the direction was
    chosen, "" if it was given.
    """

    script: str
    cwd: str
    python: str = setting(
        RUNNING,
        MISSING,
        "--python",
        metavar="PATH",
        help="run trials with this Python interpreter",
        default_help="the one that `python` starts",
        kind=options.TEXT,
        commands=AT_THE_START,
    )
    arguments: tuple[str, ...] = ()
    name: str = setting(
        RUNNING,
        "",
        "--name",
        metavar="TEXT",
        help="name the experiment",
        default_help="the script's name",
        kind=options.TEXT,
        nni=("experimentName",),
        commands=AT_THE_START,
    )
    tuner: str = setting(
        SEARCH,
        "auto",
        "--tuner",
        metavar="NAME",
        help="choose values with this algorithm, or with your own: path/to/file.py:Class",
        kind=options.TEXT,
        commands=AT_THE_START,
    )
    tuner_args: Mapping[str, JSON] = setting(
        SEARCH,
        {},
        "--tuner-args",
        metavar="K=V",
        help="pass arguments to the tuner",
        default_help="its own defaults",
        kind=options.ARGUMENTS,
        repeats=True,
        commands=AT_THE_START,
    )
    assessor: str = setting(
        SEARCH,
        "",
        "--assessor",
        metavar="NAME",
        help="stop unpromising trials early with this algorithm",
        default_help="none",
        kind=options.TEXT,
        commands=AT_THE_START,
    )
    assessor_args: Mapping[str, JSON] = setting(
        SEARCH,
        {},
        "--assessor-args",
        metavar="K=V",
        help="pass arguments to the assessor",
        default_help="its own defaults",
        kind=options.ARGUMENTS,
        repeats=True,
        commands=AT_THE_START,
    )
    maximize: bool = setting(
        SEARCH,
        True,
        switches=(
            Switch(
                "--maximize",
                True,
                "a higher result is better",
                "default: depends on the result's name",
            ),
            Switch("--minimize", False, "a lower result is better"),
        ),
        commands=AT_THE_START,
    )
    seed: int = setting(
        SEARCH,
        0,
        "--seed",
        metavar="N",
        help="seed the tuner, to repeat a search",
        default_help="random",
        kind=options.WHOLE,
        check=options.not_negative,
        commands=AT_THE_START,
    )
    max_trials: int | None = setting(
        LIMITS,
        None,
        "--max-trials",
        metavar="N",
        help="stop after N trials, the baseline included",
        default_help="none",
        kind=options.WHOLE,
        check=options.at_least_one,
        nni=("maxTrialNum", "maxTrialNumber"),
    )
    max_duration: float | None = setting(
        LIMITS,
        None,
        "--max-duration",
        metavar="TIME",
        help="stop the experiment after TIME, e.g. 90s, 10m, 1h",
        default_help="none",
        kind=options.DURATION,
        check=options.above_zero,
        nni=("maxExecDuration", "maxExperimentDuration"),
    )
    concurrency: int | Auto = setting(
        RUNNING,
        1,
        "--concurrency",
        metavar="K",
        help="run K trials at a time, or auto: as many as fit on the GPUs or CPU cores",
        kind=options.WHOLE_OR_AUTO,
        check=options.at_least_one,
        nni=("trialConcurrency",),
    )
    executor: str = setting(
        RUNNING,
        "local",
        "--executor",
        metavar="NAME",
        help="run trials on this machine (local), those of --hosts (ssh), in jobs (slurm) or on a"
        " cluster (ray)",
        kind=options.TEXT,
        check=options.one_of("local", "ssh", "slurm", "ray"),
        commands=AT_THE_START,
    )
    hosts: str = setting(
        RUNNING,
        "",
        "--hosts",
        metavar="HOST,...",
        help="run trials on these machines: user@host:port*N, which runs N trials at a time",
        default_help="this machine",
        kind=options.TEXT,
    )
    slurm: str = setting(
        RUNNING,
        "",
        "--slurm",
        metavar="K=V,...",
        help="run each trial in a job of Slurm with these options of sbatch, or, with pilots=N, in"
        " N jobs that stay",
        default_help="none",
        kind=options.TEXT,
        commands=AT_THE_START,
    )
    ray: str = setting(
        RUNNING,
        "",
        "--ray",
        metavar="ADDRESS,K=N,...",
        help="run trials on a Ray cluster: auto (this machine's), local (start one) or HOST:PORT,"
        " with what each trial needs, such as cpus=2,gpus=0.5",
        default_help="none; cpus=1",
        kind=options.TEXT,
        commands=AT_THE_START,
    )
    baseline: bool = setting(
        SEARCH,
        True,
        switches=(
            Switch("--no-baseline", False, "do not run the unchanged script as trial 0"),
            Switch("--baseline", True, "run it as trial 0", "default; with --config: off"),
        ),
        commands=AT_THE_START,
    )
    trial_timeout: float | None = setting(
        LIMITS,
        None,
        "--trial-timeout",
        metavar="TIME",
        help="stop a trial that runs longer than TIME",
        default_help="none",
        kind=options.DURATION,
        check=options.above_zero,
        nni=("maxTrialDuration",),
    )
    stall_timeout: float | None = setting(
        LIMITS,
        None,
        "--stall-timeout",
        metavar="TIME",
        help="stop a trial that reports nothing for TIME",
        default_help="none",
        kind=options.DURATION,
        check=options.above_zero,
    )
    ask_timeout: float | None = setting(
        LIMITS,
        None,
        "--ask-timeout",
        metavar="TIME",
        help="stop the experiment if a call of your own tuner or assessor takes longer than TIME",
        default_help="no limit",
        kind=options.DURATION,
        check=options.above_zero,
    )
    max_failures: int | None = setting(
        LIMITS,
        3,
        "--max-failures",
        metavar="N",
        help="stop the experiment if its first N trials all fail",
        default_help="3; with --config: none",
        kind=options.WHOLE,
        optional=True,
        check=options.at_least_one,
        nni=("maxTrialFailures",),
    )
    retries: int = setting(
        LIMITS,
        0,
        "--retries",
        metavar="N",
        help="rerun a failed trial up to N times with the same values",
        kind=options.WHOLE,
        check=options.not_negative,
    )
    memory: int | None = setting(
        LIMITS,
        None,
        "--memory",
        metavar="SIZE",
        help="stop a trial that uses more memory than SIZE, e.g. 4GiB, 500MB",
        default_help="none",
        kind=options.MEMORY,
        check=options.at_least_one,
    )
    fresh_process: bool = setting(
        RUNNING,
        False,
        switches=(
            Switch(
                "--fresh-process",
                True,
                "start a new interpreter for each trial instead of forking one that has the"
                " libraries loaded",
            ),
            Switch("--no-fresh-process", False, "fork trials where that is safe", "default"),
        ),
    )
    isolate: bool = setting(
        RUNNING,
        False,
        switches=(
            Switch(
                "--isolate",
                True,
                "give each trial its own view of the working folder; what it writes there is kept"
                " in its output folder",
            ),
            Switch("--no-isolate", False, "trials share the working folder", "default"),
        ),
        nni=("isolate",),
    )
    env: Mapping[str, str | None] = setting(
        RUNNING,
        {},
        "--env",
        metavar="NAME[=VALUE]",
        help="set a variable for trials, here or on other machines; without a value, it is yours"
        " whenever the experiment starts or resumes, and is not stored",
        default_help="none",
        kind=options.VARIABLES,
        appends=True,
    )
    gpus: int | None = setting(
        GPUS,
        None,
        "--gpus",
        metavar="N",
        help="reserve N GPUs for each trial; 0 hides all GPUs from trials",
        default_help="trials see your GPUs and share them",
        kind=options.WHOLE,
        check=options.not_negative,
        nni=("trial.gpuNum", "trialGpuNumber", "trainingService.trialGpuNumber"),
    )
    gpu_indices: tuple[str, ...] = setting(
        GPUS,
        (),
        "--gpu-indices",
        metavar="I,J",
        help="use only these GPUs, numbered as in nvidia-smi; 0:1 is MIG instance 1 of GPU 0",
        default_help="all",
        kind=options.GPUS,
        check=options.gpu_numbers,
        nni=("localConfig.gpuIndices", "trainingService.gpuIndices"),
    )
    trials_per_gpu: int | Auto = setting(
        GPUS,
        1,
        "--trials-per-gpu",
        metavar="N",
        help="let N trials share a GPU, or auto: as many as fit, judging by measured use",
        kind=options.WHOLE_OR_AUTO,
        check=options.at_least_one,
        nni=("localConfig.maxTrialNumPerGpu", "trainingService.maxTrialNumberPerGpu"),
    )
    use_active_gpu: bool = setting(
        GPUS,
        False,
        switches=(
            Switch("--use-active-gpu", True, "also use GPUs that other programs are using"),
            Switch("--no-use-active-gpu", False, "use only GPUs that nobody is using", "default"),
        ),
        nni=("localConfig.useActiveGpu", "trainingService.useActiveGpu"),
    )
    command: str = ""
    module: str = ""
    python_there: str = ""
    machines: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    logins_file: str = ""
    background: bool = False
    metric_name: str = ""
    optimize_by: str = ""

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise AnnotateError("\n".join(problems))

    def _problems(self) -> Iterator[str]:
        for name, option in OPTIONS.items():
            if problem := option.check(getattr(self, name)):
                yield f"{option.flags[0]} {problem}"

    def on_machine(self, name: str) -> Config:
        """The settings of trials on this host: a config file may have settings of its GPUs."""
        about = self.machines.get(name, {})
        changes = {key: about[key] for key in MACHINE_SETTINGS if key in about}
        if "gpu_indices" in changes:
            changes["gpu_indices"] = tuple(changes["gpu_indices"])
        return replace(self, **changes)

    @property
    def leases_gpus(self) -> bool:
        """Whether we lease GPUs to trials; Slurm and Ray give theirs to jobs themselves."""
        return bool(self.gpus) and self.executor in ("local", "ssh")

    @property
    def needs_gpus(self) -> list[str]:
        """The settings that have no effect because no GPU is reserved, by field."""
        changed = [n for n in MACHINE_SETTINGS if getattr(self, n) != OPTIONS[n].default]
        return [] if self.gpus else changed

    @property
    def optimize(self) -> str:
        return "maximize" if self.maximize else "minimize"

    @property
    def metric(self) -> str:
        """What the results are called, for users: the metric's name, or "result"."""
        return self.metric_name or "result"

    @property
    def shown(self) -> str:
        """What trials run, as shown to users: the script, or the command."""
        return self.command or (f"-m {self.module}" if self.module else self.script)

    @property
    def path(self) -> Path:
        """The script's absolute path."""
        return Path(self.cwd, self.script)

    @property
    def entry(self) -> Path:
        """The folder in which the script finds its own modules first."""
        return Path(self.cwd) if self.module else self.path.parent

    @classmethod
    def new(cls, settings: Settings) -> Config:
        """The Config of a new experiment. Raises AnnotateError with everything that is wrong.

        The default name is that of the script or folder; the default seed is the tuner's own, if
        its arguments have one, or else random.
        """
        name = settings.get("name") or Path(settings["script"] or settings["cwd"]).stem
        seed = settings.get("tuner_args", {}).get("seed")
        if type(seed) is not int or seed < 0:  # absent, or a mistake that the tuner reports
            seed = secrets.randbelow(2**31)
        return cls(**{"seed": seed, **settings, "name": name})

    def to_json(self) -> dict[str, JSON]:
        return asdict(self)

    @classmethod
    def from_json(cls, config: Mapping[str, JSON]) -> Config:
        """The Config that `to_json` wrote, in this version or an earlier one.

        Raises AnnotateError for anything else.
        """
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in config.items() if key in known}
        lists = {name: tuple(values.get(name) or ()) for name in ("arguments", "gpu_indices")}
        # Before 0.2.0 `auto` was a flag of its own for one setting, and null for another.
        if config.get("auto_concurrency"):
            values["concurrency"] = AUTO
        if "trials_per_gpu" in values and values["trials_per_gpu"] is None:
            values["trials_per_gpu"] = AUTO
        if missing := [name for name in ("script", "cwd", "python") if name not in values]:
            raise AnnotateError(f"the settings have no {missing[0]}")
        texts = [f.name for f in fields(cls) if f.type == "str"]
        if wrong := [name for name in texts if not isinstance(values.get(name, ""), str)]:
            raise AnnotateError(f"the setting {wrong[0]} is not text")
        try:
            return cls(**values | lists)
        except (TypeError, ValueError, AttributeError) as error:
            raise AnnotateError(f"the settings cannot be read: {error}") from None


#: Every setting, by Config's field.
OPTIONS: Mapping[str, Option] = {
    f.name: f.metadata["option"] for f in fields(Config) if "option" in f.metadata
}
