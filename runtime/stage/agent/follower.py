"""What a runner tells its agent, as a queue for the agent's loop."""

from __future__ import annotations

import os
import traceback
from collections import deque
from typing import Any, Deque, Dict, List, Tuple

from runtime.stage.agent.runner import Listener
from runtime.stage.agent.runs import FILES


class Follower(Listener):
    """Keeps what the runner tells, in order, until the agent's loop takes it."""

    def __init__(self) -> None:
        self.news: Deque[Tuple[int, str, Dict[str, Any]]] = deque()
        self._files: Dict[int, Tuple[str, List[int]]] = {}  # by trial: its run's folder, and sizes

    def on_start(self, trial: int, when: float, pid: int) -> None:
        self.news.append((trial, "started", {"time": when, "pid": pid}))

    def watch(self, trial: int, folder: str) -> None:
        """Report when the trial writes to its run's folder."""
        self._files[trial] = (folder, [])

    def read(self, trial: int) -> bool:
        folder, before = self._files[trial]
        sizes = [_size(os.path.join(folder, name)) for name in FILES]
        if sizes != before:
            self._files[trial] = (folder, sizes)
            self.news.append((trial, "wrote", {}))
        return False

    def on_end(self, trial: int, when: float, code: int, cause: str | None, lost: bool) -> None:
        del self._files[trial]
        end = {"time": when, "code": code, "cause": cause, "lost": lost}
        self.news.append((trial, "ended", end))

    def on_clear(self, trial: int) -> None:
        self.news.append((trial, "cleared", {}))

    def on_bug(self, error: Exception) -> None:
        raise error


def describe(error: BaseException) -> str:
    """An error of ours, and where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " (%s, line %s)" % (os.path.basename(frames[-1].filename), frames[-1].lineno)
    return "%s: %s%s" % (type(error).__name__, error, place if frames else "")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
