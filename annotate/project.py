"""Read a whole code folder: its files, search space and mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from annotate import formats, limits, overridden
from annotate.data.data_file import may_be_annotated
from annotate.errors import AnnotateError, Mistake, Mistakes
from annotate.files import data_files, python_files
from annotate.instrument import Expansion, Place, Report, conflicts
from annotate.mentions import mentioned
from annotate.overridden import Overridden
from annotate.parameter import Parameter
from annotate.reach import reached
from annotate.space import SearchSpace


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file or annotated data file of a project; `path` is relative to the code folder.

    `counts`: whether the script reaches it, so that its parameters are in the search space.
    """

    path: PurePosixPath
    source: bytes = field(repr=False)
    expansion: Expansion = field(repr=False)
    counts: bool = True

    @property
    def expanded(self) -> bytes:
        return self.expansion.code

    @property
    def annotated(self) -> bool:
        return self.expansion.annotated


@dataclass(frozen=True, slots=True)
class OutsideFolder:
    """Modules outside the code folder, by their path below `folder`.

    They are frozen as they are: annotations in them have no effect. With `on_path`, the folder is
    on Python's path before the script starts; otherwise the script may add it.
    """

    folder: Path
    files: Mapping[PurePosixPath, bytes] = field(repr=False)
    on_path: bool = False

    @property
    def annotated(self) -> list[Path]:
        return [self.folder / path for path, code in self.files.items() if b"@nni." in code]


@dataclass(frozen=True, slots=True)
class Project:
    """A code folder at the time it was read.

    `places` and `reports` are from the files that the script reaches. `left_out` lists the
    annotated files that it does not reach; their parameters are not in the space. Neither are the
    `overridden` ones, whose values the script cannot use. `ignored` are the mistakes in files that
    the script does not reach. `outside` has the user's modules from elsewhere.
    """

    root: Path
    files: tuple[SourceFile, ...] = field(repr=False)
    space: SearchSpace
    places: tuple[Place, ...]
    reports: tuple[Report, ...]
    left_out: tuple[PurePosixPath, ...]
    overridden: tuple[Overridden, ...] = ()
    ignored: tuple[Mistake, ...] = ()
    outside: tuple[OutsideFolder, ...] = ()

    @property
    def asks_by_itself(self) -> bool:
        """Whether the code calls `get_next_parameter` and no value is annotated."""
        return not self.places and any(b"get_next_parameter" in f.source for f in self.files)


def code_folder(path: Path) -> Path:
    """The code folder of a script, or the folder itself."""
    return path if path.is_dir() else path.parent


def expand_file(path: Path, root: Path) -> Expansion:
    """Expand one file of the code folder `root`; raises Mistakes and AnnotateError."""
    source = read_file(path)
    return formats.expand(source, str(path), relative_path(path, root.resolve()))


def read_project(
    script: Path | None,
    root: Path,
    arguments: Sequence[str] = (),
    *,
    entry: Path | None = None,
) -> Project:
    """Read the code folder `root`.

    `entry` is the folder in which the script finds its modules, by default its own; with
    `python -m` it is above the package.

    With a script, the search space has the parameters of the files that it imports (of all files
    if an import's name is known only at run time), and of the data files that the code or one of
    the `arguments` mentions. Without a script, it has those of all files.
    Raises Mistakes with all mistakes of these files, and AnnotateError for an unusable path.
    """
    root = root.resolve()
    sources = _read(script, root)
    config = _read_data(root)
    start = relative_path(script, root) if script else None
    if start is None:
        counts = {*sources, *config}
    else:
        first = start.parent if entry is None else inside(entry, root)
        counts = reached(start, sources, first)
        words = (start.stem, *arguments)
        counts |= mentioned(config, (sources[path] for path in counts), words)
    sources |= {path: data for path, data in config.items() if may_be_annotated(data)}
    expansions, mistakes = _expand(sources)
    if serious := [mistake for path in counts for mistake in mistakes.get(path, ())]:
        raise Mistakes(serious)
    files = tuple(
        SourceFile(path, sources[path], expansions[path], path in counts)
        for path in sorted(sources)
    )
    ignored = Mistakes(mistake for in_file in mistakes.values() for mistake in in_file).mistakes
    return replace(_project(root, files, arguments), ignored=ignored)


