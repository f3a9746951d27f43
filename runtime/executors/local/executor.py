"""Runs trials as processes on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from annotate.errors import AnnotateError
from runtime.core.metrics import MetricsFile
from runtime.executors.base import Broke, Cleared, Ended, Event, Executor, Job, Reported, Started
from runtime.executors.layout import Layout
from runtime.stage.agent.runner import Listener, Runner
from runtime.stage.agent.task import CannotStart
from runtime.system.private import users_umask

_HANDLING = 0.02  # seconds to wait until the reports read before have been handled


class LocalExecutor(Executor):
    """Runs the jobs with a runner in this process; jobs that run `script` are forked."""

    def __init__(
        self,
        post: Callable[[Event], None],
        layout: Layout,
        script: str | None = None,
    ) -> None:
        super().__init__(post)
        self._layout = layout
        self._metrics: dict[int, _Metrics] = {}
        self._runner = Runner(
            _Poster(post, self._metrics),
            users_umask(),
            layout.stage,
            None if script is None else layout.server_command(script),
        )
        self._thread = threading.Thread(target=self._runner.run, name="runner", daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        self._metrics[job.trial] = _Metrics(MetricsFile(job.folder.metrics))
        try:
            self._runner.start(self._layout.task(job, str(job.folder.path)))
        except CannotStart as error:
            raise AnnotateError(str(error), hint=error.hint) from None

    def stop(self, trial: int, *, grace: float) -> None:
        self._runner.stop(trial, grace)

    def close(self) -> None:
        self._runner.end()
        self._thread.join()
        self._runner.close()


@dataclass(slots=True)
class _Metrics:
    """A trial's metrics file; `handled` is set once the loop has taken the last full batch."""

    file: MetricsFile
    handled: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class _Poster(Listener):
    """Turns what the runner tells into events."""

    post: Callable[[Event], None]
    metrics: dict[int, _Metrics]

    def on_start(self, trial: int, when: float, pid: int) -> None:
        self.post(Started(trial, when, pid))

    def read(self, trial: int) -> bool:
        metrics = self.metrics[trial]
        if metrics.handled is not None and not metrics.handled.wait(_HANDLING):
            return True  # reports must not pile up in memory
        batch = metrics.file.read()
        metrics.handled = threading.Event() if batch.has_more else None
        if batch or batch.has_more:
            self.post(Reported(trial, batch, metrics.handled))
        return batch.has_more

    def on_end(self, trial: int, when: float, code: int, cause: str | None, lost: bool) -> None:
        del self.metrics[trial]
        self.post(Ended(trial, when, code, cause, lost))

    def on_clear(self, trial: int) -> None:
        self.post(Cleared(trial))

    def on_bug(self, error: Exception) -> None:
        self.post(Broke(error))
