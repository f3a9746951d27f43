"""A bug in the user's own tuner, told by its place in the user's own file."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from annotate.errors import AnnotateError
from tuners.base import Exhausted


class CustomError(AnnotateError):
    """The user's own tuner or assessor raised, or gave what cannot be used."""


@contextmanager
def blaming(file: Path) -> Iterator[None]:
    """Turn what code in the folder of `file` raises into a CustomError with its file and line."""
    try:
        yield
    except (AnnotateError, Exhausted):
        raise
    except (Exception, SystemExit) as error:
        raise CustomError(_sentence(error, file), hint=_hint(error, file)) from error


def _sentence(error: BaseException, file: Path) -> str:
    path, line, _ = _place(error, file)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{path}:{line}: {type(error).__name__}{': ' if text else ''}{text}"


def _hint(error: BaseException, file: Path) -> str:
    *_, frame = _place(error, file)
    if frame is None or not frame.line:
        return ""
    return f"in {frame.name}: {frame.line}" if frame.name != "<module>" else frame.line


def _place(error: BaseException, file: Path) -> tuple[str, int, traceback.FrameSummary | None]:
    """The last frame in the user's folder, else the file itself; a syntax error's own place."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 1, None
    folder = str(file.parent) + os.sep
    frames = _frames(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename.startswith(folder):
            return frame.filename, frame.lineno or 1, frame
    return str(file), 1, None


def _frames(tb: TracebackType | None) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(tb))
