"""Compare two trials, or a trial and the current source.

  annotate diff EXPERIMENT          the best trial and the source
  annotate diff EXPERIMENT 7        trial 7 and the source
  annotate diff EXPERIMENT 0 7      trials 0 and 7

EXPERIMENT is an id, or a script: then it is the newest experiment that ran this very file. Without
EXPERIMENT, it is the newest of the current folder. Prints both values of each parameter, what
changed in annotations and code, and a diff of the sources. A trial's source is the one that it ran,
with the trial's values written into it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.cli.diffs import print_bytes, unified

if TYPE_CHECKING:
    from annotate.compare import File
    from runtime.core.trial import Trial
    from runtime.kept.review import Difference, Past

_SOURCE = "source"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "experiment",
        nargs="?",
        metavar="EXPERIMENT",
        help="the experiment's id or a prefix of it, or its script",
    )
    parser.add_argument(
        "a", nargs="?", metavar="A", help="a trial's number (default: the best one)"
    )
    parser.add_argument("b", nargs="?", metavar="B", help="a trial's number (default: the source)")
    parser.add_argument("--script", type=Path, metavar="SCRIPT", help="the script, if it has moved")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def run(args: argparse.Namespace) -> int:
    from runtime.kept.review import between, look_back, since

    words = [word for word in (args.experiment, args.a, args.b) if word is not None]
    # An id begins with a letter, so a number is a trial of the newest experiment.
    named = words.pop(0) if words and not words[0].isdecimal() else None
    experiment, script = selection.by_id_or_file(named, None)
    past = look_back(experiment, script or args.script)
    if len(words) > 2:
        raise AnnotateError(f"diff compares two trials, got {len(words)}")
    a = past.trial(_number(words[0]) if words else None)
    b = past.trial(_number(words[1])) if words[1:] and words[1] != _SOURCE else None
    difference = between(past, a, b) if b else since(past, a, past.root(script or args.script))
    if args.json:
        terminal.show(json.dumps(_document(past, a, b, difference), indent=2))
        return 0
    if past.remark:
        terminal.say(f"annotate: {past.remark}")
    _print_rows(a, b, difference, past.config.metric)
    for file in difference.files:
        terminal.show(f"{file.path}: {_changes(file)}")
    for file in difference.files:
        terminal.show()
        print_bytes(_diff(a, b, file))
    return 0


def _number(text: str) -> int:
    if not text.isdecimal():
        raise AnnotateError(f"{text!r} is not a trial number")
    return int(text)


def _name(trial: Trial | None) -> str:
    return f"trial {trial.number}" if trial else _SOURCE


def _diff(a: Trial, b: Trial | None, file: File) -> bytes:
    before, after = (f"{file.path} ({_name(side)})" for side in (a, b))
    return unified(before, after, file.a, file.b)


def _changes(file: File) -> str:
    parts = [("code", file.code), ("annotations", file.annotations)]
    return " and ".join([part for part, changed in parts if changed] or ["values"]) + " differ"


def _print_rows(a: Trial, b: Trial | None, difference: Difference, metric: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from runtime.cli.text import number

    table = Table(box=SIMPLE_HEAD)
    for column in ("", "name", _name(a), _name(b), ""):
        table.add_column(column, overflow="fold")
    for row in difference.rows:
        mark = "*" if row.differs else ""
        sides = map(_side, (row.a, row.b), row.laws)
        table.add_row(*map(terminal.cell, (mark, row.name, *sides, row.remark)))
    results = [number(t.metric) if t and t.metric is not None else "" for t in (a, b)]
    if any(row.name == metric for row in difference.rows):
        metric = f"{metric} (result)"
    table.add_row("", terminal.cell(metric), *results, "", style="dim")
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def _side(code: str | None, law: str) -> str:
    text = "" if code is None else " ".join(code.split())
    return f"{text} ({law})" if law else text


def _document(past: Past, a: Trial, b: Trial | None, difference: Difference) -> dict[str, object]:
    from runtime.core.metrics import finite

    return {
        "experiment": past.folder.id,
        "a": a.number,
        "b": b.number if b else _SOURCE,
        "results": [finite(trial.metric) if trial else None for trial in (a, b)],
        "parameters": [
            {
                "key": row.key,
                "name": row.name,
                "where": row.where,
                "a": row.a,
                "b": row.b,
                "laws": list(row.laws),
                "differs": row.differs,
                "remark": row.remark,
            }
            for row in difference.rows
        ],
        "files": [
            {
                "path": str(file.path),
                "code": file.code,
                "annotations": file.annotations,
                "diff": _diff(a, b, file).decode("utf-8", errors="replace"),
            }
            for file in difference.files
        ],
    }
