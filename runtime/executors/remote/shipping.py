"""What an experiment needs on another machine: its stage, its snapshot, and the code folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.core.paths import ExperimentFolder

_PART = 1 << 20  # bytes that are sent at a time


@dataclass(frozen=True, slots=True)
class Shipped:
    """Trees of files by name, as `stage/agent/bundles.py` has them, and where each content is."""

    trees: Mapping[str, list[tuple[str, str, int]]]
    contents: Mapping[str, Path]

    @property
    def identity(self) -> str:
        """The same for the same trees."""
        return hashlib.sha256(repr(sorted(self.trees.items())).encode()).hexdigest()

    def parts(self, sha256: str) -> Iterator[tuple[int, bytes, bool]]:
        """A content in parts: the offset, the bytes, and whether it is the last."""
        offset = 0
        with self.contents[sha256].open("rb") as file:
            data = file.read(_PART)
            while True:
                following = file.read(_PART)
                yield offset, data, not following
                if not following:
                    return
                offset, data = offset + len(data), following


def ship(
    folder: ExperimentFolder, base: Path, files: Sequence[Path], outside: Sequence[Path]
) -> Shipped:
    """The experiment's own files, and those of the user below `base`. Raises OSError.

    `files` are the code folder's, `outside` the folders beside it with modules in the snapshot.
    """
    contents: dict[str, Path] = {}
    code = _tree(base, files, contents)
    for number, place in enumerate(outside):
        copies = folder.snapshot / "outside" / str(number)
        below = place.relative_to(base)
        for path, sha256, mode in _tree(copies, _below(copies), contents):
            code.append(((below / path).as_posix(), sha256, mode))
    trees = {
        "stage": _tree(folder.stage, _below(folder.stage), contents),
        "snapshot": _tree(folder.snapshot, _below(folder.snapshot), contents),
        "code": code,
    }
    if folder.stdin.exists():
        trees["snapshot"] += _tree(folder.path, [folder.stdin], contents)
    return Shipped(trees, contents)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not _is_cache(path))


def _is_cache(path: Path) -> bool:
    return "__pycache__" in path.parts


def _tree(
    root: Path, files: Sequence[Path], contents: dict[str, Path]
) -> list[tuple[str, str, int]]:
    tree = []
    for file in files:
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        contents[sha256] = file
        tree.append((file.relative_to(root).as_posix(), sha256, file.stat().st_mode & 0o777))
    return tree
