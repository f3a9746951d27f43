"""The kinds of files that can be annotated, by their names."""

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

    A file of data keeps its suffix: `train.yaml` beside `train.py` is another module.
    """
    parts = list(path.parts if is_data(path.name) else path.with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")


def decode(data: bytes, path: str) -> Source:
    """The file as text that can be edited; raises Mistakes."""
    if is_data(path):
        return data_file.decode(data, path)
    return Notebook.decode(data, path) if is_notebook(path) else Source.decode(data, path)


def carriers(source: Source) -> list[Carrier]:
    """The annotations of a file that could be expanded, also the wrong ones, in order."""
    if is_data(source.path):
        return data_file.carriers(source)
    try:
        return annotation.carriers(source, Tree(source.text))
    except Unparsable:
        return []  # one that has annotations could not have been expanded


def expand(data: bytes, path: str, below: PurePosixPath) -> Expansion:
    """Instrument a file that lies at `below` in the code folder; raises Mistakes."""
    return expand_module(data, path, module_name(below))


def expand_module(data: bytes, path: str, module: str) -> Expansion:
    """The same for a file whose parameters' keys begin with `module`."""
    if is_data(path):
        return data_file.expand(data, path, module)
    if is_notebook(path):
        return instrument.expand_source(Notebook.decode(data, path), module)
    return instrument.expand(data, path=path, module=module)


def python(data: bytes, path: str) -> bytes:
    """The Python in a file, for a look at what it imports; raises Mistakes."""
    if is_data(path):
        return b""
    if not is_notebook(path):
        return data
    notebook = Notebook.decode(data, path)
    return notebook.encode(notebook.text)
