"""Decides whose files to read, so that trials which write nothing cost nothing."""

from __future__ import annotations

import contextlib
import os
import selectors
import time

from runtime.stage.agent.file_events import FileEvents, events_in
from runtime.stage.agent.task import Task

_INTERVAL = 0.1  # seconds between two reads; reports that come close together share one


class MetricsWatch:
    """The metrics files of the running trials; with `outputs` also what they print.

    A file that is not watched, because the system does not tell or the trial has removed it, is
    read again and again. Call `add` and `remove` under one lock, everything else from the thread of
    the selector.
    """

    def __init__(self, selector: selectors.BaseSelector, *, outputs: bool = False) -> None:
        self._selector, self._outputs = selector, outputs
        self._events: FileEvents | None = None
        self._tried = False
        self._listening = False  # whether a change wakes the selector
        self._trials: dict[str, int] = {}  # by the path of the file
        self._next = 0.0  # no file is read before this time, in monotonic seconds

    def add(self, task: Task) -> None:
        """Create the trial's files, and watch them from now on. Raises OSError on a full disk."""
        if not self._tried:
            self._tried, self._events = True, events_in(task.folder)
        for path in self._files(task):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666))
            self._trials[path] = task.trial
            self._watch(path)

    def _files(self, task: Task) -> tuple[str, ...]:
        outputs = (task.stdout, task.stderr) if self._outputs else ()
        return (task.metrics, *outputs)

    def _watch(self, path: str) -> None:
        if self._events is not None:
            with contextlib.suppress(OSError):
                self._events.watch(path)

    def remove(self, task: Task) -> None:
        """Watch the trial's files no more."""
        for path in self._files(task):
            self._trials.pop(path, None)
            if self._events is not None:
                self._events.forget(path)

    def take(self) -> set[int]:
        """The trials that may have reported since the last call."""
        now = time.monotonic()
        if now < self._next:
            return set()
        paths = self._unwatched()
        for path in paths:
            self._watch(path)
        if self._events is not None:
            paths |= self._events.changed()
        if paths:
            self._next = now + _INTERVAL
        self._listen(not paths)
        return {self._trials[path] for path in paths if path in self._trials}

    def _unwatched(self) -> set[str]:
        events = self._events
        return {path for path in list(self._trials) if events is None or not events.watches(path)}

    def _listen(self, listening: bool) -> None:
        if self._events is None or listening == self._listening:
            return
        self._listening = listening
        if listening:
            self._selector.register(self._events, selectors.EVENT_READ)
        else:
            self._selector.unregister(self._events)

    def due(self) -> float | None:
        """When to call `take`, in monotonic seconds; None if a change wakes the selector."""
        return None if self._listening or not self._trials else self._next

    def close(self) -> None:
        if self._events is not None:
            self._events.close()
