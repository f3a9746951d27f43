"""What an experiment was asked to do, checked once and then frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from annotate.errors import AnnotateError
from annotate.json_value import JSON


@dataclass(frozen=True, slots=True)
class Config:
    """One experiment. Durations are seconds, None where there is no limit.

    `script` and `arguments` are as the user typed them, to be run in the folder `cwd` by the
    interpreter `python`. `max_trials` counts the baseline. `max_failures` is how many trials may
    fail before the first one succeeds, `retries` how often each may run again after it failed.
    `memory` is the most bytes that one may use. `tuner` and `assessor` are algorithms' names, or
    what `runtime.custom.reference` made of a class of the user's own; an empty `assessor` means
    that no trial is stopped early, unless the tuner does it.

    With a `command`, trials are that line, run by a shell in `cwd`, and `script` is empty.
    `background` says that the driver was started without a terminal of its own.

    `gpus` is how many GPUs each trial leases: None leaves the trials what the driver's environment
    shows, 0 shows them none. `gpu_indices` are those that may be used, as nvidia-smi numbers them
    (`0`, or `0:1` for one instance of GPU 0), empty for all. `trials_per_gpu` None means as many as
    measurements say. With `auto_concurrency`, as many trials run as the GPUs (without leases, the
    processor's cores) have room for, and `concurrency` says nothing.
    """

    script: str
    cwd: str
    python: str
    arguments: tuple[str, ...] = ()
    name: str = ""
    tuner: str = "auto"
    tuner_args: Mapping[str, JSON] = field(default_factory=dict)
    assessor: str = ""
    assessor_args: Mapping[str, JSON] = field(default_factory=dict)
    maximize: bool = True
    seed: int = 0
    max_trials: int | None = None
    max_duration: float | None = None
    concurrency: int = 1
    baseline: bool = True
    trial_timeout: float | None = None
    stall_timeout: float | None = None
    max_failures: int = 3
    retries: int = 0
    memory: int | None = None
    fresh_process: bool = False
    gpus: int | None = None
    gpu_indices: tuple[str, ...] = ()
    trials_per_gpu: int | None = 1
    use_active_gpu: bool = False
    auto_concurrency: bool = False
    command: str = ""
    background: bool = False

    def __post_init__(self) -> None:
        mistakes = [*self._counts(), *self._durations()]
        if self.gpus is not None and self.gpus < 0:
            mistakes.append(f"--gpus must not be negative, it is {self.gpus}")
        for name in ("seed", "retries"):
            if getattr(self, name) < 0:
                mistakes.append(f"--{name} must not be negative, it is {getattr(self, name)}")
        if mistakes:
            raise AnnotateError("\n".join(mistakes))

    def _counts(self) -> Iterator[str]:
        for name in ("max_trials", "concurrency", "max_failures", "trials_per_gpu", "memory"):
            count = getattr(self, name)
            if count is not None and count < 1:
                yield f"{_option(name)} must be at least 1, not {count}"

    def _durations(self) -> Iterator[str]:
        for name in ("max_duration", "trial_timeout", "stall_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and seconds <= 0:
                yield f"{_option(name)} must be above 0, not {seconds:g}"

    @property
    def without_lease(self) -> list[str]:
        """The options about leases that do nothing, as there are none."""
        given = {
            "--gpu-indices": bool(self.gpu_indices),
            "--trials-per-gpu": self.trials_per_gpu != 1,
            "--use-active-gpu": self.use_active_gpu,
        }
        return [] if self.gpus else [name for name, is_given in given.items() if is_given]

    @property
    def optimize(self) -> str:
        return "maximize" if self.maximize else "minimize"

    @property
    def shown(self) -> str:
        """What is run, for people: the script, or the command."""
        return self.command or self.script

    @property
    def path(self) -> Path:
        """The script's whole path."""
        return Path(self.cwd, self.script)

    def to_json(self) -> dict[str, JSON]:
        return asdict(self)

    @classmethod
    def from_json(cls, config: Mapping[str, JSON]) -> Config:
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in config.items() if key in known}
        lists = {name: tuple(values.get(name, ())) for name in ("arguments", "gpu_indices")}
        return cls(**values | lists)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
