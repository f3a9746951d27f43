"""A custom tuner behind the contract that the experiment uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from annotate.errors import SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.custom.assessor import CustomAssessor
from runtime.custom.conversation import Conversation
from runtime.custom.errors import CustomError
from tuners.base import Tuner


class CustomTuner(Tuner):
    """The class that `config.tuner` refers to, in its own process.

    The values it returns lie in the space. Parameters that it leaves out stay as written in the
    script, and extra keys are passed on; a parameter's short name instead of its key is refused.
    `began` and `note` are as in Conversation. Raises CustomError if the class cannot be used.
    """

    def __init__(
        self,
        config: Config,
        space: SearchSpace,
        *,
        began: float | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(space, seed=config.seed, maximize=config.maximize)
        options: dict[str, JSON] = {"args": dict(config.tuner_args), "space": space.to_stored()}
        self._conversation = Conversation(
            config, "tuner", config.tuner, options, began=began, note=note
        )
        if self._conversation.judges:
            self.assessor = CustomAssessor(self._conversation, maximize=config.maximize)

    def follow(self, note: Callable[[str], None]) -> None:
        """From now on, report slow calls to `note` and log what the tuner prints."""
        self._conversation.follow(note)

    def ask(self) -> Values:
        values = self._conversation.call("ask")
        if not isinstance(values, Mapping):
            raise self._error(f"returned {values!r}, not a dict of parameters")
        keys = {p.key for p in self.space}
        for name in values.keys() - keys:
            self._refuse_short(name)
        return {k: self._located(k, v) if k in keys else v for k, v in values.items()}

    def recall(self, values: Values) -> None:
        self._conversation.call("recall", values=values)

    def tell(self, values: Values, metric: float | None) -> None:
        self._conversation.call("tell", values=values, metric=metric)

    def close(self) -> None:
        self._conversation.close()

    def _refuse_short(self, name: str) -> None:
        """Refuse a parameter's short name: the script would not get the value."""
        if parameters := self.space.called(name):
            keys = " or ".join(p.key for p in parameters)
            raise self._error(
                f"returned {name!r}, which is not a key of the search space", f"use {keys}"
            )

    def _located(self, key: str, value: JSON) -> JSON:
        parameter = self.space[key]
        try:
            return parameter.domain.locate(value)
        except SpaceError as error:
            hint = f"its domain is {parameter.domain}"
            raise self._error(f"returned {parameter.name} = {value!r}: {error}", hint) from None

    def _error(self, problem: str, hint: str = "") -> CustomError:
        return CustomError(f"{self._conversation.file}: the tuner {problem}", hint=hint)
