"""Find every mistake in the annotations of files and folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annotate import bare, formats
from annotate.data.data_file import may_be_annotated
from annotate.data.form import is_data
from annotate.errors import AnnotateError, Mistake, Mistakes
from annotate.files import data_files, has_unread_annotation, python_files, unread_files
from annotate.instrument import Expansion, conflicts
from annotate.project import read_file
from annotate.source import Source


@dataclass(frozen=True, slots=True)
class Checked:
    """The number of files, annotated files and parameters, and all mistakes.

    `unread` are annotated files of kinds that cannot be annotated; they do not count as files.
    """

    files: int
    annotated: int
    parameters: int
    mistakes: tuple[Mistake, ...]
    unread: tuple[Path, ...] = ()


def check(paths: Iterable[Path]) -> Checked:
    """Check files; of a folder, its Python files and annotated data files.

    Raises AnnotateError for a missing path.
    """
    folders, unread = _read(paths)
    results = [_check_folder(root, sources) for root, sources in folders.items()]
    return Checked(
        files=sum(map(len, folders.values())),
        annotated=sum(result.annotated for result in results),
        parameters=sum(result.parameters for result in results),
        mistakes=Mistakes(m for result in results for m in result.mistakes).mistakes,
        unread=unread,
    )


@dataclass(frozen=True, slots=True)
class Fix:
    """A file before and after `count` bare annotations were put in comments."""

    path: Path
    before: bytes
    after: bytes
    count: int


def fixes(paths: Iterable[Path]) -> Iterator[Fix]:
    """What to write to the files with bare annotations. Raises AnnotateError for a missing path."""
    folders, _ = _read(paths)
    for path, before in (item for files in folders.values() for item in files.items()):
        if is_data(path.name) or b"@nni." not in before:
            continue
        with suppress(Mistakes):  # it cannot be decoded
            source = formats.decode(before, str(path))
            if found := bare.find(source.text):
                yield Fix(path, before, bare.mended(source, found), len(found))


def _read(paths: Iterable[Path]) -> tuple[dict[Path, dict[Path, bytes]], tuple[Path, ...]]:
    """The files, each once, by folder and path, and annotated ones of other kinds."""
    folders: dict[Path, dict[Path, bytes]] = {}
    seen: set[Path] = set()
    unread: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            unread |= dict.fromkeys(path / file for file in unread_files(path))
        elif has_unread_annotation(path):
            unread[path] = None
            continue
        root, files = (path, _files(path)) if path.is_dir() else (path.parent, [path])
        for file in files:
            if (real := file.resolve()) not in seen:
                seen.add(real)
                folders.setdefault(root, {})[file] = read_file(file)
    return folders, tuple(unread)


def _files(folder: Path) -> list[Path]:
    try:
        data = [folder / path for path in data_files(folder)]
        annotated = [path for path in data if may_be_annotated(read_file(path))]
        return [*(folder / path for path in python_files(folder)), *annotated]
    except OSError as error:
        raise AnnotateError(f"{folder} cannot be read: {error.strerror or error}") from None


def _check_folder(root: Path, sources: dict[Path, bytes]) -> Checked:
    expansions: list[Expansion] = []
    decoded: dict[str, Source] = {}
    mistakes: list[Mistake] = []
    broken = 0
    for file, source in sources.items():
        try:
            below = PurePosixPath(file.relative_to(root).as_posix())
            expansion = formats.expand(source, str(file), below)
        except Mistakes as error:
            mistakes += error.mistakes
            broken += 1
            continue
        if expansion.annotated:
            expansions.append(expansion)
            decoded[str(file)] = formats.decode(source, str(file))
    mistakes += conflicts((place for e in expansions for place in e.places), decoded)
    keys = {parameter.key for e in expansions for parameter in e.parameters}
    return Checked(len(sources), len(expansions) + broken, len(keys), tuple(mistakes))
