"""Adapts a tuner written for NNI to our contract."""

from __future__ import annotations

from collections import deque
from typing import Any

from annotate_algorithm.matching import key
from annotate_algorithm.plain import plain

from annotate.space import SearchSpace, Values
from nni import NoMoreTrialError
from tuners.base import Exhausted, Tuner


class NniTuner(Tuner):
    """Calls the methods of the user's tuner in NNI's order; NNI's page Tuner/CustomizeTuner.

    `ask` calls `generate_multiple_parameters`; `parameter_id` counts from 0. `tell` calls
    `receive_trial_result` with the result's number, then `trial_end`; for a failed trial only
    `trial_end`. Results of values that were not asked for go to `import_data`.
    """

    def __init__(self, inner: Any, space: SearchSpace, *, seed: int, maximize: bool) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._inner = inner
        self._next = 0
        self._ids: dict[str, deque[int]] = {}  # ids of pending trials, by their values
        self._parameters: dict[int, Values] = {}  # values by id, as the tuner returned them
        self._sent: deque[tuple[int, Values]] = deque()  # sent by callback, for later asks
        inner.update_search_space(space.to_json())

    def ask(self) -> Values:
        number, values = self._sent.popleft() if self._sent else self._generate()
        parameters: Values = plain(values)
        self._ids.setdefault(key(self.space, parameters), deque()).append(number)
        self._parameters[number] = values
        return parameters

    def _generate(self) -> tuple[int, Values]:
        number, self._next = self._next, self._next + 1
        try:
            generated = self._inner.generate_multiple_parameters([number], st_callback=self._send)
        except NoMoreTrialError as error:
            generated, why = [], str(error)
        else:
            why = "the tuner has no more parameters"
        if generated:
            return number, generated[0]
        if self._sent:
            return self._sent.popleft()
        raise Exhausted(why)

    def _send(self, parameter_id: int, parameters: Values) -> None:
        """NNI's `send_trial_callback`, for a tuner that finds the values of an earlier id later."""
        self._sent.append((parameter_id, parameters))

    def tell(self, values: Values, metric: float | None) -> None:
        waiting = self._ids.get(key(self.space, values))
        if not waiting:
            if metric is not None:
                self._inner.import_data([{"parameter": values, "value": metric}])
            return
        number = waiting.popleft()
        parameters = self._parameters.pop(number)
        if metric is not None:
            self._inner.receive_trial_result(number, parameters, metric)
        self._inner.trial_end(number, metric is not None)
