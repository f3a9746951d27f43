"""Runs the tuner in its own thread, so that a slow algorithm never delays a report or a stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

from annotate.space import SearchSpace, Values
from runtime.core.trial import Trial
from runtime.loop import replay
from runtime.loop.replay import Record
from runtime.store.history import KnownResult
from tuners.base import Assessor, Exhausted, Tuner


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to the ask in step `step`: values, or None and the reason."""

    step: int
    values: Values | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The algorithms have learned the experiment's earlier results."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """`tuner` has replaced `former`, and has learned from the results of `count` trials.

    Close `former` once its assessor is no longer needed.
    """

    tuner: Tuner
    former: Tuner
    count: int


@dataclass(frozen=True, slots=True)
class NotReplaced:
    """The new tuner could not be created, or failed in its replay; the old one stays."""

    error: Exception


@dataclass(frozen=True, slots=True)
class TunerBroke:
    """The tuner raised an error that the contract does not allow; the thread has ended."""

    error: Exception


Message: TypeAlias = Asked | Replayed | Replaced | NotReplaced | TunerBroke


class TunerThread:
    """Queues calls of the tuner of `space` for its thread, in order, and posts messages to `post`.

    Replacing the tuner is queued too: earlier calls reach the former tuner, later ones the new.
    """

    def __init__(self, tuner: Tuner, space: SearchSpace, post: Callable[[Message], None]) -> None:
        self._tuner, self._space = tuner, space
        self._post = post
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()  # guards _open and _closed
        self._open = [tuner]
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="tuner", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def replay(self, record: Record, assessor: Assessor | None) -> None:
        """Teach the tuner and the assessor the experiment so far; posts Replayed."""
        self._work.put(lambda: self._replay(record, assessor))

    def ask(self, step: int) -> None:
        """Ask for values, which are posted as Asked."""
        self._work.put(lambda: self._ask(step))

    def tell(self, trial: Trial) -> None:
        """Tell the tuner the result of a trial that has ended, if it lies in its space."""
        self._work.put(lambda: self._tell(trial))

    def learn(self, result: KnownResult) -> None:
        """Tell the tuner an imported result, if it lies in its space."""
        self._work.put(lambda: replay.learn(self._tuner, self._space, result))

    def replace(
        self, create: Callable[[], Tuner], space: SearchSpace, record: Record, *, assess: bool
    ) -> None:
        """Create a tuner for `space`, teach it `record`, and let it take over.

        Posts Replaced or NotReplaced. With `assess`, its own assessor is taught too.
        """
        self._work.put(lambda: self._replace(create, space, record, assess=assess))

    def finish(self, patience: float) -> None:
        """Take no more calls, and wait up to `patience` seconds for those that are queued."""
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(patience)

    def close(self) -> None:
        """Take no more calls and close the tuner, without waiting for a call in progress."""
        self._work.put(None)
        with self._lock:
            self._closed = True
            tuners, self._open = self._open, []
        for tuner in tuners:
            tuner.close()

    def _ask(self, step: int) -> None:
        try:
            answer = Asked(step, self._tuner.ask())
        except Exhausted as error:
            answer = Asked(step, None, str(error))
        self._post(answer)

    def _tell(self, trial: Trial) -> None:
        replay.tell(self._tuner, self._space, trial)

    def _replay(self, record: Record, assessor: Assessor | None) -> None:
        record.teach(self._tuner, self._space, assessor)
        self._post(Replayed())

    def _replace(
        self, create: Callable[[], Tuner], space: SearchSpace, record: Record, *, assess: bool
    ) -> None:
        former, tuner = self._tuner, None
        try:
            tuner = create()
            self._close_at_the_end(tuner)
            count = record.teach(tuner, space, tuner.assessor if assess else None)
        except Exception as error:
            if tuner is not None:
                tuner.close()
            self._post(NotReplaced(error))
            return
        self._tuner, self._space = tuner, space
        self._post(Replaced(tuner, former, count))

    def _close_at_the_end(self, tuner: Tuner) -> None:
        with self._lock:
            if not self._closed:
                self._open.append(tuner)
                return
        tuner.close()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception as error:
                self._post(TunerBroke(error))
                return
