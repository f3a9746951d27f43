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


@dataclass(slots=True)
class Running:
    """The state of a running trial that is not stored.

    `started` is when it started and `heard` when it last reported, both in monotonic seconds;
    `curve` its intermediate results. `ends_as` is its final state, with the reason, once it has
    been told to end.

    A trial whose process has `ended` counts as running until its last results are judged.
    """

    started: float
    heard: float
    curve: list[float] = field(default_factory=list)
    ends_as: tuple[TrialState, str] | None = None
    unjudged: int = 0  # batches of results that the assessor has not judged
    handled: threading.Event | None = None  # set once the last of these batches is judged
    stopping: bool = False  # the assessor has said so; its own thread's
    ended: Ended | None = None

    @classmethod
    def begun(cls) -> Running:
        now = time.monotonic()
        return cls(now, now)

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended, and nobody is ending it."""
        return self.ends_as is None and self.ended is None

    def end_as(self, state: TrialState, reason: str) -> None:
        """Set what the trial ends as; no verdict matters any more."""
        self.ends_as = (state, reason)
        if self.handled is not None:
            self.handled.set()


class Limits:
    """Time limits of an experiment and of its trials. The clock starts with the constructor."""

    def __init__(self, config: Config) -> None:
        self._began = time.monotonic()
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
        """Why the experiment must end now, or None."""
        deadline = self._deadline
        if deadline is None or time.monotonic() < deadline:
            return None
        return f"--max-duration {duration(self.config.max_duration or 0.0)} reached"

    def broken(self, running: Mapping[int, Running]) -> list[tuple[int, str]]:
        """The running trials that must end now, each with the reason."""
        now = time.monotonic()
        return [
            (number, reasons[0])
            for number, trial in running.items()
            if trial.goes_on and (reasons := [text for at, text in self._of(trial) if now >= at])
        ]

    def due(self) -> bool:
        """Whether a limit may have been reached since the last call of `patience`."""
        return time.monotonic() >= self._next

    def patience(self, running: Iterable[Running], *, ending: bool) -> float:
        """Seconds until the next limit may be reached; infinite if none is set.

        All that run are looked at only where the last answer has passed, not at each event.
        """
        now = time.monotonic()
        if now >= self._next:
            self._next = min(self._dues(running, now, ending=ending), default=math.inf)
        return max(0.0, self._next - now)

    def _dues(self, running: Iterable[Running], now: float, *, ending: bool) -> Iterator[float]:
        if self._deadline is not None and not ending:
            yield self._deadline
        for trial in running:
            if trial.goes_on:
                yield from (at for at, _ in self._of(trial))
        if not ending:
            yield from (at for at, _ in self._of(Running(now, now)))  # one that starts right now

    def _of(self, running: Running) -> Iterator[tuple[float, str]]:
        config = self.config
        if config.trial_timeout is not None:
            text = f"ran longer than --trial-timeout {duration(config.trial_timeout)}"
            yield running.started + config.trial_timeout, text
        if config.stall_timeout is not None:
            text = f"reported nothing for --stall-timeout {duration(config.stall_timeout)}"
            yield running.heard + config.stall_timeout, text


class FirstFailures:
    """Stops an experiment whose first `limit` trials all fail."""

    def __init__(self, trials: Iterable[Trial], limit: int) -> None:
        states = [trial.state for trial in trials if trial.state.ended]
        self._limit = limit
        self._all_failed = all(state is TrialState.FAILED for state in states)
        self._count = len(states)

    def reason_to_stop(self, trial: Trial) -> str | None:
        """Count a trial that has ended; why the experiment should stop, or None."""
        if trial.state is not TrialState.FAILED:
            self._all_failed = self._all_failed and not trial.state.ended
            return None
        self._count += 1
        if not self._all_failed or self._count < self._limit:
            return None
        if self._count == 1:
            return "the first trial failed"
        return f"the first {self._count} trials failed"
