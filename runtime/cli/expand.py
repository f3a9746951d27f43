"""Print a file as trials run it: the instrumented source, byte for byte."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a Python file")
    parser.add_argument("--diff", action="store_true", help="print a unified diff instead")


def run(args: argparse.Namespace) -> int:
    from annotate.project import code_folder, expand_file, read_file

    code = expand_file(args.file, code_folder(args.file)).code
    if args.diff:
        code = _diff(str(args.file), read_file(args.file), code)
    sys.stdout.flush()
    sys.stdout.buffer.write(code)
    sys.stdout.buffer.flush()
    return 0


def _diff(path: str, old: bytes, new: bytes) -> bytes:
    before, after = (os.fsencode(f"{path} ({what})") for what in ("written", "expanded"))
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), before, after)
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def _lines(code: bytes) -> list[bytes]:
    """Lines with their newline, which is the only one that diff tools know."""
    return [line for line in re.split(rb"(?<=\n)", code) if line]
