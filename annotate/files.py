"""The annotatable files of a folder, without ignored, generated and third-party files."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from annotate.data.form import is_data

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_OTHERS = frozenset(
    {"site-packages", "dist-packages", "node_modules", "__pycache__", "__pypackages__"}
)
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
#: Kinds of files with parameters, or that run scripts, which people may take for annotatable.
_UNREAD = (
    *(".ini", ".cfg", ".conf", ".properties", ".gin", ".env", ".jsonnet", ".libsonnet", ".hcl"),
    *(".sh", ".bash", ".zsh", ".fish", ".slurm", ".sbatch", ".r", ".jl", ".lua", ".pyx", ".xml"),
)
_UNREAD_ANNOTATION = re.compile(rb"(?:#|;|//|--)[ \t]*@nni\.\w")
#: Larger files, and folders with more data files, are not written by hand.
_LARGEST = 1 << 20
_MOST = 500


@dataclass(frozen=True, slots=True)
class _Ignore:
    """The patterns of one .gitignore and the folder that they are relative to."""

    folder: Path
    spec: GitIgnoreSpec

    def verdict(self, path: Path, is_folder: bool) -> bool | None:
        """Whether the path is ignored; None if no pattern matches it."""
        relative = path.relative_to(self.folder).as_posix()
        return self.spec.check_file(relative + "/" if is_folder else relative).include


def python_files(root: Path) -> list[PurePosixPath]:
    """The `.py` files below `root`, relative to it, in order.

    Skips hidden folders, caches, virtual environments, installed packages, anything that a
    .gitignore excludes, and links that lead out of `root` or to a folder already visited.
    """
    return _below(root, _python)


def data_files(root: Path) -> list[PurePosixPath]:
    """The YAML, TOML and JSON files below `root`, found like Python files.

    Also skips files over 1 MiB, folders with more than 500 of them, and links to other files of
    the list.
    """
    files = _below(root, is_data)
    count = Counter(path.parent for path in files)
    by_target: dict[Path, PurePosixPath] = {}
    for path in sorted(files, key=lambda path: (root / path).is_symlink()):
        place = root / path
        if count[path.parent] <= _MOST and place.stat().st_size <= _LARGEST:
            by_target.setdefault(place.resolve(), path)
    return sorted(by_target.values())


def unread_files(root: Path) -> list[PurePosixPath]:
    """The files with annotations of kinds that cannot be annotated, found like data files."""
    paths = _below(root, _is_unread)
    return [path for path in paths if has_unread_annotation(root / path)]


def has_unread_annotation(path: Path) -> bool:
    """Whether the file is of a kind that cannot be annotated, and has an annotation comment."""
    try:
        if not _is_unread(path.name) or path.stat().st_size > _LARGEST:
            return False
        return _UNREAD_ANNOTATION.search(path.read_bytes()) is not None
    except OSError:
        return False


def _is_unread(name: str) -> bool:
    return name.lower().endswith(_UNREAD) or name.startswith((".env", "Makefile", "Dockerfile"))


def _python(name: str) -> bool:
    return name.endswith(".py")


def _below(root: Path, is_wanted: Callable[[str], bool]) -> list[PurePosixPath]:
    files = _walk(root, root, is_wanted, _above(root), {_identity(root)})
    return sorted(PurePosixPath(path.relative_to(root).as_posix()) for path in files)


def _walk(
    folder: Path,
    root: Path,
    is_wanted: Callable[[str], bool],
    ignores: tuple[_Ignore, ...],
    seen: set[tuple[int, int]],
) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        return
    names = {entry.name for entry in entries}
    if folder != root and names.intersection(_ENVIRONMENTS):
        return
    if ".gitignore" in names:
        ignores = (*ignores, *_read(folder))
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink() and not _leads_inside(path, root):
            continue
        if _is_folder(entry):
            if _enters(path, ignores, seen):
                yield from _walk(path, root, is_wanted, ignores, seen)
        elif is_wanted(entry.name) and _is_file(entry) and not _ignored(path, False, ignores):
            yield path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _enters(path: Path, ignores: tuple[_Ignore, ...], seen: set[tuple[int, int]]) -> bool:
    if path.name.startswith(".") or path.name in _OTHERS or _ignored(path, True, ignores):
        return False
    try:
        identity = _identity(path)
    except OSError:
        return False
    if identity in seen:
        return False
    seen.add(identity)
    return True


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _leads_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _ignored(path: Path, is_folder: bool, ignores: tuple[_Ignore, ...]) -> bool:
    for ignore in reversed(ignores):  # the nearest .gitignore decides
        verdict = ignore.verdict(path, is_folder)
        if verdict is not None:
            return verdict
    return False


def _read(folder: Path) -> list[_Ignore]:
    from pathspec import GitIgnoreSpec  # most folders have no .gitignore

    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace")
        return [_Ignore(folder, GitIgnoreSpec.from_lines(text.splitlines()))]
    except (OSError, ValueError):
        return []


def _above(root: Path) -> tuple[_Ignore, ...]:
    """The .gitignore files between the repository's top and `root`, unless they ignore `root`."""
    top = next((p for p in (root, *root.parents) if (p / ".git").exists()), root)
    ignores: tuple[_Ignore, ...] = ()
    folder = root
    between = []
    while folder != top:
        folder = folder.parent
        between.append(folder)
    for parent in reversed(between):
        ignores = (*ignores, *_read(parent))
    return () if _ignored_with_parents(root, top, ignores) else ignores


def _ignored_with_parents(root: Path, top: Path, ignores: tuple[_Ignore, ...]) -> bool:
    for path in (root, *root.parents):
        if path == top or not path.is_relative_to(top):
            return False
        fitting = tuple(i for i in ignores if path != i.folder and path.is_relative_to(i.folder))
        if _ignored(path, True, fitting):
            return True
    return False
