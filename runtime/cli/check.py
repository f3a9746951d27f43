"""List every mistake in the annotations of files and folders. Runs nothing, and writes nothing
without --fix, which puts annotations in comments that are lines of their own without a `#`.

Files of kinds that cannot be annotated, such as .ini and .sh, are named if they have annotations.
The exit code is 0 without mistakes and 2 with any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import Mistake, Mistakes
from runtime.cli import terminal
from runtime.system.units import count

if TYPE_CHECKING:
    from annotate.check import Checked


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text (the default), one JSON document, or GitHub workflow commands",
    )
    parser.add_argument(
        "--fix", action="store_true", help="write the missing # before bare annotations"
    )


def run(args: argparse.Namespace) -> int:
    from annotate.check import check
    from annotate.remarks import KINDS, no_effect

    if args.fix:
        _fix(args.paths)
    checked = check(args.paths)
    if args.format == "json":
        terminal.show(json.dumps(_document(checked), indent=1))
    else:
        for mistake in checked.mistakes:
            terminal.show(mistake.display() if args.format == "text" else _github(mistake))
        for sentence in no_effect(checked.unread, KINDS):
            terminal.say(f"annotate: {sentence}")
        terminal.say(_summary(checked))
    return 2 if checked.mistakes else 0


def _fix(paths: Iterable[Path]) -> None:
    from annotate.check import fixes
    from runtime.system.replace_file import replace_file

    for fix in fixes(paths):
        replace_file(fix.path, fix.before, fix.after)
        terminal.say(f"annotate: {fix.path}: put {count(fix.count, 'annotation')} in comments")


def _document(checked: Checked) -> dict[str, object]:
    return {
        "files": checked.files,
        "annotated": checked.annotated,
        "parameters": checked.parameters,
        "unread": [str(path) for path in checked.unread],
        "mistakes": [asdict(mistake) for mistake in checked.mistakes],
    }


def _summary(checked: Checked) -> str:
    mistakes = Mistakes(checked.mistakes).message if checked.mistakes else "no mistakes"
    files = count(checked.files, "file")
    return (
        f"{files} checked, {checked.annotated} annotated, "
        f"{count(checked.parameters, 'parameter')}: {mistakes}"
    )


def _github(mistake: Mistake) -> str:
    """A workflow command, which GitHub shows as a comment on the line."""
    properties = {
        "file": mistake.path,
        "line": mistake.line,
        "col": mistake.col,
        "endColumn": max(mistake.end_col, mistake.col + 1),
        "title": mistake.code,
    }
    pairs = ",".join(f"{name}={_escaped(str(v), ':,')}" for name, v in properties.items())
    text = ". ".join(part for part in (mistake.message, mistake.hint) if part)
    return f"::error {pairs}::{_escaped(text)}"


def _escaped(text: str, also: Iterable[str] = "") -> str:
    for character in ("%", "\r", "\n", *also):
        text = text.replace(character, f"%{ord(character):02X}")
    return text
