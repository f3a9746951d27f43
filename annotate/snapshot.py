"""A project frozen in a folder: what trials run, and what the user had written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from annotate.project import Project

MANIFEST = "snapshot.json"


def freeze(project: Project, folder: Path) -> None:
    """Write `code/` (what trials run), `source/` (annotated files as written) and the manifest.

    Every file is complete on the disk before the manifest names it, and the manifest comes last:
    a folder that has one is whole. Raises OSError.
    """
    for file in project.files:
        _write(folder / "code" / file.path, file.expanded)
        if file.annotated:
            _write(folder / "source" / file.path, file.source)
    manifest = {
        "root": str(project.root),
        "files": {
            str(file.path): {
                "annotated": file.annotated,
                "counts": file.counts,
                "sha256": hashlib.sha256(file.source).hexdigest(),
            }
            for file in project.files
        },
        "space": project.space.to_json(),
    }
    _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
