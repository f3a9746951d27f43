"""A tuner written for NNI behind our contract."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from annotate_algorithm.plain import plain

from annotate.space import SearchSpace, Values
from nni import NoMoreTrialError
from tuners.base import Exhausted, Tuner


class NniTuner(Tuner):
    """Calls `generate_multiple_parameters` at an ask, `receive_trial_result` and `trial_end` at
    a tell, in NNI's order; NNI's page Tuner/CustomizeTuner.

    `parameter_id` counts from 0. Results of values that were not asked are told by `import_data`.
    A trial that failed is told by `trial_end` alone. The value is the final result's number.
    """

    def __init__(self, inner: Any, space: SearchSpace, *, seed: int, maximize: bool) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self._inner = inner
        self._next = 0
        self._ids: dict[str, deque[int]] = {}  # of pending trials, by their values
        self._parameters: dict[int, Values] = {}  # as the tuner itself wrote them
        self._sent: deque[tuple[int, Values]] = deque()  # given by callback, to be asked
        inner.update_search_space(space.to_json())

    def ask(self) -> Values:
        number, values = self._sent.popleft() if self._sent else self._generate()
        given: Values = plain(values)
        self._ids.setdefault(_key(given), deque()).append(number)
        self._parameters[number] = values
        return given

    def _generate(self) -> tuple[int, Values]:
        number, self._next = self._next, self._next + 1
        try:
            made = self._inner.generate_multiple_parameters([number], st_callback=self._send)
        except NoMoreTrialError as error:
            made, why = [], str(error)
        else:
            why = "the tuner has no more parameters"
        if made:
            return number, made[0]
        if self._sent:
            return self._sent.popleft()
        raise Exhausted(why)

    def _send(self, parameter_id: int, parameters: Values) -> None:
        """NNI's `send_trial_callback`: a tuner gives the values of an earlier id when it can."""
        self._sent.append((parameter_id, parameters))

    def tell(self, values: Values, metric: float | None) -> None:
        waiting = self._ids.get(_key(values))
        if not waiting:
            if metric is not None:
                self._inner.import_data([{"parameter": values, "value": metric}])
            return
        number = waiting.popleft()
        parameters = self._parameters.pop(number)
        if metric is not None:
            self._inner.receive_trial_result(number, parameters, metric)
        self._inner.trial_end(number, metric is not None)


def _key(values: Values) -> str:
    return json.dumps(values, sort_keys=True)
