"""Write a trial's values back into your source files.

  annotate apply train.py
  annotate apply EXPERIMENT train.py --trial 7 --write

Prints a diff that `git apply` and `patch -p1` accept; --write also changes the files, each one
atomically. Without EXPERIMENT, uses the newest one that ran this very file; for a copy, name the
experiment. Without --trial, uses the best trial. Annotations and every other byte stay the same.
If a source has changed since the experiment, values that no longer fit are listed with the reason.

The exit code is 2 if nothing fits, or if --write would overwrite uncommitted changes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.cli.diffs import git_diff, print_bytes
from runtime.system.units import count

if TYPE_CHECKING:
    from annotate.apply import Applied
    from runtime.core.trial import Trial
    from runtime.kept.review import Past


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "experiment", nargs="?", metavar="EXPERIMENT", help="the experiment's id or a prefix of it"
    )
    parser.add_argument(
        "script",
        nargs="?",
        type=Path,
        metavar="SCRIPT",
        help="the script (default: the path that the experiment was started with)",
    )
    parser.add_argument("--trial", type=int, metavar="N", help="the trial (default: the best one)")
    parser.add_argument("--write", action="store_true", help="write the values into the files")
    parser.add_argument("--force", action="store_true", help="overwrite uncommitted changes")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def run(args: argparse.Namespace) -> int:
    from runtime.kept.review import look_back, written_back

    experiment, script = selection.by_id_or_file(args.experiment, args.script)
    past = look_back(experiment, script)
    trial = past.trial(args.trial)
    root = past.root(script)
    if not past.snapshot.annotated:
        hint = "its search space came from a file; `annotate trial ls` shows the values"
        raise AnnotateError(f"{past.folder.id} has no annotated source", hint=hint)
    done = written_back(past, trial, root)
    if args.write:
        _write(root, done, force=args.force)
    if args.json:
        terminal.show(json.dumps(_document(past, trial, root, done), indent=2))
    else:
        _report(past, trial, root, done, wrote=args.write)
    return 2 if _nothing_fits(done) else 0


def _nothing_fits(done: Sequence[Applied]) -> bool:
    return not any(file.fits for file in done) and any(file.misfits for file in done)


def _write(root: Path, done: Sequence[Applied], *, force: bool) -> None:
    from runtime.kept.review import display_path
    from runtime.system.git import is_uncommitted
    from runtime.system.replace_file import replace_file

    changed = [file for file in done if file.after != file.before]
    dirty = [] if force else [file for file in changed if is_uncommitted(root / file.path)]
    if dirty:
        names = ", ".join(display_path(root / file.path) for file in dirty)
        hint = "commit or stash them first, or use --force"
        have = "has" if len(dirty) == 1 else "have"
        message = f"{names} {have} uncommitted changes; nothing was written"
        raise AnnotateError(message, hint=hint)
    for file in changed:
        replace_file(root / file.path, file.before, file.after)


def _document(past: Past, trial: Trial, root: Path, done: Sequence[Applied]) -> dict[str, object]:
    return {
        "experiment": past.folder.id,
        "trial": trial.number,
        "files": [
            {
                "path": str(root / file.path),
                "changed": file.after != file.before,
                "fits": [
                    {"key": f.key, "name": f.name, "where": f.where, "old": f.old, "new": f.new}
                    for f in file.fits
                ],
                "misfits": [
                    {"key": m.key, "name": m.name, "where": m.where, "reason": m.reason}
                    for m in file.misfits
                ],
            }
            for file in done
        ],
    }


def _report(past: Past, trial: Trial, root: Path, done: Sequence[Applied], *, wrote: bool) -> None:
    from runtime.kept.review import display_path

    if past.remark:
        terminal.say(f"annotate: {past.remark}")
    for file in [] if wrote else done:
        print_bytes(git_diff(display_path(root / file.path), file.before, file.after))
    if _nothing_fits(done):
        text = f"nothing to write: no value of trial {trial.number} fits the source as it is now"
    else:
        changes = sum(fit.changes for file in done for fit in file.fits)
        text = _summary(changes, trial.number, wrote=wrote)
    terminal.say(f"annotate: {text}")
    for file in done:
        for misfit in file.misfits:
            text = f"annotate: {misfit.where} {misfit.name} skipped: {misfit.reason}"
            terminal.say(text)


def _summary(number: int, trial: int, *, wrote: bool) -> str:
    if not number:
        return f"nothing to write: the source already has every value of trial {trial} that fits"
    values = f"{count(number, 'value')} of trial {trial}"
    return f"{values} written" if wrote else f"{values} to write; use --write to write them"
