"""Propose annotations for the values of a script that look like hyper-parameters.

  annotate suggest train.py
  annotate suggest conf/train.yaml
  annotate suggest train.py --write

Prints each proposal with its reason, and a diff that `git apply` and `patch -p1` accept. Only
--write and --interactive change the file, and they only add comments at the ends of lines."""

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
from runtime.cli import terminal
from runtime.cli.diffs import git_diff, print_bytes
from runtime.system.units import count

if TYPE_CHECKING:
    from annotate.suggest import Proposal, Suggestions

_SUFFIXES = ("", ".py", ".pyw", ".ipynb")
_NO_COMMENTS = "a parser such as json.load accepts none"
_COMMENTED = (
    "if the script reads it with a parser that accepts comments, such as json5, add a first "
    "// comment yourself"
)
_KEYS = "[y]es, [n]o, [a]ll from here on, [q]uit"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a Python script, a notebook, or a YAML, TOML or JSON file",
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--write", action="store_true", help="write the annotations into the file")
    modes.add_argument(
        "--interactive", action="store_true", help="ask about each proposal; write those accepted"
    )
    modes.add_argument(
        "--json", action="store_true", help="print the proposals as one JSON document"
    )


def run(args: argparse.Namespace) -> int:
    from annotate.data.form import is_data
    from annotate.formats import module_name
    from annotate.project import read_file
    from annotate.suggest import suggest

    path: Path = args.file
    if path.suffix not in _SUFFIXES and not is_data(path.name):
        raise AnnotateError(f"{path} is not a Python script, notebook, YAML, TOML or JSON file")
    if args.interactive and not sys.stdin.isatty():
        hint = "use --write to accept every proposal, or --json to read them"
        raise AnnotateError("--interactive needs a terminal", hint=hint)
    module = module_name(PurePosixPath(path.name))
    suggestions = suggest(read_file(path), path=str(path), module=module)
    if suggestions.is_bare_json and suggestions.proposals and (args.write or args.interactive):
        raise AnnotateError(f"{path} has no comments, and {_NO_COMMENTS}", hint=_COMMENTED)
    if args.json:
        terminal.show(json.dumps(_document(path, suggestions), indent=1))
        return 0
    if args.interactive:
        _write(path, suggestions, _ask(suggestions))
    else:
        print_bytes(b"".join(_line(suggestions, p) for p in suggestions.proposals))
        if args.write:
            _write(path, suggestions, suggestions.proposals)
        else:
            print_bytes(_diff(path, suggestions))
    _print_remarks(path, suggestions)
    return 0


def _document(path: Path, suggestions: Suggestions) -> dict[str, object]:
    return {
        "path": str(path),
        "proposals": [{**p.to_json(), **_cell(suggestions, p.line)} for p in suggestions.proposals],
        "left": [{**s.to_json(), **_cell(suggestions, s.line)} for s in suggestions.skipped],
        "reports_final_result": suggestions.reports,
    }


def _cell(suggestions: Suggestions, line: int) -> dict[str, object]:
    """The cell and the line within it; empty outside notebooks."""
    place = suggestions.where(line).removeprefix(suggestions.path)
    match = re.fullmatch(r":cell (\d+):(\d+)", place)
    return {"cell": int(match[1]), "line": int(match[2])} if match else {}


def _line(suggestions: Suggestions, proposal: Proposal) -> bytes:
    where = suggestions.where(proposal.line)
    return os.fsencode(f"{where} {proposal.name}: {proposal.reason}\n")


def _diff(path: Path, suggestions: Suggestions) -> bytes:
    from annotate.suggest import insert

    new = insert(suggestions.source, suggestions.proposals, path=suggestions.path)
    diff = git_diff(path.as_posix(), suggestions.source, new)
    return b"\n" + diff if diff else b""


def _write(path: Path, suggestions: Suggestions, accepted: Sequence[Proposal]) -> None:
    from annotate.suggest import insert
    from runtime.system.replace_file import replace_file

    if accepted:
        new = insert(suggestions.source, accepted, path=suggestions.path)
        replace_file(path, suggestions.source, new)
    terminal.say(f"annotate: {count(len(accepted), 'annotation')} written to {path}")


def _ask(suggestions: Suggestions) -> list[Proposal]:
    """Ask about each proposal on the terminal and return the accepted ones."""
    accepted: list[Proposal] = []
    for index, proposal in enumerate(suggestions.proposals):
        annotated = f"    {proposal.written}  # {proposal.annotation}\n"
        print_bytes(_line(suggestions, proposal) + os.fsencode(annotated))
        answer = _answer()
        if answer == "a":
            return [*accepted, *suggestions.proposals[index:]]
        if answer == "q":
            break
        if answer == "y":
            accepted.append(proposal)
    return accepted


def _answer() -> str:
    """Prompt until the answer is y, n, a or q; end of input counts as q."""
    while True:
        try:
            answer = input("annotate this? [y/n/a/q] ").strip().lower()[:1]
        except EOFError:
            terminal.show()
            return "q"
        if answer and answer in "ynaq":
            return answer
        terminal.show(_KEYS)


def _print_remarks(path: Path, suggestions: Suggestions) -> None:
    if not suggestions.proposals:
        terminal.say(f"annotate: nothing to propose in {path}")
    for skipped in suggestions.skipped:
        where = f"{suggestions.where(skipped.line)} {skipped.name}"
        terminal.say(f"annotate: {where}: {skipped.reason}; skipped: {skipped.why}")
    if suggestions.is_bare_json and suggestions.proposals:
        terminal.say(f"annotate: {path} has no comments, and {_NO_COMMENTS}; {_COMMENTED}")
    if not suggestions.reports:
        example = "# @nni.report_final_result(accuracy)"
        terminal.say(
            f"annotate: {path} reports no result; add a line such as {example} after the result "
            "has been computed"
        )
