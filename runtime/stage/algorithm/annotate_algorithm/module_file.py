"""Imports the user's file by its path, so that no other module of its name is found."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from annotate_algorithm import nni_module


def load(file: str) -> ModuleType:
    """Import the file. As in NNI, its folder comes last on the path, so it hides no module.

    A file with relative imports is imported as a module of the packages that it lies in.
    """
    folder, base = os.path.split(file)
    if folder not in sys.path:
        sys.path.append(folder)
    name = os.path.splitext(base)[0]
    depth = _depth(file)
    if not depth:
        return _execute(f"custom_{name}", file)
    folders = _packages(folder, depth)
    if os.path.basename(folders[0]) == "nni":  # a copy of NNI's own sources
        nni_module.add(folders[0])
        return importlib.import_module(".".join([*map(os.path.basename, folders), name]))
    return _execute(f"{_import_packages(folders)}.{name}", file)


def _depth(file: str) -> int:
    """How many folders up the file's relative imports lead; 0 if it has none."""
    with open(file, "rb") as source:
        try:
            tree = ast.parse(source.read())
        except (SyntaxError, ValueError):
            return 0  # running it reports the mistake
    return max((n.level for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)), default=0)


def _packages(folder: str, depth: int) -> Sequence[str]:
    """The folders of the packages that `folder` is in, outermost first; at least `depth`."""
    folders: list[str] = []
    while len(folders) < depth or os.path.isfile(os.path.join(folder, "__init__.py")):
        folders.insert(0, folder)
        folder = os.path.dirname(folder)
    return folders


def _import_packages(folders: Sequence[str]) -> str:
    """Import the packages; returns the dotted name of the innermost."""
    name = ""
    for folder in folders:
        base = os.path.basename(folder)
        name = f"{name}.{base}" if name else f"custom_{base}"
        init = os.path.join(folder, "__init__.py")
        if os.path.isfile(init):
            _execute(name, init, folder)
        else:
            package = ModuleType(name)
            package.__path__ = [folder]
            sys.modules[name] = package
    return name


def _execute(name: str, file: str, package: str | None = None) -> ModuleType:
    """Run `file` as the module `name`, or as the `__init__` of the folder `package`."""
    if name in sys.modules:  # a package's `__init__` has imported it
        return sys.modules[name]
    places = None if package is None else [package]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look it up there
    spec.loader.exec_module(module)
    return module
