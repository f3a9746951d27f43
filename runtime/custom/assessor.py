"""An assessor of the user's own, as the experiment asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from annotate.space import Values
from runtime.core.config import Config
from runtime.custom.conversation import Conversation
from tuners.base import Assessor, Verdict


class CustomAssessor(Assessor):
    """An assessor in a process of its own, or in that of the tuner which brings it."""

    def __init__(self, conversation: Conversation, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._conversation = conversation

    @classmethod
    def load(cls, config: Config) -> CustomAssessor:
        """The assessor `config.assessor`, a reference; raises CustomError where it is unusable."""
        options = {"args": dict(config.assessor_args)}
        conversation = Conversation(config, "assessor", config.assessor, options)
        return cls(conversation, maximize=config.maximize)

    def follow(self, note: Callable[[str], None]) -> None:
        """Give long waits to `note`, and what the assessor prints to the log, from now on."""
        self._conversation.follow(note)

    def started(self, trial: int, values: Values) -> None:
        self._conversation.call("started", trial=trial, values=values)

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        goes_on = self._conversation.call("judge", trial=trial, curve=list(curve))
        return Verdict.KEEP if goes_on else Verdict.STOP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        self._conversation.call("finished", trial=trial, curve=list(curve), ok=ok)

    def close(self) -> None:
        self._conversation.close()
