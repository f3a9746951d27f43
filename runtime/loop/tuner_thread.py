"""The tuner in a thread of its own, so that a slow algorithm never delays a report or a stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

from annotate.space import Values
from tuners.base import Exhausted, Tuner


@dataclass(frozen=True, slots=True)
class Asked:
    """The tuner's answer: values, or None where it has none now, with what it said."""

    values: Values | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TunerBroke:
    """The tuner raised what it must not raise."""

    error: BaseException


Answer: TypeAlias = Asked | TunerBroke


class TunerThread:
    """Asks and tells `tuner` one at a time, in the order of the calls; answers go to `post`."""

    def __init__(self, tuner: Tuner, post: Callable[[Answer], None]) -> None:
        self._tuner = tuner
        self._post = post
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tuner", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Have the next values posted as Asked."""
        self._work.put(self._ask)

    def tell(self, values: Values, metric: float | None) -> None:
        self._work.put(lambda: self._tuner.tell(values, metric))

    def change(self, tuner: Tuner) -> None:
        """Go on with another tuner; what the last one is being asked for is asked of it again."""
        self._tuner = tuner

    def close(self) -> None:
        """Take no more work and close the tuner. A call that has not returned is not waited for."""
        self._work.put(None)
        self._tuner.close()

    def _ask(self) -> None:
        asked = self._tuner
        try:
            answer = Asked(asked.ask())
        except Exhausted as none:
            answer = Asked(None, str(none))
        if asked is self._tuner:
            self._post(answer)
        else:
            self._ask()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception as error:
                self._post(TunerBroke(error))
                return
