"""List an experiment's trials. Without ID: the running experiment, else the newest."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping

from annotate.json_value import JSON
from runtime.cli import options, selection, terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    selection.argument(parser)
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        "--head", type=options.count, metavar="N", help="only the N highest results, highest first"
    )
    part.add_argument(
        "--tail", type=options.count, metavar="N", help="only the N lowest results, lowest first"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    from runtime.core.config import Config
    from runtime.kept import lookup
    from runtime.kept.documents import trial_documents
    from runtime.store import Store

    folder, notice = lookup.find(args.id)
    with Store.open(folder.store) as store:
        trials, row = trial_documents(store), store.experiment()
    trials = _part(trials, args.head, args.tail)
    if args.json:
        terminal.show(json.dumps(trials, indent=2))
        return 0
    if notice:
        terminal.say(notice)
    _print_table(trials, row.space.names, Config.from_json(row.config).metric)
    return 0


def _part(
    trials: list[dict[str, JSON]], head: int | None, tail: int | None
) -> list[dict[str, JSON]]:
    """The trials with the `head` highest or the `tail` lowest results; all without both."""
    if head is None and tail is None:
        return trials
    numbered = [t for t in trials if isinstance(t["metric"], (int, float))]
    ranked = sorted(numbered, key=lambda t: t["metric"], reverse=head is not None)
    return ranked[: head if head is not None else tail]


def _print_table(trials: list[dict[str, JSON]], names: Mapping[str, str], metric: str) -> None:
    from runtime.cli.table import Heading, show_table
    from runtime.cli.text import number, values_line
    from runtime.system.units import duration

    def result(trial: Mapping[str, JSON]) -> str:
        return "" if trial["metric"] is None else number(trial["metric"])

    def took(trial: Mapping[str, JSON]) -> str:
        return "" if trial["seconds"] is None else duration(trial["seconds"])

    has_machines = any(trial["machine"] is not None for trial in trials)
    has_gpus = any(trial["gpu"] is not None for trial in trials)
    columns: list[tuple[Heading, Callable[[Mapping[str, JSON]], str]]] = [
        (Heading("trial", right=True), lambda t: str(t["number"])),
        (Heading("id"), lambda t: str(t["id"])),
        (Heading("state"), lambda t: str(t["state"])),
        (Heading(metric, right=True), result),
        (Heading("time", right=True), took),
        *([(Heading("machine"), lambda t: str(t["machine"] or ""))] if has_machines else []),
        *([(Heading("GPU"), lambda t: _gpu(t["gpu"]))] if has_gpus else []),
        (Heading("values", fold=True), lambda t: values_line(t["values"], names)),
        (Heading("reason", fold=True), _reason),
    ]
    rows = [[cell(trial) for _, cell in columns] for trial in trials]
    show_table([heading for heading, _ in columns], rows)


def _gpu(use: JSON) -> str:
    from runtime.cli.text import gpu_line
    from runtime.core.trial import GpuUse

    return gpu_line(use and GpuUse.from_json(use))


def _reason(trial: Mapping[str, JSON]) -> str:
    """Why the trial waits or ended, and how often it failed if it was retried."""
    from runtime.system.units import count

    failures = trial["retries"] + (trial["state"] == "FAILED")
    times = f"(failed {count(failures, 'time')})" if trial["retries"] else ""
    waits = "until a slot is free" if trial["state"] == "WAITING" else None
    return " ".join(filter(None, [trial["reason"] or waits, times]))
