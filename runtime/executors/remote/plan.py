"""What one experiment needs on each machine, and where it lies there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from annotate.json_value import JSON
from runtime.core.paths import ExperimentFolder
from runtime.executors.layout import Layout
from runtime.executors.remote.carrier import Carrier
from runtime.executors.remote.shipping import Shipped, ship


@dataclass(frozen=True)
class Plan:
    """One experiment for other machines.

    `code` is the user's code folder, links resolved, and `files` are those in it that trials may
    read. `cwd` is the working folder. `script` is what a fork server runs; None if each trial
    starts a new interpreter. `variables` are the user's that trials get there.
    """

    folder: ExperimentFolder
    code: Path
    files: tuple[Path, ...]
    cwd: Path
    script: str | None
    umask: int
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def shipped(self) -> Shipped:
        """Reads all files; raises OSError."""
        return ship(self.folder, self.code, list(self.files))

    def files_for(self, place: str) -> dict[str, str]:
        """Files whose text depends on the machine; `place` is the experiment's folder there."""
        folders = self._outside(place)
        return {
            "stage/root": f"{place}/code",
            "snapshot/outside.list": "".join(f"{folder}\0" for folder in folders),
        }

    def layout(self, carrier: Carrier, facts: Mapping[str, JSON]) -> Layout:
        """How jobs run on the machine."""
        place = str(facts["folder"])
        below = PurePosixPath(os.path.relpath(os.path.realpath(self.cwd), self.code))
        variables = dict(self.variables)
        path = [*self._outside(place), *filter(None, [variables.get("PYTHONPATH")])]
        if path:
            variables["PYTHONPATH"] = os.pathsep.join(path)
        return Layout(
            platform=carrier.platform,
            python=carrier.python or str(facts["python"]),
            stage=f"{place}/stage",
            cwd=str(PurePosixPath(place, "code") / below),
            environment=variables,
            stdin=f"{place}/snapshot/stdin" if self.folder.stdin.exists() else None,
        )

    def _outside(self, place: str) -> list[str]:
        """Where the machine seems to have the folders beside the code folder: only their names."""
        try:
            data = (self.folder.snapshot / "outside.list").read_bytes()
        except OSError:
            return []
        return [f"{place}/outside/{number}" for number in range(data.count(b"\0"))]
