"""Limits of an experiment and of its running trials; all times are monotonic seconds."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runtime.core.config import Config
from runtime.core.trial import Trial, TrialState
from runtime.executors.base import Ended
from runtime.system.units import duration

_PAUSE = 10  # looking at all running trials takes at most one part in this many of the time


@dataclass(slots=True)
class Running:
    """The state of a running trial that is not stored.

    `started` is when it started and `heard` when it last reported, both in monotonic seconds, and
    infinite while it waits for a machine elsewhere: no limit counts that. `curve` holds its
    intermediate results. `ends_as` is its final state and the reason, once it is being stopped.

    A trial whose process has `ended` counts as running until its last results are judged.
    """

    started: float
    heard: float
    curve: list[float] = field(default_factory=list)
    ends_as: tuple[TrialState, str] | None = None
    unjudged: int = 0  # batches of results that the assessor has not judged
    handled: threading.Event | None = None  # set once the last of these batches is judged
    stopping: bool = False  # the assessor wants it stopped; used by the assessor's thread
    ended: Ended | None = None
    python: str = ""  # the interpreter that runs it, if it is known

    @classmethod
    def begun(cls, config: Config) -> Running:
        now = time.monotonic() if config.executor == "local" else math.inf
        return cls(now, now, python="" if config.command else config.python)

    def begin(self, when: float) -> None:
        """It started elsewhere at `when`, in seconds since the epoch."""
        if self.started == math.inf:
            now = time.monotonic()
            self.started, self.heard = now - max(0.0, time.time() - when), now

    @property
    def continues(self) -> bool:
        """Whether it has not ended and is not being stopped."""
        return self.ends_as is None and self.ended is None

    @property
    def stopped_early(self) -> bool:
        """Whether the assessor has ended it; what it reports from then on does not count."""
        return self.ends_as is not None and self.ends_as[0] is TrialState.EARLY_STOPPED

    def cut(self, length: int) -> list[float]:
        """Drop all but the first `length` results: how many more have come is up to chance."""
        del self.curve[length:]
        return self.curve

    def end_as(self, state: TrialState, reason: str) -> None:
        """Set the final state of a trial that is being stopped; its verdicts no longer matter."""
        self.ends_as = (state, reason)
        if self.handled is not None:
            self.handled.set()


class Limits:
    """Time limits of an experiment, whose clock starts at `began`, and of its trials."""

    def __init__(self, config: Config, began: float) -> None:
        self._began = began
        self._next = 0.0  # no limit is reached before this time
        self._config = config

    @property
    def config(self) -> Config:
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config
        self._next = 0.0

    @property
    def _deadline(self) -> float | None:
        duration = self.config.max_duration
        return None if duration is None else self._began + duration

    def over(self) -> str | None:
        """Why the experiment must stop now, or None."""
        deadline = self._deadline
        if deadline is None or time.monotonic() < deadline:
            return None
        return f"--max-duration {duration(self.config.max_duration or 0.0)} reached"

    def broken(self, running: Mapping[int, Running]) -> list[tuple[int, str]]:
        """The running trials that must be stopped now, each with the reason."""
        now = time.monotonic()
        return [
            (number, reasons[0])
            for number, trial in running.items()
            if trial.continues and (reasons := [text for at, text in self._of(trial) if now >= at])
        ]

    def due(self) -> bool:
        """Whether a limit may have been reached since the last call of `patience`."""
        return time.monotonic() >= self._next

    def patience(self, running: Iterable[Running], *, ending: bool) -> float:
        """Seconds until the next limit may be reached; infinite if none is set.

        Looks at all running trials only once the time of the last answer has passed. With very many
        trials, which may reach limits at any time, a limit is noticed a little later.
        """
        now = time.monotonic()
        if now >= self._next:
            due = min(self._dues(running, now, ending=ending), default=math.inf)
            self._next = max(due, now + _PAUSE * (time.monotonic() - now))
        return max(0.0, self._next - now)

    def _dues(self, running: Iterable[Running], now: float, *, ending: bool) -> Iterator[float]:
        if self._deadline is not None and not ending:
            yield self._deadline
        for trial in running:
            if trial.continues:
                yield from (at for at, _ in self._of(trial))
        if not ending:
            yield from (at for at, _ in self._of(Running(now, now)))  # a trial that would start now

    def _of(self, running: Running) -> Iterator[tuple[float, str]]:
        config = self.config
        if config.trial_timeout is not None:
            text = f"ran longer than --trial-timeout {duration(config.trial_timeout)}"
            yield running.started + config.trial_timeout, text
        if config.stall_timeout is not None:
            text = f"reported nothing for --stall-timeout {duration(config.stall_timeout)}"
            yield running.heard + config.stall_timeout, text


class FirstFailures:
    """Stops an experiment whose first `limit` trials all fail; None never stops it.

    `trials` are those of earlier runs. An experiment that was stopped may try `limit` more.
    """

    def __init__(self, trials: Iterable[Trial], limit: int | None) -> None:
        states = [trial.state for trial in trials if trial.state.ended]
        self._limit = math.inf if limit is None else limit
        self._all_failed = all(state is TrialState.FAILED for state in states)
        self._count = len(states) if len(states) < self._limit else 0

    def reason_to_stop(self, trial: Trial) -> str | None:
        """Count a trial that has ended; return why the experiment should stop, or None."""
        if trial.state is not TrialState.FAILED:
            self._all_failed = self._all_failed and not trial.state.ended
            return None
        self._count += 1
        if not self._all_failed or self._count < self._limit:
            return None
        if self._count == 1:
            return "the first trial failed"
        return f"the first {self._count} trials failed"
