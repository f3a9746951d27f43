"""Write a trial's values back into the sources that they came from.

  annotate apply EXPERIMENT train.py
  annotate apply EXPERIMENT train.py --trial 7 --write

Prints a diff that `git apply` and `patch -p1` take; --write writes the files, each in one step.
The values are the best trial's where no other is named. Annotations stay, and so does every other
byte. Where a source has changed since, what does not fit any more is named with the reason.

Exit code 2 where nothing fits, or git could not bring back what --write would change."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli.diffs import git_diff, print_bytes

if TYPE_CHECKING:
    from annotate.apply import Applied
    from runtime.core.trial import Trial
    from runtime.kept.review import Past


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "experiment", nargs="?", metavar="EXPERIMENT", help="its id or the beginning of it"
    )
    parser.add_argument(
        "script",
        nargs="?",
        type=Path,
        metavar="SCRIPT",
        help="the script; default: where it lay when the experiment was made",
    )
    parser.add_argument("--trial", type=int, metavar="N", help="the trial (default: the best)")
    parser.add_argument("--write", action="store_true", help="write the values into the files")
    parser.add_argument(
        "--force", action="store_true", help="also over changes that git could not bring back"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def run(args: argparse.Namespace) -> int:
    from runtime.kept.review import look_back, written_back

    experiment, script = sort_out(args.experiment, args.script)
    past = look_back(experiment)
    trial = past.trial(args.trial)
    root = past.root(script)
    if not past.snapshot.annotated:
        hint = "its space came from a file: its values are in `annotate trial ls`"
        raise AnnotateError(f"{past.folder.id} has no annotated source", hint=hint)
    done = written_back(past, trial, root)
    if args.write:
        _write(root, done, force=args.force)
    if args.json:
        print(json.dumps(_document(past, trial, root, done), indent=2))
    else:
        _say(past, trial, root, done, wrote=args.write)
    nothing = not any(one.fits for one in done) and any(one.misfits for one in done)
    return 2 if nothing else 0


def sort_out(experiment: str | None, script: Path | None) -> tuple[str | None, Path | None]:
    """What was meant where one of the two was left out: `annotate apply train.py`."""
    if experiment is not None and script is None and "." in experiment:
        return None, Path(experiment)
    return experiment, script


def _write(root: Path, done: Sequence[Applied], *, force: bool) -> None:
    from runtime.kept.review import shown
    from runtime.system.git import is_uncommitted
    from runtime.system.replace_file import replace_file

    changed = [one for one in done if one.after != one.before]
    dirty = [] if force else [one for one in changed if is_uncommitted(root / one.path)]
    if dirty:
        names = ", ".join(shown(root / one.path) for one in dirty)
        hint = "commit first, so that git can bring it back, or say --force"
        raise AnnotateError(f"{names}: not committed as it is now; nothing was written", hint=hint)
    for one in changed:
        replace_file(root / one.path, one.before, one.after)


def _document(past: Past, trial: Trial, root: Path, done: Sequence[Applied]) -> dict[str, object]:
    return {
        "experiment": past.folder.id,
        "trial": trial.number,
        "files": [
            {
                "path": str(root / one.path),
                "changed": one.after != one.before,
                "fits": [
                    {"key": f.key, "name": f.name, "where": f.where, "old": f.old, "new": f.new}
                    for f in one.fits
                ],
                "misfits": [
                    {"key": m.key, "name": m.name, "where": m.where, "reason": m.reason}
                    for m in one.misfits
                ],
            }
            for one in done
        ],
    }


def _say(past: Past, trial: Trial, root: Path, done: Sequence[Applied], *, wrote: bool) -> None:
    from runtime.kept.review import shown

    if past.remark:
        print(f"annotate: {past.remark}", file=sys.stderr)
    for one in [] if wrote else done:
        print_bytes(git_diff(shown(root / one.path), one.before, one.after))
    count = sum(fit.changes for one in done for fit in one.fits)
    what = f"{count} value{'' if count == 1 else 's'} of trial {trial.number}"
    print(f"annotate: {what} {_verb(count, wrote)}", file=sys.stderr)
    for one in done:
        for misfit in one.misfits:
            text = f"annotate: {misfit.where} {misfit.name} is left as it is: {misfit.reason}"
            print(text, file=sys.stderr)


def _verb(count: int, wrote: bool) -> str:
    if not count:
        return "to write: the source has them already, as far as they fit"
    return "written" if wrote else "to write; --write writes them"
