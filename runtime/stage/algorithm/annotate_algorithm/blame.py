"""Reports a bug in the user's algorithm by its place in the user's file."""

from __future__ import annotations

import os
import sys
import traceback


def blame(error: BaseException, file: str) -> tuple[str, str]:
    """A message that begins with `path:line`, and a hint: the source line, or what to do.

    The place is the last frame in the folder of `file`.
    """
    path, line, frame = _place(error, file)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    message = f"{path}:{line}: {type(error).__name__}{': ' if text else ''}{text}"
    return message, _hint(error, frame)


def _hint(error: BaseException, frame: traceback.FrameSummary | None) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"algorithms run in {sys.executable}; install it there, or choose another: --python"
    if frame is None or not frame.line:
        return ""
    return f"in {frame.name}: {frame.line}" if frame.name != "<module>" else frame.line


def _place(error: BaseException, file: str) -> tuple[str, int, traceback.FrameSummary | None]:
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 1, None
    folder = os.path.dirname(file) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(folder):
            return frame.filename, frame.lineno or 1, frame
    return file, 1, None
