"""What an agent knows about its machine, as users see it."""

from __future__ import annotations

from collections.abc import Mapping

from annotate.json_value import JSON

_CHOSEN = ("host", "system", "python", "version", "cores", "memory", "free", "folder")


def chosen(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    """Those of an agent's facts that are for users."""
    return {**of_computer(facts), **_gpus(facts["gpus"])}


def of_computer(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    """The same without GPUs."""
    return {name: facts[name] for name in _CHOSEN}


def rows(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    """What trials would see on the machine, by label."""
    gpus = {f"GPU {gpu['gpu']}": _gpu(gpu) for gpu in facts["gpus"]}
    return {**computer_rows(facts), **(gpus or {"GPUs": f"none{_because(facts['no_gpus'])}"})}


def computer_rows(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    """The same without GPUs."""
    return {
        "Python": f"{facts['version']}, {facts['python']}",
        "CPU cores": facts["cores"],
        "memory": _gib(facts["memory"]),
        "free disk": f"{_gib(facts['free'])} in {facts['folder']}",
    }


def lines(labelled: Mapping[str, JSON]) -> list[str]:
    """Rows as printed below a machine's name."""
    return [f"  {name:<13}  {value}" for name, value in labelled.items()]


def _gpus(seen: dict[str, JSON]) -> dict[str, JSON]:
    """The machine's GPUs, memory in bytes; which a trial sees, or why that is not known."""
    from runtime.gpus.world import visible
    from runtime.stage.agent.gpus.device import View

    if seen["unusable"]:
        return {"gpus": [], "no_gpus": seen["unusable"], "visible": seen["visible"]}
    devices = View.from_json(seen["view"]).devices
    shown = visible(devices, seen["visible"])
    gpus = [
        {
            "gpu": device.label,
            "name": device.name,
            "uuid": device.uuid,
            "memory": device.total,
            "used": device.used,
            "processes": len(device.processes),
            "trouble": device.trouble,
            "seen_by_trials": device in shown,
        }
        for device in devices
    ]
    return {"gpus": gpus, "no_gpus": "", "visible": seen["visible"]}


def _gpu(gpu: dict[str, JSON]) -> str:
    """One GPU, as printed."""
    parts = [gpu["name"], f"{_gib(gpu['memory'] - gpu['used'])} of {_gib(gpu['memory'])} free"]
    if gpu["processes"]:
        processes = "1 process" if gpu["processes"] == 1 else f"{gpu['processes']} processes"
        parts.append(f"in use by {processes}")
    if gpu["trouble"]:
        parts = [gpu["name"], gpu["trouble"]]
    if not gpu["seen_by_trials"]:
        parts.append("hidden from trials by CUDA_VISIBLE_DEVICES")
    return ", ".join(parts)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _gib(size: JSON) -> str:
    return f"{size / (1 << 30):.1f} GiB"
