"""Write the search space of annotated code as NNI's JSON, to edit or to pass to --search-space.

annotate ss_gen --trial_dir . --trial_command "python3 train.py"
annotate ss_gen train.py"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.cli import terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="the script, or a folder")
    parser.add_argument(
        "-t", "--trial_command", metavar="COMMAND", help="the command that runs the script"
    )
    parser.add_argument(
        "-d",
        "--trial_dir",
        metavar="FOLDER",
        default=".",
        help="the folder in which the command runs",
    )
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        default="nni_auto_gen_search_space.json",
        help="the file to write (default: nni_auto_gen_search_space.json)",
    )


def run(args: argparse.Namespace) -> int:
    from annotate.project import read_project
    from runtime.driver.create import find_script

    script = find_script(str(_script(args)))
    space = read_project(script, script.parent).space
    if not len(space):
        raise AnnotateError(
            f"{script.name} has no annotated values",
            hint=f"get proposals with: annotate suggest {script.name}",
        )
    target = Path(args.file)
    try:
        with target.open("x", encoding="utf-8") as file:
            json.dump(space.to_json(), file, indent=2)
            file.write("\n")
    except FileExistsError:
        raise AnnotateError(
            f"{target} exists already", hint="choose another file with --file"
        ) from None
    except OSError as error:
        raise AnnotateError(f"cannot write {target}: {error.strerror or error}") from None
    plural = "" if len(space) == 1 else "s"
    terminal.show(f"Wrote {len(space)} parameter{plural} to {target}.")
    return 0


def _script(args: argparse.Namespace) -> Path:
    if args.path:
        return Path(args.path)
    words = shlex.split(args.trial_command or "")
    scripts = [word for word in words if word.endswith(".py")]
    if not scripts:
        raise AnnotateError(
            "no script given", hint="name it (annotate ss_gen train.py) or use --trial_command"
        )
    return Path(args.trial_dir, scripts[0])
