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
    """The answer to the ask numbered `step`: values, or None and the reason why there are none."""

    step: int
    values: Values | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The algorithms have learned what an earlier driver knew."""


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
    """The new tuner could not be created, or failed in its replay; the former one stays."""

    error: Exception


@dataclass(frozen=True, slots=True)
class TunerBroke:
    """The tuner raised an error that its contract does not allow; the thread has ended."""

    error: Exception


Message: TypeAlias = Asked | Replayed | Replaced | NotReplaced | TunerBroke


class TunerThread:
    """Calls the tuner of `space` in the order of the calls here; messages go to `post`.

    Replacing the tuner is a call like the others: earlier ones reach the former tuner, later
    ones the new one.
    """

    def __init__(self, tuner: Tuner, space: SearchSpace, post: Callable[[Message], None]) -> None:
        self._tuner, self._space = tuner, space
        self._post = post
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()  # of the next two
        self._open = [tuner]
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="tuner", daemon=True).start()

    def replay(self, record: Record, assessor: Assessor | None) -> None:
        """Bring tuner and assessor to where those of an earlier driver were; posts Replayed."""
        self._work.put(lambda: self._replay(record, assessor))

    def ask(self, step: int) -> None:
        """Have the next values posted as Asked."""
        self._work.put(lambda: self._ask(step))

    def tell(self, trial: Trial) -> None:
        """Tell the tuner the result of a trial that has ended, if it lies in its space."""
        self._work.put(lambda: self._tell(trial))

    def learn(self, result: KnownResult) -> None:
        """Tell the tuner a result from elsewhere, if it lies in its space."""
        self._work.put(lambda: replay.learn(self._tuner, self._space, result))

    def replace(
        self, create: Callable[[], Tuner], space: SearchSpace, record: Record, *, assess: bool
    ) -> None:
        """Let another tuner, of `space`, learn `record` and take over.

        Posts Replaced or NotReplaced. With `assess`, its own assessor learns the record too.
        """
        self._work.put(lambda: self._replace(create, space, record, assess=assess))

    def close(self) -> None:
        """Take no more work and close the tuner. A call that has not returned is not waited for."""
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
