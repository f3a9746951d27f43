"""Unified diffs of bytes, independent of encoding and line endings."""

from __future__ import annotations

import difflib
import os
import re

from runtime.cli import terminal


def unified(old_name: str, new_name: str, old: bytes, new: bytes) -> bytes:
    """A diff in the format of `diff -u`; empty if the files are equal."""
    before, after = os.fsencode(old_name), os.fsencode(new_name)
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), before, after)
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def git_diff(name: str, old: bytes, new: bytes) -> bytes:
    """A diff of one file that `git apply` and `patch -p1` accept."""
    name = name.lstrip("/")
    return unified(f"a/{name}", f"b/{name}", old, new)


def print_bytes(text: bytes) -> None:
    """Write bytes to standard output, in order with printed text."""
    terminal.show_bytes(text)


def _lines(code: bytes) -> list[bytes]:
    """Lines with their newline; diff tools split at LF only."""
    return [line for line in re.split(rb"(?<=\n)", code) if line]
