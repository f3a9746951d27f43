"""Find the data files that a script may read: those that its code mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from annotate import lexer

_WORD = re.compile(r"[\w.-]+")


def mentioned(
    files: Mapping[PurePosixPath, bytes], code: Iterable[bytes], words: Sequence[str]
) -> set[PurePosixPath]:
    """The `files` mentioned in strings of the `code` or in `words`.

    A mention is a file's name, with or without suffix, or only its suffix (`f"{name}.yaml"`). A
    mentioned file may mention others. A folder's name mentions all files below it, unless one of
    them is mentioned by its own name.
    """
    vocabulary = _words(words)
    for source in code:
        tokens = lexer.tokens(source.decode(errors="replace"))
        vocabulary |= _words(token.text for token in tokens if token.kind == "string")
    by_name = _by_name(files, vocabulary)
    above = {folder for path in by_name for folder in path.parents}
    parents = {folder for path in files for folder in path.parents[:-1]}
    folders = {folder for folder in parents if _occurs(folder.name, vocabulary)} - above
    return by_name | {path for path in files if not folders.isdisjoint(path.parents)}


def _by_name(files: Mapping[PurePosixPath, bytes], vocabulary: set[str]) -> set[PurePosixPath]:
    """The files mentioned by name; adds the words of those files to `vocabulary`."""
    mentioned: set[PurePosixPath] = set()
    while new := {p for p in files if p not in mentioned and _is_mentioned(p, vocabulary)}:
        mentioned |= new
        vocabulary |= _words(files[path].decode(errors="replace") for path in new)
    return mentioned


def _is_mentioned(path: PurePosixPath, vocabulary: set[str]) -> bool:
    return any(_occurs(name, vocabulary) for name in (path.name, path.stem, path.suffix))


def _occurs(name: str, vocabulary: set[str]) -> bool:
    words = _words([name])
    return bool(words) and words <= vocabulary


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text)}
