"""Reports a bug in the user's algorithm by its place in the user's file."""

from __future__ import annotations

import os
import sys
import traceback


def blame(error: BaseException, file: str) -> tuple[str, str]:
    """A message that begins with `path:line`, and a hint: the source line, or what to do.

    The place is the user's last frame, in the folder of `file`.
    """
    path, line, frame = _place(error, file)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    message = f"{path}:{line}: {type(error).__name__}{': ' if text else ''}{text}"
    return message, _hint(error, frame)


def print_stack(error: BaseException, file: str) -> None:
    """Print the traceback from the user's first frame on, if it says more than `blame`."""
    stack = error.__traceback__
    while stack is not None and not _is_users(stack.tb_frame.f_code.co_filename, file):
        stack = stack.tb_next
    chained = error.__cause__ is not None or error.__context__ is not None
    if stack is not None and (stack.tb_next is not None or chained):
        traceback.print_exception(type(error), error, stack)


def _is_users(path: str, file: str) -> bool:
    """Whether the source file `path` is in the folder of `file`, outside an environment there."""
    folder = os.path.dirname(file) + os.sep
    return path.startswith(folder) and "-packages" + os.sep not in path[len(folder) :]


def _hint(error: BaseException, frame: traceback.FrameSummary | None) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"algorithms run in {sys.executable}; install it there, or choose another: --python"
    if isinstance(error, SyntaxError) and error.text:
        return error.text.strip()
    if frame is None or not frame.line:
        return ""
    return f"in {frame.name}: {frame.line}" if frame.name != "<module>" else frame.line


def _place(error: BaseException, file: str) -> tuple[str, int, traceback.FrameSummary | None]:
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 1, None
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_users(frame.filename, file):
            return frame.filename, frame.lineno or 1, frame
    return file, 1, None
