"""Finds the file of a module that `python -m` runs, and the scripts that only run like that."""

from __future__ import annotations

import ast
import difflib
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from annotate.errors import AnnotateError


def find_module(name: str, folder: Path, environment: Mapping[str, str]) -> tuple[Path, Path]:
    """The file that `python -m NAME` runs in `folder`, and the entry of the path that it is below.

    A package's is its `__main__.py`. Raises AnnotateError if there is none.
    """
    entries = [folder, *_python_path(folder, environment)]
    for entry in entries:
        if (path := module_file(name, entry)) is not None:
            return path, entry
    raise AnnotateError(f"there is no module {name} in {folder}", hint=_hint(name, entries))


def module_file(name: str, entry: Path) -> Path | None:
    """The file of the module below one entry of Python's path."""
    place = entry.joinpath(*name.split("."))
    is_package = (place / "__init__.py").is_file() or (place / "__main__.py").is_file()
    path = place / "__main__.py" if is_package else place.with_name(f"{place.name}.py")
    return path if path.is_file() else None


def _python_path(folder: Path, environment: Mapping[str, str]) -> list[Path]:
    entries = environment.get("PYTHONPATH", "").split(os.pathsep)
    return [folder / entry for entry in entries if entry]


def _hint(name: str, entries: list[Path]) -> str:
    if "/" in name or name.endswith(".py"):
        return f"leave out -m to run a file, or write {name.removesuffix('.py').replace('/', '.')}"
    names = {path.stem for entry in entries for path in entry.glob("*") if path.suffix != ".pyc"}
    close = difflib.get_close_matches(name.partition(".")[0], names, n=1)
    return f"did you mean {close[0]}?" if close else "run it in the folder that has the package"


def needs_module(path: Path) -> str:
    """The name after -m for a script whose relative imports fail otherwise; "" for any other."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not any(statement.level for statement in _certain_imports(tree.body)):
        return ""
    parts = [] if path.stem == "__main__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.append(folder.name)
        folder = folder.parent
    if len(parts) == 1 and path.stem != "__main__":
        parts.append(path.parent.name)  # a package without __init__.py
    return ".".join(reversed(parts))


def _certain_imports(body: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """The imports that run whenever the file does and whose failure ends it."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.With):
            yield from _certain_imports(statement.body)
