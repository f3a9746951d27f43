"""Which files of data a script may read: those whose names it says somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from annotate import lexer

_WORD = re.compile(r"[\w.-]+")


def mentioned(
    files: Mapping[PurePosixPath, bytes], code: Iterable[bytes], words: Sequence[str]
) -> set[PurePosixPath]:
    """Those of `files` that strings of the `code`, or `words`, mean by their names.

    A file is meant by its name with its suffix or without, or by its suffix alone
    (`f"{name}.yaml"`), and one that is meant may name others. A folder means all files below it,
    unless one of them is meant by its own name.
    """
    said = _words(words)
    for source in code:
        tokens = lexer.tokens(source.decode(errors="replace"))
        said |= _words(token.text for token in tokens if token.kind == "string")
    found = _by_name(files, said)
    named = {folder for path in found for folder in path.parents}
    folders = {f for path in files for f in path.parents[:-1] if _said(f.name, said)} - named
    return found | {path for path in files if not folders.isdisjoint(path.parents)}


def _by_name(files: Mapping[PurePosixPath, bytes], said: set[str]) -> set[PurePosixPath]:
    """Those named by their own names; `said` grows by what they say."""
    found: set[PurePosixPath] = set()
    while new := {path for path in files if path not in found and _is_named(path, said)}:
        found |= new
        said |= _words(files[path].decode(errors="replace") for path in new)
    return found


def _is_named(path: PurePosixPath, said: set[str]) -> bool:
    return any(_said(name, said) for name in (path.name, path.stem, path.suffix))


def _said(name: str, said: set[str]) -> bool:
    words = _words([name])
    return bool(words) and words <= said


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text)}
