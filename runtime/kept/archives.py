"""An experiment as one file: a compressed tar archive of its folder."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.core.paths import ExperimentFolder

_ID = re.compile(r"[A-Za-z0-9]{1,32}")


def save(folder: ExperimentFolder, target: Path) -> None:
    """Write the archive `target`, or nothing. The experiment must not be running.

    Raises AnnotateError if `target` exists, and OSError.
    """
    if os.path.lexists(target):
        raise AnnotateError(f"{target} exists already", hint="choose another folder with --path")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".annotate-") as beside:
        part = Path(beside, target.name)
        with tarfile.open(part, "w:gz") as archive:
            archive.add(folder.path, folder.id, filter=_without_lock)
        part.rename(target)


def _without_lock(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.partition("/")[2] == "lock" else member


def load(source: Path) -> ExperimentFolder:
    """Unpack an archive among the experiments of this home.

    Raises AnnotateError if it is no archive of an experiment, or the experiment is there already,
    and OSError. Nothing of it stays then.
    """
    home = paths.experiments()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tarfile.open(source, "r:gz") as archive,
            tempfile.TemporaryDirectory(dir=home, prefix=".removed-") as unpacked,
        ):
            archive.errorlevel = 2  # raise every error
            members = archive.getmembers()
            name = _name(source, members)
            folder = ExperimentFolder(home / name)
            if os.path.lexists(folder.path):
                raise AnnotateError(f"experiment {name} is here already; nothing was loaded")
            # Links last, so that no file is written through one.
            for member in sorted(members, key=tarfile.TarInfo.issym):
                _extract(archive, member, Path(unpacked))
            shutil.move(Path(unpacked, name), folder.path)
    except (tarfile.TarError, EOFError) as error:
        raise _not_an_experiment(source, str(error)) from None
    return folder


def _name(source: Path, members: list[tarfile.TarInfo]) -> str:
    """The experiment's id, which is the folder that all members are in."""
    name = members[0].name.partition("/")[0] if members else ""
    for member in members:
        top, *below = member.name.split("/")
        kind = member.isdir() or member.isreg() or member.issym()
        if not _ID.fullmatch(name) or top != name or ".." in below or not kind:
            raise _not_an_experiment(source, f"it has {member.name!r}")
    if f"{name}/{ExperimentFolder(Path(name)).store.name}" not in {m.name for m in members}:
        raise _not_an_experiment(source, "it has no results")
    return name


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    # Checked above; the filters of newer Pythons refuse the snapshot's links to the user's files.
    trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
    archive.extract(member, folder, **trusted)  # type: ignore[arg-type]


def _not_an_experiment(source: Path, why: str) -> AnnotateError:
    return AnnotateError(
        f"{source} is no saved experiment: {why}", hint="annotate experiment save ID writes one"
    )
