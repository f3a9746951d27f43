"""Dispatch by file type: Python, notebook or data file."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotate import annotation, instrument
from annotate.annotation import Carrier
from annotate.data import data_file
from annotate.data.form import is_data
from annotate.instrument import Expansion
from annotate.notebook import Notebook
from annotate.source import Source
from annotate.tree import Tree, Unparsable


def module_name(path: PurePosixPath) -> str:
    """The dotted path of a file below the code folder; a package is named by its folder.

    A data file keeps its suffix, so `train.yaml` and `train.py` are different modules.
    """
    parts = list(path.parts if is_data(path.name) else path.with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")


def decode(data: bytes, path: str) -> Source:
    """Decode a file for editing; raises Mistakes."""
    if is_data(path):
        return data_file.decode(data, path)
    return Notebook.decode(data, path) if is_notebook(path) else Source.decode(data, path)


def carriers(source: Source) -> list[Carrier]:
    """All annotations of an expandable file, including invalid ones, in source order."""
    if is_data(source.path):
        return data_file.carriers(source)
    try:
        return annotation.carriers(source, Tree(source.text, file=True))
    except Unparsable:
        return []  # a file with annotations would not have been expanded


def expand(data: bytes, path: str, below: PurePosixPath) -> Expansion:
    """Instrument the file at `below` in the code folder; raises Mistakes."""
    return expand_module(data, path, module_name(below))


def expand_module(data: bytes, path: str, module: str) -> Expansion:
    """Instrument a file whose parameter keys begin with `module`; raises Mistakes."""
    if is_data(path):
        return data_file.expand(data, path, module)
    if is_notebook(path):
        return instrument.expand_source(Notebook.decode(data, path), module)
    return instrument.expand(data, path=path, module=module)


def python(data: bytes, path: str) -> bytes:
    """The Python code of a file, to look for imports in it; raises Mistakes."""
    if is_data(path):
        return b""
    if not is_notebook(path):
        return data
    notebook = Notebook.decode(data, path)
    return notebook.encode(notebook.text)
