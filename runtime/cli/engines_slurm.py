"""Slurm, as `annotate engines check` shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from annotate.json_value import JSON
from runtime.cli import machine_facts
from runtime.system.units import duration

if TYPE_CHECKING:
    from runtime.executors.slurm.look import Look


def document(options: Sequence[str], python: str, *, run_job: bool) -> dict[str, JSON]:
    """What was seen of Slurm and, in a short job with these options, of a node."""
    from runtime.executors.slurm.commands import SlurmFailed
    from runtime.executors.slurm.look import look

    try:
        return _document(asyncio.run(look(options, python, run_job=run_job)))
    except SlurmFailed as error:
        hint = "run this where Slurm's programs are on the PATH and its controller answers"
        return {
            "machine": "Slurm",
            "slurm": None,
            "usable": False,
            "reason": str(error),
            "hint": hint,
        }


def _document(look: Look) -> dict[str, JSON]:
    about: dict[str, JSON] = {
        "machine": "Slurm",
        "slurm": look.version,
        "usable": not look.reason,
        "answered_in": round(look.answered, 3),
        "nodes_out": list(look.out),
    }
    if look.start is not None:
        about["start"] = {"time": look.start.when, "nodes": look.start.nodes}
    if look.partition is not None:
        about |= {
            "partition": look.partition.name,
            "time_limit": look.partition.limit,
            "nodes": dict(look.partition.nodes),
            "gres": list(look.partition.gres),
        }
    if look.reason:
        about |= {"reason": look.reason, "hint": look.hint}
    if look.seen is not None:
        about["job"] = {
            **machine_facts.chosen(look.seen.facts),
            "answered_in": round(look.seen.answering, 3),
            "shares_folder": look.shares,
        }
    return about


def shown(document: dict[str, JSON]) -> str:
    """The document, as printed."""
    return "\n".join([_title(document), *machine_facts.lines(_rows(document))])


def _title(document: dict[str, JSON]) -> str:
    return f"Slurm: {'ready' if document['usable'] else 'cannot be used'}"


def _rows(document: dict[str, JSON]) -> dict[str, JSON]:
    rows: dict[str, JSON] = {}
    if document["slurm"] is not None:
        rows["version"] = f"{document['slurm']}; answered in {document['answered_in']:.2f} s"
    if "partition" in document:
        rows["partition"] = f"{document['partition']}, time limit {document['time_limit']}"
        nodes = (f"{count} {state}" for state, count in document["nodes"].items())
        rows["nodes"] = ", ".join(nodes)
        rows["with each"] = "; ".join(document["gres"]) or "no GPUs or other gres"
    if document.get("nodes_out"):
        rows["out of service"] = "\n                 ".join(document["nodes_out"])
    if not document["usable"]:
        rows["reason"] = document["reason"]
        if document["hint"]:
            rows["to mend it"] = document["hint"]
    elif "start" in document:
        wait = document["start"]["time"] - time.time()
        when = "at once" if wait < 5 else f"in {duration(wait)}"
        rows["a job"] = f"would start {when} on {document['start']['nodes']}"
    return {**rows, **_job_rows(document)}


def _job_rows(document: dict[str, JSON]) -> dict[str, JSON]:
    if "job" not in document:
        look = "not looked at; --run-job runs a short job there"
        return {"in a job": look} if document["usable"] else {}
    job = document["job"]
    shares = "is the same there" if job["shares_folder"] else "is not there; code and data are sent"
    visible = {} if job["visible"] is None else {"CUDA devices": job["visible"]}
    return {
        "in a job": f"{job['host']}, {job['system']}",
        "began in": f"{job['answered_in']:.2f} s, with its time in the queue",
        **machine_facts.rows(job),
        **visible,
        "this folder": shares,
    }
