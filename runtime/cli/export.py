"""Print a plain script with a trial's values and no annotations. It runs on its own.

  annotate export train.py > best.py
  annotate export EXPERIMENT --trial 7 --output best/

EXPERIMENT is an id, or a script: then it is the newest experiment that ran this very file. Without
EXPERIMENT, it is the newest of the current folder. The source is the one that the trial ran. If the
script imports modules from its own folder, use --output to name a folder for all of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from annotate.errors import AnnotateError
from runtime.cli import selection, terminal
from runtime.cli.diffs import print_bytes


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "experiment",
        nargs="?",
        metavar="EXPERIMENT",
        help="the experiment's id or a prefix of it, or its script",
    )
    parser.add_argument("--trial", type=int, metavar="N", help="the trial (default: the best one)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="write to PATH: a folder, or a file for one file",
    )


def run(args: argparse.Namespace) -> int:
    from runtime.kept.review import exported, look_back

    past = look_back(*selection.by_id_or_file(args.experiment, None))
    trial = past.trial(args.trial)
    files = exported(past, trial)
    if past.remark:
        terminal.say(f"annotate: {past.remark}")
    if args.output is None:
        _print(files)
    else:
        _write(_targets(files, args.output))
        terminal.say(f"annotate: trial {trial.number} exported to {args.output}")
    return 0


def _print(files: Mapping[PurePosixPath, bytes]) -> None:
    if len(files) > 1:
        names = ", ".join(map(str, files))
        message = f"cannot print {len(files)} files: {names}"
        raise AnnotateError(message, hint="use --output FOLDER to write them")
    print_bytes(*files.values())


def _targets(files: Mapping[PurePosixPath, bytes], output: Path) -> dict[Path, bytes]:
    if [path.suffix for path in files] == [output.suffix] and not output.is_dir():
        (data,) = files.values()
        return {output: data}
    return {output / path: data for path, data in files.items()}


def _write(files: Mapping[Path, bytes]) -> None:
    """Write all files; raises AnnotateError and writes none if one already exists."""
    existing = [str(path) for path in files if path.exists() or path.is_symlink()]
    if existing:
        exist = "exists" if len(existing) == 1 else "exist"
        message = f"{', '.join(existing)} already {exist}; nothing was written"
        raise AnnotateError(message, hint="choose another path with --output")
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
    except OSError as error:
        raise AnnotateError(f"{error.filename}: {error.strerror or error}") from None
