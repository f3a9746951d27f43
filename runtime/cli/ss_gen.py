"""Write the search space of annotated code as NNI's JSON, to be edited or given to --search-space.

annotate ss_gen --trial_dir . --trial_command "python3 train.py"
annotate ss_gen train.py"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from annotate.errors import AnnotateError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="the script, or a folder")
    parser.add_argument("-t", "--trial_command", metavar="COMMAND", help="names the script")
    parser.add_argument("-d", "--trial_dir", metavar="FOLDER", default=".", help="where it is run")
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        default="nni_auto_gen_search_space.json",
        help="what is written (default: nni_auto_gen_search_space.json)",
    )


def run(args: argparse.Namespace) -> int:
    from annotate.project import read_project
    from runtime.driver.create import find_script

    script = find_script(str(_script(args)))
    space = read_project(script, script.parent).space
    if not len(space):
        raise AnnotateError(
            f"{script.name} has no annotated value", hint=f"annotate suggest {script.name}"
        )
    target = Path(args.file)
    try:
        with target.open("x", encoding="utf-8") as file:
            json.dump(space.to_json(), file, indent=2)
            file.write("\n")
    except FileExistsError:
        raise AnnotateError(f"{target} is there already", hint="name another with --file") from None
    except OSError as error:
        raise AnnotateError(f"{target} cannot be written: {error.strerror or error}") from None
    print(f"{len(space)} parameters in {target}")
    return 0


def _script(args: argparse.Namespace) -> Path:
    if args.path:
        return Path(args.path)
    words = shlex.split(args.trial_command or "")
    found = [word for word in words if word.endswith(".py")]
    if not found:
        raise AnnotateError(
            "no script is named", hint="annotate ss_gen train.py, or --trial_command"
        )
    return Path(args.trial_dir, found[0])
