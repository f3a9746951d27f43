"""Snapshots: a project saved in a folder, as trials run it and as the user wrote it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annotate import formats, replaced
from annotate.data.data_file import render
from annotate.data.form import is_data
from annotate.errors import AnnotateError
from annotate.formats import module_name
from annotate.plan import Place
from annotate.project import Project
from annotate.space import Values

MANIFEST = "snapshot.json"
DATA = "data.json"
OUTSIDE = "outside.list"


def freeze(project: Project, folder: Path) -> None:
    """Save a project as a snapshot; raises OSError.

    Writes `code/` (what trials run), `source/` (annotated files as written), `data.json` (a list of
    the annotated data files, if any), `outside/N/` (modules from the Nth folder that `outside.list`
    lists) and the manifest, which also names those of these folders that are on Python's path. It
    is written last, after every file is on disk, so a folder with a manifest is complete.
    """
    # Other data files are read where they are.
    files = [file for file in project.files if file.annotated or not is_data(file.path.name)]
    for file in files:
        if not is_data(file.path.name):
            _write(folder / "code" / file.path, file.expanded)
        if file.annotated:
            _write(folder / "source" / file.path, file.source)
    counting = [str(file.path) for file in files if file.annotated and file.counts]
    data = [name for name in counting if is_data(name)]
    if data:
        _write(folder / DATA, json.dumps(data).encode())
    for number, outside in enumerate(project.outside):
        for path, source in outside.files.items():
            _write(folder / "outside" / str(number) / path, source)
    # No JSON: reading it would load `json` into a trial, which may have a module of that name.
    folders = [os.fsencode(outside.folder) + b"\0" for outside in project.outside]
    _write(folder / OUTSIDE, b"".join(folders))
    manifest = {
        "root": str(project.root),
        "files": {
            str(file.path): {
                "annotated": file.annotated,
                "counts": file.counts,
                "sha256": hashlib.sha256(file.source).hexdigest(),
            }
            for file in files
        },
        "space": project.space.to_json(),
        "names": _names(project),
        "on_path": [str(outside.folder) for outside in project.outside if outside.on_path],
    }
    _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def _names(project: Project) -> dict[str, tuple[str, str]]:
    """The names of parameters' values while the script runs, where they are certain.

    Only names that nothing reads before the script may set them again: if such a name ends with
    another value, the parameter had no effect.
    """
    count = Counter(place.key for place in project.places)
    code = {
        str(file.path): formats.python(file.source, str(file.path))
        for file in project.files
        if file.counts and not is_data(file.path.name)
    }
    return {
        place.key: (place.kind, place.target)
        for place in project.places
        if count[place.key] == 1 and place.target.isidentifier() and _is_unread(place, code)
    }


def _is_unread(place: Place, code: Mapping[str, bytes]) -> bool:
    name = place.target.encode()
    trees = {path: replaced.parse(text) for path, text in code.items() if name in text}
    own = trees.pop(place.path, None)
    others = [tree for tree in trees.values() if tree is not None]
    if own is None:
        return False
    if place.kind == "option":
        return replaced.attribute_unread([own, *others], place.target)
    return place.kind == "assignment" and (
        replaced.unread(own, place.target, place.line)
        or replaced.set_from_outside(own, others, place.target)
    )


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A snapshot's file as the user wrote it; `counts` as in SourceFile."""

    source: bytes
    annotated: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project at the time of its snapshot: its code folder, and its files by path."""

    root: Path
    files: Mapping[PurePosixPath, FrozenFile]

    @property
    def annotated(self) -> dict[PurePosixPath, FrozenFile]:
        """The files whose parameters are in the search space."""
        return {path: f for path, f in self.files.items() if f.annotated and f.counts}


def thaw(folder: Path) -> Snapshot:
    """Read what `freeze` wrote; raises AnnotateError if the folder is not a snapshot."""
    with _readable(folder):
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = {}
        for name, about in manifest["files"].items():
            place = folder / ("source" if about["annotated"] else "code") / name
            path = PurePosixPath(name)
            files[path] = FrozenFile(place.read_bytes(), about["annotated"], about["counts"])
        return Snapshot(Path(manifest["root"]), files)


@dataclass(frozen=True, slots=True)
class Code:
    """Python files as trials run them: those of the code folder `root`, and those from outside."""

    root: Path
    files: dict[PurePosixPath, bytes]
    outside: tuple[bytes, ...]


def read_code(folder: Path) -> Code:
    """Read the code of a snapshot; raises AnnotateError like `thaw`."""
    with _readable(folder):
        manifest = json.loads((folder / MANIFEST).read_bytes())
        names = [name for name in manifest["files"] if not is_data(name)]
        files = {PurePosixPath(name): (folder / "code" / name).read_bytes() for name in names}
        outside = tuple(path.read_bytes() for path in sorted((folder / "outside").rglob("*.py")))
        return Code(Path(manifest["root"]), files, outside)


def annotated_files(folder: Path) -> tuple[Path, list[PurePosixPath]]:
    """A snapshot's code folder, and its files whose parameters are in the search space.

    Reads no file but the manifest. Raises AnnotateError like `thaw`.
    """
    with _readable(folder):
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = manifest["files"].items()
        names = [name for name, about in files if about["annotated"] and about["counts"]]
        return Path(manifest["root"]), [PurePosixPath(name) for name in names]


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the experiment's snapshot in {folder} cannot be read: {error}"
        raise AnnotateError(message) from None


def data_copies(folder: Path, values: Values) -> dict[str, tuple[bytes, Values]]:
    """Write `values` into each annotated data file of a snapshot.

    Maps each file's name to its new bytes and its values for the parameters not in `values`.
    """
    try:
        names = json.loads((folder / DATA).read_bytes())
    except FileNotFoundError:
        return {}
    copies = {}
    for name in names:
        source = (folder / "source" / name).read_bytes()
        module = module_name(PurePosixPath(name))
        copies[name] = render(source, values, path=name, module=module)
    return copies


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
