"""A custom assessor behind the contract that the experiment uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from annotate.space import Values
from runtime.core.config import Config
from runtime.custom.conversation import Conversation
from tuners.base import Assessor, Verdict


class CustomAssessor(Assessor):
    """An assessor in its own process, or in that of a tuner that is also an assessor."""

    def __init__(self, conversation: Conversation, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._conversation = conversation

    @classmethod
    def load(cls, config: Config, *, began: float | None = None) -> CustomAssessor:
        """Load the class that `config.assessor` refers to; raises CustomError if that fails.

        `began` is as in Conversation.
        """
        options = {"args": dict(config.assessor_args)}
        conversation = Conversation(config, "assessor", config.assessor, options, began=began)
        return cls(conversation, maximize=config.maximize)

    def follow(self, note: Callable[[str], None]) -> None:
        """From now on, report slow calls to `note` and log what the assessor prints."""
        self._conversation.follow(note)

    def started(self, trial: int, values: Values) -> None:
        self._conversation.call("started", trial=trial, values=values)

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        continues = self._conversation.call("judge", trial=trial, curve=list(curve))
        return Verdict.KEEP if continues else Verdict.STOP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        self._conversation.call("finished", trial=trial, curve=list(curve), ok=ok)

    def close(self) -> None:
        self._conversation.close()
