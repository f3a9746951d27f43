"""What stands between the experiment and a user's own algorithm: it is held to the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.errors import SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.custom.blame import CustomError, blaming
from tuners.base import Assessor, Tuner, Verdict


class GuardedTuner(Tuner):
    """A user's tuner: what it raises names its own line, what it gives lies in the space.

    Its values may lack parameters, which are then as written in the script, and may have keys
    that are no parameters.
    """

    def __init__(
        self, inner: Tuner, file: Path, space: SearchSpace, seed: int, maximize: bool
    ) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._inner, self._file = inner, file
        own: Assessor | None = getattr(inner, "assessor", None)
        self.assessor = None if own is None else GuardedAssessor(own, file)

    def ask(self) -> Values:
        with blaming(self._file):
            values: Any = self._inner.ask()
        if not isinstance(values, Mapping):
            raise CustomError(
                f"{self._file}: the tuner gave {values!r}, which is no dict of parameters"
            )
        return {str(key): self._located(str(key), plain(v)) for key, v in values.items()}

    def recall(self, values: Values) -> None:
        with blaming(self._file):
            if hasattr(self._inner, "recall"):
                self._inner.recall(values)
            else:
                super().recall(values)

    def tell(self, values: Values, metric: float | None) -> None:
        with blaming(self._file):
            self._inner.tell(values, metric)

    def _located(self, key: str, value: JSON) -> JSON:
        parameter = next((p for p in self.space if p.key == key), None)
        if parameter is None:
            return value
        try:
            return parameter.domain.locate(value)
        except SpaceError as error:
            raise CustomError(
                f"{self._file}: the tuner gave {parameter.name} = {value!r}: {error}",
                hint=f"its domain is {parameter.domain}",
            ) from None


class GuardedAssessor(Assessor):
    """A user's assessor: what it raises names its own line."""

    def __init__(self, inner: Assessor, file: Path) -> None:
        super().__init__(maximize=getattr(inner, "maximize", False))
        self._inner, self._file = inner, file

    def started(self, trial: int, values: Values) -> None:
        with blaming(self._file):
            self._inner.started(trial, values)

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        with blaming(self._file):
            verdict = self._inner.judge(trial, list(curve))
        if not isinstance(verdict, Verdict):
            raise CustomError(f"{self._file}: judge gave {verdict!r}, which is no Verdict")
        return verdict

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        with blaming(self._file):
            self._inner.finished(trial, list(curve), ok)


def plain(value: Any) -> JSON:
    """`value` as JSON has it: numpy's scalars and arrays, tuples, enums of a string or number."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} is no JSON value")
