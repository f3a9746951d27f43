"""Sends whole files of text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fastapi.responses import Response, StreamingResponse

TEXT = "text/plain; charset=utf-8"
_CHUNK = 1 << 18  # bytes


def whole(path: Path, kind: str = TEXT) -> Response:
    """The whole file as an answer of the media type `kind`; empty if there is no file yet."""
    # Not as a file, whose length would be told first: it may be growing.
    return StreamingResponse(_chunks(path), media_type=kind)


def _chunks(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(OSError), path.open("rb") as file:  # nothing has been printed yet
        while chunk := file.read(_CHUNK):
            yield chunk
