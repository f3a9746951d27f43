"""Finding out, before anything starts, whether the GPUs asked for are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.gpus.device import View
from runtime.gpus.locks import Locks
from runtime.gpus.nvml import NoNvml, Nvml
from runtime.gpus.world import World, world


@dataclass(frozen=True, slots=True)
class Gpus:
    """The machine's GPUs, those of them to be used, and the locks on them."""

    nvml: Nvml
    view: View
    world: World
    locks: Locks


def open_gpus(config: Config, environment: Mapping[str, str]) -> Gpus | None:
    """None where trials lease none; NVML is not loaded then.

    Raises AnnotateError where there are fewer than a trial needs.
    """
    if not config.gpus:
        return None
    try:
        nvml = Nvml()
    except NoNvml as error:
        raise AnnotateError(
            f"--gpus {config.gpus}: {error}",
            hint="nvidia-smi shows whether the driver works; without --gpus, trials see whatever "
            "GPUs you see and nobody leases them",
        ) from None
    view = nvml.first_view()
    return Gpus(nvml, view, world(config, view, environment), Locks())