def read_as_it_is(script: Path | None, root: Path, space: SearchSpace) -> Project:
    """Read the code folder `root` without expanding annotations, which stay comments.

    For a script that calls `get_next_parameter` itself; `space` comes from elsewhere.
    """
    root = root.resolve()
    sources = _read(script, root)
    files = tuple(
        SourceFile(path, sources[path], Expansion(sources[path])) for path in sorted(sources)
    )
    return Project(root, files, space, (), (), ())


def _project(root: Path, files: tuple[SourceFile, ...], arguments: Sequence[str]) -> Project:
    counting = [file for file in files if file.annotated and file.counts]
    places = tuple(place for file in counting for place in file.expansion.places)
    decoded = {str(f.path): formats.decode(f.source, str(f.path)) for f in counting}
    if mistakes := conflicts(places, decoded):
        raise Mistakes(mistakes)
    code = {file.path: formats.python(file.source, str(file.path)) for file in files if file.counts}
    replaced = tuple(overridden.find(places, code, arguments))
    fixed = {other.place.key for other in replaced}
    parameters: dict[str, Parameter] = {}
    for file in counting:
        for parameter in file.expansion.parameters:
            if parameter.key not in fixed:
                parameters.setdefault(parameter.key, parameter)
    return Project(
        root=root,
        files=files,
        space=SearchSpace(tuple(parameters.values())),
        places=tuple(place for place in places if place.key not in fixed),
        reports=tuple(report for file in counting for report in file.expansion.reports),
        left_out=tuple(file.path for file in files if file.annotated and not file.counts),
        overridden=replaced,
    )


def _read(script: Path | None, root: Path) -> dict[PurePosixPath, bytes]:
    sources: dict[PurePosixPath, bytes] = {}
    if script is not None:
        source = read_file(script)
        sources[relative_path(script, root)] = source
    if not root.is_dir():
        raise AnnotateError(f"{root} is not a folder", hint=_similar(root))
    for path in python_files(root):
        if path not in sources:
            sources[path] = read_file(root / path)
    return sources


def _read_data(root: Path) -> dict[PurePosixPath, bytes]:
    """The readable data files; the script could not read the others either."""
    sources = {}
    for path in data_files(root):
        with suppress(OSError):
            sources[path] = (root / path).read_bytes()
    return sources


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises AnnotateError, which suggests a similar name."""
    try:
        return limits.read_bytes(path)
    except FileNotFoundError:
        hint = _similar(path)
        raise AnnotateError(f"{path} does not exist", hint=hint) from None
    except OSError as error:
        raise AnnotateError(f"{path} cannot be read: {error.strerror or error}") from None


def _similar(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"the folder {path.parent} does not exist either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / close[0]}?" if close else ""


def relative_path(script: Path, root: Path) -> PurePosixPath:
    """The path of a file below the code folder; raises AnnotateError if it lies elsewhere."""
    # Resolve the folder but not the script: a link keeps its own name.
    absolute = script.parent.resolve() / script.name
    if not absolute.is_relative_to(root):
        message = f"{script} is not in the code folder {root}"
        raise AnnotateError(message, hint="choose a code folder that contains the script")
    return PurePosixPath(absolute.relative_to(root).as_posix())


def inside(folder: Path, root: Path) -> PurePosixPath:
    """A folder's path below `root`, or that of `root` itself for one outside."""
    real = folder.resolve()
    inside = real.is_relative_to(root)
    return PurePosixPath(real.relative_to(root).as_posix()) if inside else PurePosixPath()


def _expand(
    sources: dict[PurePosixPath, bytes],
) -> tuple[dict[PurePosixPath, Expansion], dict[PurePosixPath, tuple[Mistake, ...]]]:
    """The expansion of each file, and the mistakes of files that are therefore not expanded."""
    expansions: dict[PurePosixPath, Expansion] = {}
    mistakes: dict[PurePosixPath, tuple[Mistake, ...]] = {}
    for path, source in sources.items():
        try:
            expansions[path] = formats.expand(source, str(path), path)
        except Mistakes as error:
            mistakes[path] = error.mistakes
            expansions[path] = Expansion(source)
    return expansions, mistakes
