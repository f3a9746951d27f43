"""Look at the machines that trials would run on: can they be used, and what do they have?

  annotate engines check --hosts alpha,me@beta:2222
  annotate engines check --ray auto,cpus=2,gpus=1
  annotate engines check -c config.yml

Nothing is left there. Exits with 2 if a machine cannot be used, or no node of a cluster."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.cli import engines_ray, machines, terminal

if TYPE_CHECKING:
    from runtime.driver.elsewhere import Look


def arguments(parser: argparse.ArgumentParser) -> None:
    machines.arguments(parser)
    parser.add_argument(
        "--ray", metavar="ADDRESS,K=N,...", help="a Ray cluster, as for annotate run"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    documents = _documents(args)
    if args.json:
        terminal.show(json.dumps(documents, indent=2))
    else:
        terminal.show("\n\n".join(shown(document) for document in documents))
    usable = [document["usable"] for document in documents]
    # A cluster may have nodes for other work than trials.
    is_enough = any(usable) if "resources" in documents[0] else all(usable)
    return 0 if is_enough else 2


def _documents(args: argparse.Namespace) -> list[dict[str, JSON]]:
    from runtime.cli import logins
    from runtime.driver.elsewhere import look_at

    cluster = machines.cluster(args)
    if cluster is not None:
        return engines_ray.documents(cluster, args.python)
    hosts = machines.named(args)
    if not hosts:
        raise AnnotateError("no machine is named", hint="name some: --hosts alpha,me@beta")
    return [_document(look) for look in look_at(hosts, logins.asker(), gpus=True)]


def _document(look: Look) -> dict[str, JSON]:
    from runtime.executors.remote.carrier import Unreachable

    if isinstance(look.seen, Unreachable):
        return {
            "machine": look.host.name,
            "usable": False,
            "reason": str(look.seen),
            "hint": look.seen.hint,
        }
    facts = look.seen.facts
    return {
        "machine": look.host.name,
        "usable": True,
        "trials_at_a_time": look.host.slots,
        "connected_in": round(look.seen.connecting, 3),
        "answered_in": round(look.seen.answering, 3),
        **{name: facts[name] for name in ("host", "system", "python", "version")},
        **{name: facts[name] for name in ("cores", "memory", "free", "folder")},
        **_gpus(facts["gpus"]),
    }


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


def shown(document: dict[str, JSON]) -> str:
    """One machine, as printed."""
    if "resources" in document:
        return engines_ray.shown(document)
    if not document["usable"]:
        hint = f"\n  to mend it     {document['hint']}" if document["hint"] else ""
        return f"{document['machine']}: cannot be used\n  reason         {document['reason']}{hint}"
    rows = {
        "computer": f"{document['host']}, {document['system']}",
        "connected in": f"{document['connected_in']:.2f} s; Python answered in "
        f"{document['answered_in']:.2f} s",
        "Python": f"{document['version']}, {document['python']}",
        "CPU cores": document["cores"],
        "memory": _gib(document["memory"]),
        "free disk": f"{_gib(document['free'])} in {document['folder']}",
    }
    lines = [f"  {name:<13}  {value}" for name, value in rows.items()]
    gpus = [f"  {'GPU ' + gpu['gpu']:<13}  {_gpu(gpu)}" for gpu in document["gpus"]]
    gpus = gpus or [f"  GPUs           none{_because(document['no_gpus'])}"]
    return "\n".join([f"{document['machine']}: ready", *lines, *gpus])


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
