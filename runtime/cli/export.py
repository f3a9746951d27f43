"""A plain script with a trial's values baked in and no annotation left; it runs alone.

  annotate export EXPERIMENT > best.py
  annotate export EXPERIMENT --trial 7 --output best/

The source is the one that the trial ran. Without --output a script that stands alone is printed;
where it imports modules of its own folder, --output names a folder for all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from annotate.errors import AnnotateError
from runtime.cli.diffs import print_bytes


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "experiment", nargs="?", metavar="EXPERIMENT", help="its id or the beginning of it"
    )
    parser.add_argument("--trial", type=int, metavar="N", help="the trial (default: the best)")
    parser.add_argument(
        "--output", type=Path, metavar="PATH", help="a folder to make, or for one script a file"
    )


def run(args: argparse.Namespace) -> int:
    from runtime.kept.review import exported, look_back

    past = look_back(args.experiment)
    trial = past.trial(args.trial)
    files = exported(past, trial)
    if past.remark:
        print(f"annotate: {past.remark}", file=sys.stderr)
    if args.output is None:
        _print(files)
    else:
        _write(_targets(files, args.output))
        print(f"annotate: trial {trial.number} exported to {args.output}", file=sys.stderr)
    return 0


def _print(files: Mapping[PurePosixPath, bytes]) -> None:
    if len(files) > 1:
        names = ", ".join(map(str, files))
        message = f"it is {len(files)} files: {names}"
        raise AnnotateError(message, hint="name a folder for them with --output")
    print_bytes(*files.values())


def _targets(files: Mapping[PurePosixPath, bytes], output: Path) -> dict[Path, bytes]:
    if [path.suffix for path in files] == [output.suffix] and not output.is_dir():
        (data,) = files.values()
        return {output: data}
    return {output / path: data for path, data in files.items()}


def _write(files: Mapping[Path, bytes]) -> None:
    """Write all files; raises AnnotateError where one is there already, and then writes none."""
    there = [str(path) for path in files if path.exists() or path.is_symlink()]
    if there:
        message = f"{', '.join(there)}: there already, nothing was written"
        raise AnnotateError(message, hint="name another place with --output")
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
    except OSError as error:
        raise AnnotateError(f"{error.filename}: {error.strerror or error}") from None
