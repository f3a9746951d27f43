"""Print the instrumented source of a file, exactly as trials run it."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.cli.diffs import print_bytes, unified


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a Python file")
    parser.add_argument("--diff", action="store_true", help="print a unified diff instead")


def run(args: argparse.Namespace) -> int:
    from annotate.project import code_folder, expand_file, read_file

    code = expand_file(args.file, code_folder(args.file)).code
    if args.diff:
        source = read_file(args.file)
        code = unified(f"{args.file} (written)", f"{args.file} (expanded)", source, code)
    print_bytes(code)
    return 0
