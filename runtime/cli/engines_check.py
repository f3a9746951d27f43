"""Look at the machines that trials would run on: can they be used, and what do they have?

  annotate engines check --hosts alpha,me@beta:2222
  annotate engines check --ray auto,cpus=2,gpus=1
  annotate engines check --slurm partition=gpu,time=60 --run-job
  annotate engines check -c config.yml

Nothing is left there. Exits with 2 if a machine cannot be used, or no node of a cluster."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.cli import engines_ray, engines_slurm, machine_facts, machines, terminal

if TYPE_CHECKING:
    from runtime.driver.elsewhere import Look


def arguments(parser: argparse.ArgumentParser) -> None:
    machines.arguments(parser)
    parser.add_argument(
        "--run-job", action="store_true", help="with Slurm: look at a node, by a short job there"
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

    hosts, jobs, cluster = machines.named(args), machines.jobs(args), machines.cluster(args)
    if cluster is not None:
        return engines_ray.documents(cluster, args.python)
    if jobs is not None:
        request, python = jobs
        return [engines_slurm.document(request.options, python, run_job=args.run_job)]
    if args.run_job:
        raise AnnotateError(
            "--run-job has no effect without Slurm", hint="add --slurm, or remove it"
        )
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
    return {
        "machine": look.host.name,
        "usable": True,
        "trials_at_a_time": look.host.slots,
        "connected_in": round(look.seen.connecting, 3),
        "answered_in": round(look.seen.answering, 3),
        **machine_facts.chosen(look.seen.facts),
    }


def shown(document: dict[str, JSON]) -> str:
    """One machine or engine, as printed."""
    if "resources" in document:
        return engines_ray.shown(document)
    if "slurm" in document:
        return engines_slurm.shown(document)
    if not document["usable"]:
        hint = f"\n  to mend it     {document['hint']}" if document["hint"] else ""
        return f"{document['machine']}: cannot be used\n  reason         {document['reason']}{hint}"
    rows = {
        "computer": f"{document['host']}, {document['system']}",
        "connected in": f"{document['connected_in']:.2f} s; Python answered in "
        f"{document['answered_in']:.2f} s",
        **machine_facts.rows(document),
    }
    return "\n".join([f"{document['machine']}: ready", *machine_facts.lines(rows)])
