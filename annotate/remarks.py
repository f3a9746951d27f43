"""Names the annotations of a project that have no effect, with one sentence for each reason."""

from __future__ import annotations

import os
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath

from annotate import formats
from annotate.data.data_file import may_be_annotated
from annotate.data.form import is_data
from annotate.domains import Numeric
from annotate.files import unread_files
from annotate.notebook import Notebook
from annotate.project import Project
from annotate.space import SearchSpace

_SHOWN = 2  # names of files in a sentence
KINDS = "Annotate reads only Python, notebooks, YAML, TOML and JSON"


def remarks(project: Project, script: str, arguments: Sequence[str] = ()) -> list[str]:
    """The sentences for a run of `script`.

    `arguments` are the script's; paths in them are relative to the current folder.
    """
    outside = [path for path in _data_paths(arguments) if path.resolve() not in _known(project)]
    return [
        *constants(project.space),
        *_overridden(project),
        *_ignored_mistakes(project, script),
        *_left_out(project, script),
        *_skipped(project),
        *no_effect(unread_files(project.root), KINDS),
        *no_effect(outside, f"{_is(outside)} not in {project.root}"),
        *_outside(project),
    ]


def constants(space: SearchSpace) -> Iterator[str]:
    """A sentence for each numeric parameter that has only one value."""
    names = space.names
    for parameter in space:
        domain = parameter.domain
        if isinstance(domain, Numeric) and domain.size == 1:
            yield f"{names[parameter.key]} is a constant: {domain} has one value, {domain.nth(0)}"


def _outside(project: Project) -> Iterator[str]:
    if paths := annotated_outside(project):
        why = f"{_is(paths)} not in the code folder {project.root}"
        folder = wider_folder(project)
        yield from (
            f"{text}; --code-folder {folder} includes them" for text in no_effect(paths, why)
        )


def annotated_outside(project: Project) -> list[Path]:
    """The annotated modules that the code imports from outside the code folder."""
    return [path for folder in project.outside for path in folder.annotated]


def wider_folder(project: Project) -> str:
    """A folder that holds the code folder and those modules, as a word for the shell."""
    paths = [project.root, *annotated_outside(project)]
    return shlex.quote(os.path.relpath(os.path.commonpath(paths)))


def _overridden(project: Project) -> Iterator[str]:
    names = Counter(other.place.target for other in project.overridden)
    for other in project.overridden:
        name = other.place.target
        yield other.sentence(name if names[name] == 1 else other.place.key)


def _ignored_mistakes(project: Project, script: str) -> Iterator[str]:
    mistakes = project.ignored
    if len(mistakes) == 1:
        mistake = mistakes[0]
        where = f"{mistake.path}:{mistake.line}:{mistake.col}"
        why = unreached(PurePosixPath(mistake.path), script)
        yield f"{where}: {mistake.code} {mistake.message}: ignored, because {why}"
    elif mistakes:
        files = _listed(dict.fromkeys(PurePosixPath(mistake.path) for mistake in mistakes))
        yield (
            f"{len(mistakes)} mistakes in {files} are ignored, because {script} does not reach"
            " them; annotate check lists them"
        )


def _left_out(project: Project, script: str) -> Iterator[str]:
    for data in (False, True):
        paths = [path for path in project.left_out if is_data(path.name) == data]
        if paths:
            yield from no_effect(paths, unreached(paths[0], script, len(paths)))


def _skipped(project: Project) -> Iterator[str]:
    """Names the shell commands of notebooks that trials skip."""
    for file in project.files:
        if not formats.is_notebook(file.path.name):
            continue
        notebook = formats.decode(file.source, str(file.path))
        assert isinstance(notebook, Notebook)
        if notebook.skipped:
            first, *others = notebook.skipped
            path, line = notebook.place(first.line)
            command = textwrap.shorten(first.command, 60, placeholder=" ...")
            plural = "s" if len(others) > 1 else ""
            rest = f" and {len(others)} other shell command{plural}" if others else ""
            yield f"{path}:{line}: trials skip {command}{rest}"


def unreached(path: PurePosixPath, script: str, count: int = 1) -> str:
    """Why the parameters of a file, or of `count` such files, are not in the search space."""
    verb = "name" if is_data(path.name) else "import"
    return f"{script} does not {verb} {'it' if count == 1 else 'them'}"


def no_effect(paths: Sequence[PurePath], why: str) -> Iterator[str]:
    """The sentence that names these files, if any, and says why their annotations are ignored."""
    if paths:
        have = "has" if len(paths) == 1 else "have"
        yield f"{_listed(paths)} {have} annotations, but {why}: ignored"


def _is(paths: Sequence[PurePath]) -> str:
    return "is" if len(paths) == 1 else "are"


def _listed(paths: Iterable[PurePath]) -> str:
    """`a.py`, `a.py and b.py`, or `a.py, b.py and 28 others`."""
    names = [str(path) for path in paths]
    if len(names) <= _SHOWN + 1:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} others"


def _data_paths(arguments: Iterable[str]) -> list[Path]:
    """The annotated data files among the arguments."""
    paths = [Path(word.rpartition("=")[2]) for word in arguments]
    return [path for path in dict.fromkeys(paths) if is_data(path.name) and _is_annotated(path)]


def _known(project: Project) -> set[Path]:
    return {(project.root / file.path).resolve() for file in project.files}


def _is_annotated(path: Path) -> bool:
    try:
        return may_be_annotated(path.read_bytes())
    except OSError:
        return False
