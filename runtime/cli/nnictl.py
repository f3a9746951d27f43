"""Make the command `nnictl`, which is `annotate` by NNI's name, for scripts that call it.

  annotate nnictl                beside the command annotate
  annotate nnictl ~/.local/bin   in another folder of your PATH
  annotate nnictl --remove

Refused where NNI itself is installed, because `nnictl` is its command."""

from __future__ import annotations

import argparse
import sys
import sysconfig
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.cli import terminal
from runtime.system.home_folder import expanded

NAME = "nnictl"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="where to make the command")
    parser.add_argument("--remove", action="store_true", help="remove the command again")


def run(args: argparse.Namespace) -> int:
    annotate = _annotate()
    link = (annotate.parent if args.folder is None else expanded(args.folder).absolute()) / NAME
    is_ours = link.is_symlink() and link.resolve() == annotate.resolve()
    try:
        if args.remove:
            _remove(link, is_ours=is_ours)
        elif not is_ours:
            _refuse_nni(link)
            link.symlink_to(annotate)
    except OSError as error:
        raise AnnotateError(
            f"cannot write {link}: {error.strerror or error}", hint="name another folder"
        ) from None
    terminal.show(f"Removed {link}." if args.remove else f"{link} now starts annotate.")
    return 0


def _annotate() -> Path:
    """The command `annotate` of this environment."""
    for path in (Path(sys.argv[0]).absolute(), Path(sysconfig.get_path("scripts"), "annotate")):
        if path.name == "annotate" and path.is_file():
            return path
    raise AnnotateError(
        "the command annotate is not installed here", hint="use a shell alias: nnictl=annotate"
    )


def _remove(link: Path, *, is_ours: bool) -> None:
    if not is_ours:
        raise AnnotateError(f"{link} was not made by this command; nothing was removed")
    link.unlink()


def _refuse_nni(link: Path) -> None:
    from importlib import metadata

    try:
        version = metadata.version("nni")
    except metadata.PackageNotFoundError:
        version = ""
    alias = "use a shell alias: nnictl=annotate"
    if version:
        raise AnnotateError(
            f"NNI {version} is installed in this environment, and {NAME} is its command",
            hint=f"{alias}; or install Annotate in an environment of its own",
        )
    if link.exists() or link.is_symlink():
        raise AnnotateError(f"{link} exists and is another program", hint=alias)
