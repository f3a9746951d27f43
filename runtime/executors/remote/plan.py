"""What one experiment needs on each machine, and where it lies there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from annotate.json_value import JSON
from annotate.snapshot import MANIFEST
from runtime.core.paths import ExperimentFolder
from runtime.executors.layout import Layout
from runtime.executors.remote.carrier import Carrier
from runtime.executors.remote.shipping import Shipped, ship


@dataclass(frozen=True)
class Plan:
    """One experiment for other machines.

    `code` is the user's code folder, links resolved, and `files` are those in it that trials may
    read. `cwd` is the working folder. `script` is what a fork server runs; None if each trial
    starts a new interpreter. `python_path` is the user's PYTHONPATH. With `gpus`, trials
    lease GPUs. `variables` are set for trials.
    """

    folder: ExperimentFolder
    code: Path
    files: tuple[Path, ...]
    cwd: Path
    script: str | None
    umask: int
    python_path: str = ""
    gpus: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # may be secrets

    @cached_property
    def shipped(self) -> Shipped:
        """Reads all files; raises OSError."""
        return ship(self.folder, self._base, self.files, self._outside)

    def files_for(self, place: str) -> dict[str, str]:
        """Files whose text depends on the machine; `place` is the experiment's folder there."""
        folders = [self._there(place, folder) for folder in self._outside]
        return {
            "stage/root": self._there(place, self.code),
            "snapshot/outside.list": "".join(f"{folder}\0" for folder in folders),
        }

    def layout(self, carrier: Carrier, facts: Mapping[str, JSON]) -> Layout:
        """How jobs run on the machine."""
        place = str(facts["folder"])
        path = [self._there(place, Path(entry)) for entry in self._path_entries()]
        path += filter(None, [self.variables.get("PYTHONPATH")])
        python_path = {"PYTHONPATH": os.pathsep.join(path)} if path else {}
        return Layout(
            platform=carrier.platform,
            python=carrier.python or str(facts["python"]),
            stage=f"{place}/stage",
            cwd=self._there(place, self._cwd),
            environment={**self.variables, **python_path},
            stdin=f"{place}/snapshot/stdin" if self.folder.stdin.exists() else None,
            moved=lambda path: self._there(place, Path(path)),
        )

    # Folders there lie to each other as they do here, below their common folder.

    @cached_property
    def _cwd(self) -> Path:
        return Path(os.path.realpath(self.cwd))

    @cached_property
    def _outside(self) -> tuple[Path, ...]:
        """The folders beside the code folder whose modules are in the snapshot."""
        try:
            data = (self.folder.snapshot / "outside.list").read_bytes()
        except OSError:
            return ()
        return tuple(Path(os.fsdecode(name)) for name in data.split(b"\0")[:-1])

    @cached_property
    def _base(self) -> Path:
        return Path(os.path.commonpath([self.code, self._cwd, *self._outside]))

    def _there(self, place: str, path: Path) -> str:
        real = Path(os.path.realpath(path.parent)) / path.name
        return os.path.normpath(PurePosixPath(place, "code") / os.path.relpath(real, self._base))

    def _path_entries(self) -> list[Path]:
        """What is on Python's path here of the folders that are sent, those of PYTHONPATH first."""
        sent = (self.code, *self._outside)
        entries = [
            Path(os.path.realpath(self._cwd / entry))
            for entry in self.python_path.split(os.pathsep)
            if entry
        ]
        known = [entry for entry in entries if any(entry.is_relative_to(f) for f in sent)]
        try:
            manifest = json.loads((self.folder.snapshot / MANIFEST).read_bytes())
        except OSError:
            manifest = {}
        return list(dict.fromkeys([*known, *map(Path, manifest.get("on_path", ()))]))
