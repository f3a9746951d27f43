"""Propose annotations for the values of a script that look like hyper-parameters.

  annotate suggest train.py
  annotate suggest train.py --write

Prints each proposal with its reason, and a diff that `git apply` and `patch -p1` take. Nothing is
written without --write or --interactive, and then nothing but comments at the ends of lines."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli.diffs import git_diff, print_bytes

if TYPE_CHECKING:
    from annotate.suggest import Proposal, Suggestions

_SUFFIXES = ("", ".py", ".pyw", ".ipynb")
_KEYS = "[y]es, [n]o, [a]ll from here on, [q]uit"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a Python script or a notebook")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help="write the annotations into the file")
    how.add_argument(
        "--interactive", action="store_true", help="ask for each one, and write those taken"
    )
    how.add_argument("--json", action="store_true", help="list the proposals as one JSON document")


def run(args: argparse.Namespace) -> int:
    from annotate.formats import module_name
    from annotate.project import read_file
    from annotate.suggest import suggest

    path: Path = args.file
    if path.suffix not in _SUFFIXES:
        raise AnnotateError(f"{path} is no Python script")
    if args.interactive and not sys.stdin.isatty():
        hint = "take all with --write, or read them with --json"
        raise AnnotateError("--interactive asks on a terminal, and there is none", hint=hint)
    made = suggest(read_file(path), path=str(path), module=module_name(PurePosixPath(path.name)))
    if args.json:
        print(json.dumps(_document(path, made), indent=1))
        return 0
    if args.interactive:
        _write(path, made, _ask(made))
    else:
        print_bytes(b"".join(_line(made, one) for one in made.proposals))
        if args.write:
            _write(path, made, made.proposals)
        else:
            print_bytes(_diff(path, made))
    _remarks(path, made)
    return 0


def _document(path: Path, made: Suggestions) -> dict[str, object]:
    return {
        "path": str(path),
        "proposals": [{**one.to_json(), **_cell(made, one.line)} for one in made.proposals],
        "left": [{**one.to_json(), **_cell(made, one.line)} for one in made.left],
        "reports_final_result": made.reports,
    }


def _cell(made: Suggestions, line: int) -> dict[str, object]:
    """In a notebook, where a line of all its code is: the cell, and the line in it."""
    found = re.fullmatch(r":cell (\d+):(\d+)", made.where(line).removeprefix(made.path))
    return {"cell": int(found[1]), "line": int(found[2])} if found else {}


def _line(made: Suggestions, one: Proposal) -> bytes:
    return os.fsencode(f"{made.where(one.line)} {one.name}: {one.reason}\n")


def _diff(path: Path, made: Suggestions) -> bytes:
    from annotate.suggest import insert

    new = insert(made.source, made.proposals, path=made.path)
    diff = git_diff(path.as_posix(), made.source, new)
    return b"\n" + diff if diff else b""


def _write(path: Path, made: Suggestions, taken: Sequence[Proposal]) -> None:
    from annotate.suggest import insert
    from runtime.system.replace_file import replace_file

    if taken:
        replace_file(path, made.source, insert(made.source, taken, path=made.path))
    count = f"{len(taken)} annotation{'' if len(taken) == 1 else 's'}"
    print(f"annotate: {count} written into {path}", file=sys.stderr)


def _ask(made: Suggestions) -> list[Proposal]:
    """Those that the person at the terminal takes, one after the other."""
    taken: list[Proposal] = []
    for index, one in enumerate(made.proposals):
        print_bytes(_line(made, one) + os.fsencode(f"    {one.written}  # {one.annotation}\n"))
        answer = _answer()
        if answer == "a":
            return [*taken, *made.proposals[index:]]
        if answer == "q":
            break
        if answer == "y":
            taken.append(one)
    return taken


def _answer() -> str:
    """One of y, n, a and q; the end of the input is q."""
    while True:
        try:
            answer = input("annotate this? [y/n/a/q] ").strip().lower()[:1]
        except EOFError:
            print()
            return "q"
        if answer and answer in "ynaq":
            return answer
        print(_KEYS)


def _remarks(path: Path, made: Suggestions) -> None:
    if not made.proposals:
        print(f"annotate: nothing to propose in {path}", file=sys.stderr)
    for left in made.left:
        where = f"{made.where(left.line)} {left.name}"
        print(f"annotate: {where}: {left.reason}; not proposed: {left.why}", file=sys.stderr)
    if not made.reports:
        example = "# @nni.report_final_result(accuracy)"
        print(
            f"annotate: {path} reports no result yet: write for example {example} on a line of its "
            "own where the result is known",
            file=sys.stderr,
        )
