"""Lets the user's modules have the same names as our packages.

Ours are imported first and then set aside. After that, `import tuners` and `import annotate` find
the user's modules, or ours if there are none; `import runtime` finds only the user's. Installed
copies of our packages do not count as the user's. The user's `tuners` also gets the names of our
contract, unless it defines them itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import typing
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: From each of our packages to a file that only ours has, which tells it from the user's.
_MARKS = {"annotate": "instrument.py", "runtime": "custom/process.py", "tuners": "registry.py"}
_OLDEST = (3, 10)  # the Python that all of our packages need


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Let Python 3.8 and 3.9 import the modules of our contract, which use newer features."""
    if sys.version_info >= _OLDEST:
        yield
        return
    dataclass = dataclasses.dataclass

    def without_slots(cls: Any = None, *, slots: bool = False, **options: Any) -> Any:
        return dataclass(cls, **options)

    names: list[tuple[Any, str, Any]] = [
        (dataclasses, "dataclass", without_slots),
        (typing, "TypeAlias", Any),
        (functools, "cache", functools.lru_cache(maxsize=None)),
    ]
    before = [(module, name, getattr(module, name, None)) for module, name, _ in names]
    for module, name, value in names:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value) if value is not None else delattr(module, name)


def set_aside() -> None:
    """Set our packages aside; from now on the user's modules come first."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def __init__(self) -> None:
        ours = [name for name in sys.modules if name.partition(".")[0] in _MARKS]
        self._ours = {name: sys.modules.pop(name) for name in ours}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = name.partition(".")[0]
        if top not in _MARKS:
            return None
        if name != top:
            self._check(name, sys.modules[top])
            return None
        spec = _users(name)
        if spec is None and name not in self._ours:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if spec is None:
            return ModuleSpec(name, _Ours(self._ours), is_package=True)
        if name == "tuners" and spec.loader is not None:
            spec.loader = _WithContract(spec.loader, self._ours)
        return spec

    def _check(self, name: str, package: ModuleType) -> None:
        if sys.version_info < _OLDEST and package in self._ours.values():
            needed, here = (".".join(map(str, v[:2])) for v in (_OLDEST, sys.version_info))
            raise ImportError(f"{name} needs Python {needed} or newer; {sys.executable} is {here}")


def _users(name: str) -> ModuleSpec | None:
    """The user's module of that name; a folder without `__init__.py` does not count."""
    for spec in _all(name):
        if spec is None or spec.origin is None or spec.loader is None:
            continue
        if not os.path.isfile(os.path.join(os.path.dirname(spec.origin), _MARKS[name])):
            return spec
    return None


def _all(name: str) -> Iterator[ModuleSpec | None]:
    """Every module of that name, in the order in which Python would find them."""
    for finder in sys.meta_path:
        if finder is PathFinder:
            for entry in list(sys.path):
                yield PathFinder.find_spec(name, [entry])
        elif not isinstance(finder, _Finder):
            yield finder.find_spec(name, None)


class _Ours(Loader):
    """Restores one of our packages with all its modules."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self._modules = modules

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        inside = module.__name__ + "."
        sys.modules.update({n: m for n, m in self._modules.items() if n.startswith(inside)})


class _WithContract(Loader):
    """Loads the user's `tuners` with the names of our contract, which it may override."""

    def __init__(self, users: Any, ours: dict[str, ModuleType]) -> None:
        self._users, self._ours = users, ours

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._users.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        base = self._ours["tuners.base"]
        for name in ("Assessor", "Exhausted", "Tuner", "TunerError", "Verdict"):
            setattr(module, name, getattr(base, name))
        if not hasattr(module, "__path__"):
            sys.modules.setdefault("tuners.base", base)
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._users
        self._users.exec_module(module)
