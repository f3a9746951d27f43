"""What a runner tells its agent, as a queue for the agent's loop."""

from __future__ import annotations

import os
import traceback
from queue import SimpleQueue
from typing import Any, Callable, Dict, List, Tuple

from runtime.stage.agent.runner import Listener
from runtime.stage.agent.runs import FILES


class Follower(Listener):
    """Hands what the runner tells over to the agent's loop, in order."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.news: SimpleQueue[Tuple[int, str, Dict[str, Any]]] = SimpleQueue()
        self._wake = wake
        self._files: Dict[int, Tuple[str, List[int]]] = {}  # by trial: its run's folder, and sizes

    def on_start(self, trial: int, when: float, pid: int) -> None:
        self.news.put((trial, "started", {"time": when, "pid": pid}))
        self._wake()

    def watch(self, trial: int, folder: str) -> None:
        """Wake the loop when the trial writes to its run's folder."""
        self._files[trial] = (folder, [])

    def read(self, trial: int) -> bool:
        folder, before = self._files[trial]
        sizes = [_size(os.path.join(folder, name)) for name in FILES]
        if sizes != before:
            self._files[trial] = (folder, sizes)
            self.news.put((trial, "wrote", {}))
            self._wake()
        return False

    def on_end(self, trial: int, when: float, code: int, cause: str | None, lost: bool) -> None:
        end = {"time": when, "code": code, "cause": cause, "lost": lost}
        self.news.put((trial, "ended", end))
        self._wake()

    def on_clear(self, trial: int) -> None:
        self.news.put((trial, "cleared", {}))
        self._wake()

    def on_bug(self, error: Exception) -> None:
        self.news.put((-1, "broke", {"reason": describe(error)}))
        self._wake()


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
