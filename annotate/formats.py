"""The kinds of files that can be annotated, by their names."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotate import rewrite
from annotate.rewrite import Expansion
from annotate.source import Source


def module_name(path: PurePosixPath) -> str:
    """The dotted path of a file below the code folder; a package is named by its folder."""
    parts = list(path.with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def decode(data: bytes, path: str) -> Source:
    """The file as text that can be edited; raises Mistakes."""
    return Source.decode(data, path)


def expand(data: bytes, path: str, below: PurePosixPath) -> Expansion:
    """Instrument a file that lies at `below` in the code folder; raises Mistakes."""
    return rewrite.expand(data, path=path, module=module_name(below))
