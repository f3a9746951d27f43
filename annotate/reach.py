"""Which files of a project run when a script does, judging by their imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from annotate import formats, imports
from annotate.imports import Import


def reached(
    start: PurePosixPath, sources: dict[PurePosixPath, bytes], entry: PurePosixPath
) -> set[PurePosixPath]:
    """The files that are imported when `start` runs, itself included.

    `entry` is the folder in which it looks for modules first. If that is above the file's own
    folder, the file runs as a module, after the packages around it.
    """
    modules = _Modules(sources, entry)
    packages = [folder / "__init__.py" for folder in start.parents if folder != entry]
    within = start.is_relative_to(entry) and start.parent != entry
    reachable = {start, *(path for path in packages if within and path in sources)}
    waiting = list(reachable)
    while waiting:
        path = waiting.pop()
        for imported in imports.find(formats.python(sources[path], str(path))):
            if imported.module is None:
                return set(sources)
            new = set(modules.files(imported, path)) - reachable
            reachable |= new
            waiting += new
    return reachable


class _Modules:
    """Finds the files of a project that an import runs."""

    def __init__(self, paths: Iterable[PurePosixPath], script_folder: PurePosixPath) -> None:
        self._paths = frozenset(paths)
        self._folders = frozenset(parent for path in self._paths for parent in path.parents)
        # Where Python, or an installation of the project, may look for its modules.
        top = PurePosixPath()
        self._bases = list(dict.fromkeys([script_folder, top, top / "src"]))
        self._anywhere: dict[str, list[PurePosixPath]] = {}
        for path in self._paths:
            for folder in (path.parent, path.parent.parent):
                name = path.relative_to(folder).parts[0].removesuffix(".py")
                if folder not in self._anywhere.setdefault(name, []):
                    self._anywhere[name].append(folder)

    def files(self, imported: Import, importer: PurePosixPath) -> Iterator[PurePosixPath]:
        assert imported.module is not None
        parts = tuple(part for part in imported.module.split(".") if part)
        for base in self._bases_of(imported, parts, importer):
            if imported.level and (init := self._file(base / "__init__")):
                yield init
            yield from self._chain(base, parts)
            module = base.joinpath(*parts)
            for name in imported.names:
                yield from self._chain(module, (name,))

    def _bases_of(
        self, imported: Import, parts: tuple[str, ...], importer: PurePosixPath
    ) -> list[PurePosixPath]:
        if imported.level:
            folder = importer.parent
            for _ in range(imported.level - 1):
                folder = folder.parent
            return [folder]
        if not parts:
            return []
        bases = [base for base in self._bases if self._exists(base / parts[0])]
        return bases or self._anywhere.get(parts[0], [])

    def _exists(self, module: PurePosixPath) -> bool:
        return module.with_name(module.name + ".py") in self._paths or module in self._folders

    def _chain(self, base: PurePosixPath, parts: tuple[str, ...]) -> Iterator[PurePosixPath]:
        """The files that importing `parts` below `base` runs, including parent packages."""
        for part in parts:
            base = base / part
            for candidate in (base, base / "__init__"):
                if file := self._file(candidate):
                    yield file

    def _file(self, module: PurePosixPath) -> PurePosixPath | None:
        path = module.with_name(module.name + ".py")
        return path if path in self._paths else None
