"""What a config file asks for: a Config, the code as it is, and its search space."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError, Mistake, Mistakes
from annotate.json_value import JSON
from annotate.project import Project, read_as_it_is, read_project, remarks
from annotate.space import SearchSpace
from runtime import custom
from runtime.core.config import Config
from runtime.loop import algorithms
from runtime.nni_config import checking
from runtime.nni_config.checking import SAME, given
from runtime.nni_config.document import ConfigMistakes, Document, load
from runtime.nni_config.fields import Advisor, Algorithm, Assessor, ConfigFile, Tuner
from runtime.system.command import plain_script
from runtime.system.interpreter import interpreter
from tuners.base import TunerError


@dataclass(frozen=True, slots=True)
class Meant:
    """`notes` are for the person: what was given and does nothing."""

    config: Config
    project: Project
    notes: tuple[str, ...]
    debug: bool


def read(path: Path, environment: Mapping[str, str], *, python: str | None = None) -> Meant:
    """Read the config file `path`; paths in it are relative to its folder.

    `python` runs the trials where the command is plainly a script, in place of the one that it
    names. Raises ConfigMistakes with all that is wrong with the file, Mistakes where annotations
    are wrong, and AnnotateError.
    """
    document = load(path)
    return _Reading(document, checking.check(document), path, environment, python).meant()


class _Reading:
    """One file that fits its fields; mistakes of meaning are gathered here."""

    def __init__(
        self,
        document: Document,
        file: ConfigFile,
        path: Path,
        environment: Mapping[str, str],
        python: str | None,
    ) -> None:
        self._document, self._file = document, file
        self._folder = Path(os.path.abspath(path)).parent  # noqa: PTH100  links stay links
        self._environment, self._python = environment, python
        self._mistakes: list[Mistake] = []

    def meant(self) -> Meant:
        command = self._command()
        code = self._code_folder()
        space = self._space()
        algorithm = self._algorithms()
        if self._mistakes:
            raise ConfigMistakes(self._document.path, self._mistakes)
        assert command is not None
        running = self._running(command, code)
        config = Config(
            **running,
            **algorithm,
            **self._limits(),
            **self._gpus(),
            name=self._file.experiment_name or Path(running["script"] or code).stem,
            seed=secrets.randbelow(2**31),
            baseline=False,
        )
        project = _project(config, code, space)
        notes = [*checking.notes(self._document), *remarks(project, "the script", config.arguments)]
        if config.without_lease:
            what = f"{self._document.path}: {', '.join(config.without_lease)}"
            notes.append(f"{what}: no GPU is leased, as gpuNum is not above 0")
        debug = bool(self._file.debug or self._file.log_level in ("trace", "debug"))
        return Meant(config, project, tuple(notes), debug)

    # Finding

    def _one(self, names: tuple[str, ...]) -> tuple[str, Any]:
        """Whichever of the names the file has, with its value; the first, where it has none."""
        for name in names:
            value = given(self._document.data, name)
            if value is not None:
                return name, value
        return names[0], None

    def _wrong(self, field: str, message: str, hint: str = "") -> None:
        place = tuple(field.split("."))
        self._mistakes.append(self._document.mistake(place, message, hint, code="C401"))

    @contextmanager
    def _at(self, field: str) -> Iterator[None]:
        try:
            yield
        except Mistakes as error:  # another file's own
            self._mistakes += error.mistakes
        except AnnotateError as error:
            self._wrong(field, f"{field}: {error.message}", error.hint)

    def _path(self, text: str) -> Path:
        return self._folder / Path(text).expanduser()

    # What a trial is

    def _command(self) -> str | None:
        name, value = self._one(SAME[3])
        if value is None or not str(value).strip():
            hint = "write trial:, and below it command: python3 train.py"
            self._wrong(name, "the trial has no command", hint)
            return None
        return str(value).strip()

    def _code_folder(self) -> Path:
        name, value = self._one(SAME[4])
        folder = self._path(str(value or "."))
        if not folder.is_dir():
            self._wrong(name, f"{name}: there is no folder {folder}")
        return Path(os.path.normpath(folder))

    def _running(self, command: str, code: Path) -> dict[str, Any]:
        plain = plain_script(command, code, self._environment)
        if plain is None:
            python = interpreter(self._python, self._environment)
            return {"script": "", "command": command, "cwd": str(code), "python": python}
        python = interpreter(self._python, self._environment) if self._python else plain.python
        return {
            "script": plain.script,
            "arguments": plain.arguments,
            "cwd": str(code),
            "python": python,
        }

    # The search space; None where the annotations are it

    def _space(self) -> SearchSpace | None:
        name, path = self._one(SAME[2])
        inline = self._file.search_space
        given_as = [n for n, v in ((name, path), ("searchSpace", inline)) if v is not None]
        if self._file.use_annotation:
            for other in given_as:
                self._wrong(
                    other,
                    f"{other}: with useAnnotation: true the annotations are the search space",
                    f"leave {other} out, or write useAnnotation: false",
                )
            return None
        if len(given_as) == 2:
            self._wrong("searchSpace", f"searchSpace says again what {name} says", "keep one")
        elif not given_as:
            hint = f"name a file by {name}, or write useAnnotation: true"
            self._wrong("useAnnotation", "there is no search space", hint)
        with self._at(given_as[0] if given_as else name):
            if inline is not None:
                return SearchSpace.from_json(inline)
            return read_space(self._path(str(path))) if path is not None else None
        return None

    # The algorithms

    def _algorithms(self) -> dict[str, Any]:
        file = self._file
        if file.advisor is not None:
            for name in ("tuner", "assessor"):
                if getattr(file, name) is not None:
                    self._wrong(name, f"{name}: an advisor is tuner and assessor in one")
            name, args = self._tuner("advisor", file.advisor)
        else:
            name, args = self._tuner("tuner", file.tuner)
        found: dict[str, Any] = {"tuner": name} if name else {}
        mode = args.pop("optimize_mode", "maximize")
        if mode not in ("maximize", "minimize"):
            section = "advisor" if file.advisor else "tuner"
            self._wrong(
                f"{section}.classArgs.optimize_mode",
                f"optimize_mode is maximize or minimize, not {mode!r}",
            )
        found |= {"tuner_args": args, "maximize": mode != "minimize"}
        if file.assessor is not None and file.advisor is None:
            assessor, assessor_args = self._assessor(file.assessor)
            found |= {"assessor": assessor, "assessor_args": assessor_args}
        return found

    def _tuner(self, section: str, given: Tuner | Advisor | None) -> tuple[str, dict[str, JSON]]:
        if given is None:
            return "", {}
        builtin = given.builtin_tuner_name if isinstance(given, Tuner) else None
        builtin = given.builtin_advisor_name if isinstance(given, Advisor) else builtin
        return self._algorithm(section, builtin or given.name, given, algorithms.tuner_name)

    def _assessor(self, given: Assessor) -> tuple[str, dict[str, JSON]]:
        builtin = given.builtin_assessor_name or given.name
        return self._algorithm("assessor", builtin, given, algorithms.assessor_name)

    def _algorithm(
        self, section: str, builtin: str | None, given: Algorithm, find: Any
    ) -> tuple[str, dict[str, JSON]]:
        args = dict(given.class_args or {})
        if builtin and given.class_name:
            self._wrong(f"{section}.className", f"{section}: a name and a class of your own")
        if builtin:
            short = next(
                k for k in given.model_fields_set if k.endswith("name") and k != "class_name"
            )
            field = str(type(given).model_fields[short].alias)
            with self._at(f"{section}.{field}"):
                return str(find(builtin)), args
        elif given.class_name is None:
            self._wrong(section, f"{section} has no name", "write builtinTunerName: TPE, or alike")
        else:
            with self._at(f"{section}.className"):
                return self._own(given), args
        return "", args

    def _own(self, given: Algorithm) -> str:
        """The reference to a class of the user's own: `className: Mine` or `my.module.Mine`."""
        module, _, name = str(given.class_name).rpartition(".")
        file = given.class_file_name or (module and module.replace(".", "/") + ".py")
        if not file:
            raise TunerError("its file is not named", hint="write classFileName: my_tuner.py")
        folder = self._path(given.code_dir or given.code_directory or ".")
        if not (folder / file).is_file():
            raise TunerError(f"there is no file {folder / file}")
        return custom.reference(folder, file, name)

    # Limits and GPUs

    def _limits(self) -> dict[str, Any]:
        file = self._file
        return {
            "concurrency": file.trial_concurrency or 1,
            "max_trials": file.max_trial_num or file.max_trial_number,
            "max_duration": file.max_exec_duration or file.max_experiment_duration,
            "trial_timeout": file.max_trial_duration,
        }

    def _gpus(self) -> dict[str, Any]:
        file = self._file
        service, local = file.training_service, file.local_config
        counts = (
            file.trial and file.trial.gpu_num,
            file.trial_gpu_number,
            service and service.trial_gpu_number,
        )
        found: dict[str, Any] = {
            "gpus": next((n for n in counts if n is not None), None),
            "gpu_indices": (local and local.gpu_indices) or (service and service.gpu_indices),
            "trials_per_gpu": (local and local.max_trial_num_per_gpu)
            or (service and service.max_trial_number_per_gpu),
            "use_active_gpu": (local and local.use_active_gpu)
            or (service and service.use_active_gpu),
        }
        return {name: value for name, value in found.items() if value is not None}


def read_space(path: Path) -> SearchSpace:
    """A search space file: JSON, or YAML where its suffix says so. Raises AnnotateError."""
    if path.suffix.lower() not in (".yml", ".yaml"):
        return SearchSpace.read(path)
    return SearchSpace.from_json(load(path).data)


def _project(config: Config, code: Path, space: SearchSpace | None) -> Project:
    script = config.path if config.script else None
    if space is not None:
        return read_as_it_is(script, code, space)
    project = read_project(script, code, config.arguments)
    if not project.places:
        raise AnnotateError(
            f"{script or code} has no annotation, so there is nothing to tune",
            hint="annotate suggest proposes some; searchSpacePath names a file instead",
        )
    return project
