"""What a config file describes: settings, the code and its search space."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError, Mistake, Mistakes
from annotate.project import Project, read_as_it_is, read_project
from annotate.remarks import remarks
from annotate.space import SearchSpace
from runtime import custom
from runtime.core.config import OPTIONS, Config
from runtime.core.options import Settings
from runtime.loop import algorithms
from runtime.nni_config import checking, machines, slurm
from runtime.nni_config.checking import value_at
from runtime.nni_config.document import ConfigMistakes, Document, load
from runtime.nni_config.fields import (
    CODE_FOLDER,
    COMMAND,
    SPACE_FILE,
    Algorithm,
    ConfigFile,
)
from runtime.nni_config.space_file import note, read_space, space_for
from runtime.system.command import isolating_option, plain_script, script_arguments
from runtime.system.home_folder import expanded
from runtime.system.interpreter import interpreter, usable
from runtime.system.outside import with_outside
from tuners.base import TunerError


@dataclass(frozen=True, slots=True)
class Described:
    """`settings` are those that the file gives. `notes` tell the user what has no effect."""

    settings: Settings
    project: Project
    notes: tuple[str, ...]
    debug: bool


def read(path: Path, environment: Mapping[str, str], *, python: str | None = None) -> Described:
    """Read the config file `path`; paths in it are relative to its folder.

    `python`, as typed, runs the trials instead of the interpreter that the command names. Raises
    ConfigMistakes with all that is wrong in the file, Mistakes for wrong annotations, and
    AnnotateError.
    """
    document = load(path)
    file = checking.check(document, slurm.without_options(document.data))
    return _Reader(document, file, path, environment, python).read()


class _Reader:
    """Reads one file whose fields are valid, and collects mistakes in what they mean."""

    def __init__(
        self,
        document: Document,
        file: ConfigFile,
        path: Path,
        environment: Mapping[str, str],
        python: str | None,
    ) -> None:
        self._document, self._file = document, file
        self._values = file.model_dump(by_alias=True)
        self._folder = Path(os.path.abspath(path)).parent  # noqa: PTH100  links stay links
        self._environment, self._python = environment, python
        self._mistakes: list[Mistake] = []
        self._notes: list[str] = []

    def read(self) -> Described:
        command = self._command()
        code = self._code_folder()
        algorithms_named = self._algorithms()
        space = self._space(algorithms_named.get("tuner", ""))
        self._refuse_threads(algorithms_named)
        self._mistakes += machines.mistakes(self._document)
        self._mistakes += slurm.mistakes(self._document)
        if self._mistakes:
            raise ConfigMistakes(self._document.path, self._mistakes)
        assert command is not None
        running = self._running(command, code)
        # NNI runs no baseline: a script that asks for its values may not run without any. Nor does
        # it stop after failures.
        like_nni = {"baseline": False, "max_failures": None}
        where = {**machines.settings(self._document), **slurm.settings(self._document)}
        settings = {**like_nni, **self._settings(), **where, **algorithms_named, **running}
        project = _project(running, code, space)
        if running["script"]:
            config = Config.new(running)
            project = with_outside(project, config.python, self._environment, code, config.entry)
        notes = [
            *checking.notes(self._document),
            *self._notes,
            *remarks(project, "the script", running.get("arguments", ())),
        ]
        return Described(settings, project, tuple(notes), self._debug())

    def _debug(self) -> bool:
        flags = [value_at(self._values, name) for name in ("debug", "trainingService.debug")]
        return any(flags) or self._file.log_level in ("trace", "debug")

    def _settings(self) -> dict[str, Any]:
        """The settings that have a field of their own, if the file has that field."""
        settings = {}
        for name, option in OPTIONS.items():
            values = [value_at(self._values, path) for path in option.nni]
            value = next((v for v in values if v is not None), None)
            if value is not None:
                settings[name] = value
        return settings

    def _first_of(self, names: tuple[str, ...]) -> tuple[str, Any]:
        """The first of the fields that the file has and its value, or the first field and None."""
        for name in names:
            value = value_at(self._document.data, name)
            if value is not None:
                return name, value
        return names[0], None

    # Mistakes

    def _mistake(self, field: str, message: str, hint: str = "") -> None:
        place = tuple(field.split("."))
        self._mistakes.append(self._document.mistake(place, message, hint, code="C401"))

    @contextmanager
    def _at(self, field: str) -> Iterator[None]:
        """Collect what is raised inside as mistakes at `field`."""
        try:
            yield
        except Mistakes as error:  # in another file, each with its own place
            self._mistakes += error.mistakes
        except AnnotateError as error:
            self._mistake(field, f"{field}: {error.message}", error.hint)

    def _path(self, text: str) -> Path:
        return self._folder / expanded(text)

    # The trial

    def _command(self) -> str | None:
        name, value = self._first_of(COMMAND)
        if value is None or not str(value).strip():
            hint = "write trial:, and below it command: python3 train.py"
            self._mistake(name, "the trial has no command", hint)
            return None
        if option := isolating_option(str(value)):
            message = f"{name}: with {option}, Python ignores the path on which a trial finds nni"
            self._mistake(name, message, f"remove {option} from the command")
        return str(value).strip()

    def _code_folder(self) -> Path:
        name, value = self._first_of(CODE_FOLDER)
        folder = self._path(str(value or "."))
        if not folder.is_dir():
            self._mistake(name, f"{name}: there is no folder {folder}")
        return Path(os.path.normpath(folder))

    def _running(self, command: str, code: Path) -> dict[str, Any]:
        plain = plain_script(command, code, self._environment)
        if plain is None:
            python = self._named_python() or self._interpreter()
            return {"script": "", "command": command, "cwd": str(code), "python": python}
        there: dict[str, str] = {}
        if self._elsewhere:
            word = shlex.split(command)[0]
            there = {"python_there": self._python or (plain.python if "/" in word else word)}
            python = self._interpreter()
        else:
            origin = f"the interpreter of the command, {plain.python},"
            python = self._named_python() or usable(plain.python, origin, self._environment, code)
        return {
            **there,
            "script": plain.script,
            "module": plain.module,
            "arguments": plain.arguments,
            "cwd": str(code),
            "python": python,
        }

    @property
    def _elsewhere(self) -> bool:
        return machines.executor(self._document.data) not in (None, "local")

    def _named_python(self) -> str | None:
        if self._python is None or self._elsewhere:
            return None
        return interpreter(self._python, self._environment)

    def _interpreter(self) -> str:
        """The interpreter for custom algorithms; trials run a line for the shell."""
        try:
            return interpreter(None, self._environment)
        except AnnotateError:
            return sys.executable

    # The search space

    def _space(self, tuner: str) -> SearchSpace | None:
        """The search space in the file, or None if the annotations are the search space.

        The user's own `tuner` may have one in any format, or none.
        """
        name, path = self._first_of(SPACE_FILE)
        inline = self._file.search_space
        present = [n for n, v in ((name, path), ("searchSpace", inline)) if v is not None]
        if self._file.use_annotation:
            for other in present:
                self._mistake(
                    other,
                    f"{other}: with useAnnotation: true the annotations are the search space",
                    f"remove {other}, or write useAnnotation: false",
                )
            return None
        if len(present) == 2:
            message = f"searchSpace and {name} are the same setting"
            self._mistake("searchSpace", message, "remove one of them")
        elif not present and custom.is_custom(tuner):
            return SearchSpace.of_foreign("")  # what NNI passes then
        elif not present:
            hint = f"name a file with {name}, or write useAnnotation: true"
            self._mistake("useAnnotation", "there is no search space", hint)
        with self._at(present[0] if present else name):
            if inline is not None:
                return self._noted(space_for(tuner, inline), "searchSpace")
            if path is not None:
                return self._noted(read_space(self._path(str(path)), tuner), str(path))
        return None

    def _noted(self, space: SearchSpace, where: str) -> SearchSpace:
        self._notes += note(space, where)
        return space

    # The algorithms

    def _algorithms(self) -> dict[str, Any]:
        """Settings of the sections tuner, assessor and advisor, as far as the file has them."""
        file = self._file
        settings: dict[str, Any] = {}
        if file.advisor is not None:
            for name in ("tuner", "assessor"):
                if getattr(file, name) is not None:
                    self._mistake(name, f"{name}: an advisor is tuner and assessor in one")
            settings |= self._section("advisor", file.advisor, "tuner")
        elif file.tuner is not None:
            settings |= self._section("tuner", file.tuner, "tuner")
        if file.assessor is not None and file.advisor is None:
            assessor = self._section("assessor", file.assessor, "assessor")
            self._compare_directions(settings, assessor)
            settings |= assessor
        return settings

    def _compare_directions(self, tuner: Settings, assessor: Settings) -> None:
        directions = {part["maximize"] for part in (tuner, assessor) if "maximize" in part}
        if len(directions) == 2:
            self._mistake(
                "assessor.classArgs.optimize_mode", "optimize_mode differs from the tuner's"
            )

    def _refuse_threads(self, named: Settings) -> None:
        """Refuse threads for the user's own class: one that needs a second would hang."""
        own = any(custom.is_custom(named.get(role, "")) for role in ("tuner", "assessor"))
        if own and self._file.multi_thread:
            self._mistake(
                "multiThread",
                "multiThread: your own class is called in one thread, one call at a time",
                "remove it, unless one of its methods waits until another is called",
            )

    def _section(self, section: str, algorithm: Algorithm, role: str) -> dict[str, Any]:
        args = dict(algorithm.class_args or {})
        settings: dict[str, Any] = {}
        if "optimize_mode" in args:
            mode = args.pop("optimize_mode")
            if mode not in ("maximize", "minimize"):
                self._mistake(
                    f"{section}.classArgs.optimize_mode",
                    f"optimize_mode must be maximize or minimize, not {mode!r}",
                )
            settings["maximize"] = mode != "minimize"
        return {**settings, role: self._name(section, algorithm, role), f"{role}_args": args}

    def _name(self, section: str, algorithm: Algorithm, role: str) -> str:
        field, name = _builtin(algorithm)
        if name and algorithm.class_name:
            self._mistake(f"{section}.className", f"{section} has both a name and your own class")
        if name:
            with self._at(f"{section}.{field}"):
                return _FIND[role](name)
        elif algorithm.class_name is None:
            hint = f"write {field}: followed by the algorithm's name"
            self._mistake(section, f"{section} has no name", hint)
        else:
            with self._at(f"{section}.className"):
                return self._own(algorithm)
        return ""

    def _own(self, algorithm: Algorithm) -> str:
        """The reference to the user's own class: `className: Mine` or `my.module.Mine`."""
        module, _, name = str(algorithm.class_name).rpartition(".")
        file = algorithm.class_file_name or (module and module.replace(".", "/") + ".py")
        if not file:
            raise TunerError("its file is not named", hint="write classFileName: my_tuner.py")
        folder = self._path(algorithm.code_dir or algorithm.code_directory or ".")
        if not (folder / file).is_file():
            raise TunerError(f"there is no file {folder / file}")
        return custom.reference(folder, file, name)


_FIND: dict[str, Callable[[str], str]] = {
    "tuner": algorithms.tuner_name,
    "assessor": algorithms.assessor_name,
}


def _builtin(algorithm: Algorithm) -> tuple[str, str | None]:
    """The field that names a built-in algorithm, and the name."""
    role = type(algorithm).__name__.lower()
    old = getattr(algorithm, f"builtin_{role}_name")
    return ("name", algorithm.name) if old is None else (f"builtin{role.title()}Name", old)


def _project(running: Settings, code: Path, space: SearchSpace | None) -> Project:
    script = Path(running["cwd"], running["script"]) if running["script"] else None
    if space is not None:
        return read_as_it_is(script, code, space)
    arguments = running["arguments"] if script else script_arguments(running["command"])
    entry = code if running.get("module") else None
    project = read_project(script, code, arguments, entry=entry)
    if project.overridden and not project.places:
        raise AnnotateError(
            "\n".join(remarks(project, "the script")), hint="nothing is left to tune"
        )
    if not project.places:
        raise AnnotateError(
            f"{script or code} has no annotation, so there is nothing to tune",
            hint="annotate suggest proposes some; or name a file with searchSpacePath",
        )
    return project
