"""Unified diffs of bytes, independent of encoding and line endings."""

from __future__ import annotations

import difflib
import os
import re

from runtime.cli import terminal

_ESCAPES = {'"': b'\\"', "\\": b"\\\\", "\n": b"\\n", "\t": b"\\t", "\r": b"\\r"}


def unified(old_name: str, new_name: str, old: bytes, new: bytes) -> bytes:
    """A diff in the format of `diff -u`; empty if the files are equal."""
    return _diff(_quoted(old_name), _quoted(new_name), old, new)


def git_diff(name: str, old: bytes, new: bytes) -> bytes:
    """A diff of one file that `git apply` and `patch -p1` accept."""
    names = [_quoted(side + name.lstrip("/")) for side in ("a/", "b/")]
    # A tab ends a name; patch would end it at the first space.
    before, after = [n + b"\t" if b" " in n and n[:1] != b'"' else n for n in names]
    return _diff(before, after, old, new)


def _diff(before: bytes, after: bytes, old: bytes, new: bytes) -> bytes:
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), before, after)
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def print_bytes(text: bytes) -> None:
    """Write bytes to standard output, in order with printed text."""
    terminal.show_bytes(text)


def _quoted(name: str) -> bytes:
    """The name as git writes it: in quotes, with escapes, if it cannot be a plain line."""
    if terminal.visible(name) == name and '"' not in name and "\\" not in name:
        return os.fsencode(name)
    return b'"' + b"".join(map(_escaped, name)) + b'"'


def _escaped(character: str) -> bytes:
    if character in _ESCAPES:
        return _ESCAPES[character]
    data = os.fsencode(character)
    if terminal.visible(character) == character:
        return data
    return b"".join(b"\\%03o" % byte for byte in data)


def _lines(code: bytes) -> list[bytes]:
    """Lines with their newline; diff tools split at LF only."""
    return [line for line in re.split(rb"(?<=\n)", code) if line]
