"""The user's modules outside the code folder that a script imports: frozen like those inside.

The trials' interpreter tells where it finds what the code imports, so PYTHONPATH, .pth files and
editable installs count. The script may put more folders on the path: names are also looked for in
the current folder and around the code folder. A trial names the modules that were missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from annotate import formats, imports
from annotate.files import python_files
from annotate.project import OutsideFolder, Project
from runtime.system.home_folder import expanded

_ASK = """\
import json, sys, sysconfig
from importlib.util import find_spec
sys.path[0] = sys.argv[1]
locations = {}
for name in sys.argv[2:]:
    try:
        spec = find_spec(name)
    except Exception:
        spec = None
    if spec is not None:
        places = list(spec.submodule_search_locations or ())
        locations[name] = places or [spec.origin or ""]
print(json.dumps([locations, sysconfig.get_paths()["stdlib"]]))
"""
_PATIENCE = 60.0  # seconds
_MOST = 1000  # files of a package; a larger one is hardly edited during a run
_ROUNDS = 5  # each searches the modules of the last one for further imports
_OURS = ("annotate", "annotate_hpo", "nni", "runtime", "tuners")
_INSTALLED = ("site-packages", "dist-packages")


def with_outside(
    project: Project, python: str, environment: Mapping[str, str], cwd: Path, entry: Path
) -> Project:
    """The project, with the user's modules outside its folder that its code imports.

    Trials run in `cwd` and find their modules in `entry` first. Modules that are installed, or that
    belong to the interpreter, are not the user's.
    """
    search = _Search(project, python, environment, cwd, entry)
    code = [formats.python(f.source, str(f.path)) for f in project.files if f.counts]
    names: set[str] = set()
    for _ in range(_ROUNDS):
        new = {name for source in code for name in _names(source)} - names
        names |= new
        code = search.add(new)
        if not code:
            break
    folders = tuple(
        OutsideFolder(folder, files, folder in search.on_path)
        for folder, files in search.files.items()
    )
    return replace(project, outside=folders)


def _names(source: bytes) -> Iterator[str]:
    """The top-level names that a source imports, except the standard library's."""
    for imported in imports.find(source):
        if imported.module and not imported.level:
            name = imported.module.partition(".")[0]
            if name.isidentifier() and name not in sys.stdlib_module_names and name not in _OURS:
                yield name


class _Search:
    """Collects files by the folder that is on the path, and by their path below it."""

    def __init__(
        self,
        project: Project,
        python: str,
        environment: Mapping[str, str],
        cwd: Path,
        entry: Path,
    ) -> None:
        self.files: dict[Path, dict[PurePosixPath, bytes]] = {}
        self.on_path: set[Path] = set()  # folders in which the interpreter itself finds modules
        self._root = project.root
        self._python, self._environment = python, environment
        self._cwd, self._entry = cwd, entry
        self._around = list(_around(self._root, cwd))

    def add(self, names: Iterable[str]) -> list[bytes]:
        """Add the files of these modules; returns the sources that are new."""
        names = [name for name in sorted(names) if not _exists(self._entry.resolve(), name)]
        places, library = self._ask(names)
        self.on_path.update(place.resolve().parent for place in places)
        for folder in self._around:
            places += [folder / name for name in names] + [folder / f"{name}.py" for name in names]
        sources = []
        for place in dict.fromkeys(path.resolve() for path in places):
            if self._is_users(place, library):
                sources += self._add(place)
        return sources

    def _ask(self, names: list[str]) -> tuple[list[Path], Path]:
        if not names:
            return [], Path("/nowhere")
        try:
            done = subprocess.run(
                [self._python, "-c", _ASK, str(self._entry), *names],
                cwd=self._cwd,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
            locations, library = json.loads(done.stdout.splitlines()[-1])
        except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
            return [], Path("/nowhere")
        paths = [
            Path(self._cwd, place) for places in locations.values() for place in places if place
        ]
        return paths, Path(library).resolve()

    def _is_users(self, place: Path, library: Path) -> bool:
        inside = place.is_relative_to(self._root) or place.is_relative_to(library)
        ours = (place.parent / "annotate_hpo.py").exists()
        return not (inside or ours or set(_INSTALLED).intersection(place.parts))

    def _add(self, place: Path) -> list[bytes]:
        """Add the package or the module at `place`, if it is one."""
        folder = place.parent
        if place.is_dir():
            paths = [PurePosixPath(place.name) / path for path in python_files(place)]
        else:
            paths = [PurePosixPath(place.name)] if place.suffix == ".py" and place.is_file() else []
        known = self.files.get(folder, {})
        new: dict[PurePosixPath, bytes] = {}
        for path in paths if len(paths) <= _MOST else ():
            real = folder / path
            if path not in known and not real.is_relative_to(self._root):
                try:
                    new[path] = real.read_bytes()
                except OSError:
                    continue
        if new:
            self.files[folder] = {**known, **new}
        return list(new.values())


def _exists(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _around(root: Path, cwd: Path) -> Iterator[Path]:
    """Folders that scripts add to the path: the current one, and those around the code folder."""
    top = next((p for p in (root, *root.parents) if (p / ".git").exists()), root.parent)
    home = expanded("~")  # stays "~" where this user has no home folder
    above = [folder for folder in root.parents if folder.is_relative_to(top)]
    for folder in dict.fromkeys([cwd.resolve(), *above]):
        if folder not in (root, home, Path(folder.anchor)):
            yield from (folder, folder / "src")
