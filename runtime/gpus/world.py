"""The GPUs that an experiment may use: those in CUDA_VISIBLE_DEVICES that --gpu-indices names."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.stage.agent.gpus.device import Device, View

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class World:
    """The usable GPUs. `names` maps UUIDs to the words for a trial's CUDA_VISIBLE_DEVICES.

    Such a word is the UUID, or a number if the user's own CUDA_VISIBLE_DEVICES has numbers.
    `silent` are GPUs that have not even reported a UUID.
    """

    names: Mapping[str, str]
    silent: tuple[Device, ...] = ()

    def environment(self, uuids: Sequence[str]) -> dict[str, str]:
        """Variables that make only these GPUs visible to a process."""
        shown = ",".join(self.names[uuid] for uuid in uuids)
        return {VISIBLE: shown, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


NOTHING = {VISIBLE: "-1"}


def world(config: Config, view: View, environment: Mapping[str, str]) -> World:
    """The GPUs in `view` that `config` and the user's `environment` allow.

    Raises AnnotateError if they are fewer than a trial needs, or do not work.
    """
    shown = visible(view.devices, environment.get(VISIBLE))
    chosen = _chosen(config.gpu_indices, shown, view.devices)
    _check(config, list(chosen), view, environment.get(VISIBLE))
    names = {device.uuid: name for device, name in chosen.items() if device.uuid}
    return World(names, tuple(device for device in chosen if not device.uuid))


def _check(config: Config, devices: list[Device], view: View, visible: str | None) -> None:
    needed = config.gpus or 0
    if needed > len(devices):
        count, within, hint = len(view.devices), "", []
        if visible is not None:
            within = f", of which {VISIBLE}={shlex.quote(visible)} shows {len(devices)}"
            hint.append(f"unset {VISIBLE}, or add GPUs to it")
        if config.gpu_indices:
            within = f"; --gpu-indices {','.join(config.gpu_indices)} leaves {len(devices)}"
        hint += [f"GPU {d.label} is {d.name}" for d in view.devices]
        hint += (
            [] if count else ["a container sees only GPUs that it was started with (--gpus all)"]
        )
        raise AnnotateError(
            f"--gpus {needed}: a trial needs {needed}, this machine has {count}{within}",
            hint="; ".join(hint),
        )
    if needed > 1 and any(device.mig for device in devices):
        raise AnnotateError(
            f"--gpus {needed}: CUDA allows a process only one MIG instance",
            hint="use --gpus 1, or choose whole cards with --gpu-indices",
        )
    broken = [device for device in devices if device.trouble]
    if needed > len(devices) - len(broken):
        raise AnnotateError(
            f"--gpus {needed}: only {len(devices) - len(broken)} of {len(devices)} work",
            hint="; ".join(f"GPU {d.label} {d.trouble}" for d in broken),
        )


def visible(devices: Sequence[Device], words: str | None) -> dict[Device, str]:
    """The GPUs that CUDA would show with this CUDA_VISIBLE_DEVICES, and their words.

    Like CUDA, ignores everything from the first invalid word on, and shows nothing if a GPU is
    named twice.
    """
    if words is None:
        return {device: device.uuid for device in devices}
    names: dict[Device, str] = {}
    for word in words.split(","):
        matches = _named(word.strip(), devices)
        if not matches:
            break
        if matches[0] in names:
            return {}
        # A card's number does not select one of its MIG instances, so use their UUIDs.
        name = word.strip() if not matches[0].mig else ""
        names.update((device, name or device.uuid) for device in matches)
    return names


def _named(word: str, devices: Sequence[Device]) -> list[Device]:
    if word.isdecimal():
        return [device for device in devices if device.card == word]
    if not word.startswith(("GPU-", "MIG-")):
        return []
    matches = [device for device in devices if device.uuid.startswith(word)]
    return matches if len(matches) == 1 else []


def _chosen(
    indices: Sequence[str], visible: Mapping[Device, str], devices: Sequence[Device]
) -> dict[Device, str]:
    if not indices:
        return dict(visible)
    mistakes = list(_mistakes(indices, visible, devices))
    if mistakes:
        raise AnnotateError("\n".join(mistakes), hint="nvidia-smi -L lists the GPUs")
    return {d: name for d, name in visible.items() if d.label in indices or d.card in indices}


def _mistakes(
    indices: Sequence[str], visible: Mapping[Device, str], devices: Sequence[Device]
) -> Iterator[str]:
    for index in indices:
        if not any(index in (device.label, device.card) for device in devices):
            labels = ", ".join(device.label for device in devices) or "none"
            yield f"--gpu-indices: there is no GPU {index} (GPUs: {labels})"
        elif not any(index in (device.label, device.card) for device in visible):
            yield f"--gpu-indices: GPU {index} is not in {VISIBLE}"
