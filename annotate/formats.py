"""The kinds of files that can be annotated, by their names."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotate import rewrite
from annotate.notebook import Notebook
from annotate.rewrite import Expansion
from annotate.source import Source


def module_name(path: PurePosixPath) -> str:
    """The dotted path of a file below the code folder; a package is named by its folder."""
    parts = list(path.with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")


def decode(data: bytes, path: str) -> Source:
    """The file as text that can be edited; raises Mistakes."""
    return Notebook.decode(data, path) if is_notebook(path) else Source.decode(data, path)


def expand(data: bytes, path: str, below: PurePosixPath) -> Expansion:
    """Instrument a file that lies at `below` in the code folder; raises Mistakes."""
    return expand_module(data, path, module_name(below))


def expand_module(data: bytes, path: str, module: str) -> Expansion:
    """The same for a file whose parameters' keys begin with `module`."""
    if is_notebook(path):
        return rewrite.expand_source(Notebook.decode(data, path), module)
    return rewrite.expand(data, path=path, module=module)


def python(data: bytes, path: str) -> bytes:
    """The Python in a file, for a look at what it imports; raises Mistakes."""
    if not is_notebook(path):
        return data
    notebook = Notebook.decode(data, path)
    return notebook.encode(notebook.text)
