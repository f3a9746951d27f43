"""Opens the GPUs and checks, before the experiment starts, that there are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.gpus.locks import OwnLocks
from runtime.gpus.world import World, world
from runtime.stage.agent.gpus.device import View
from runtime.stage.agent.gpus.nvml import NoNvml, Nvml


@dataclass(frozen=True, slots=True)
class Gpus:
    """The machine's GPUs, those that the experiment may use, and their locks."""

    nvml: Nvml
    view: View
    world: World
    locks: OwnLocks


def open_gpus(config: Config, environment: Mapping[str, str]) -> Gpus | None:
    """Open NVML and the locks; None, without loading NVML, if trials lease no GPU of this machine.

    Raises AnnotateError if there are fewer GPUs than a trial needs.
    """
    if not config.gpus or config.executor != "local":
        return None
    try:
        nvml = Nvml()
    except NoNvml as error:
        raise AnnotateError(
            f"--gpus {config.gpus}: {error}",
            hint="check the driver with nvidia-smi; without --gpus, no GPU is leased and trials "
            "see the same GPUs as you",
        ) from None
    view = nvml.first_view()
    return Gpus(nvml, view, world(config, view, environment), OwnLocks())
