"""Adapts an advisor written for NNI to our contract: tuner and assessor in one."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from typing import Any, Union

from annotate_algorithm.matching import key
from nni.protocol import CommandType, give_to

from annotate.space import SearchSpace, Values
from tuners.base import Assessor, Exhausted, Tuner, Verdict

_Id = Union[int, str]  # a parameter id; NNI's Hyperband writes bracket, round and number in one


class NniAdvisor(Tuner):
    """Calls an advisor's `handle_...` methods and obeys the commands that it sends.

    NNI's page Tuner/CustomizeAdvisor. `NewTrialJob` gives values, `NoMoreTrialJobs` none,
    `KillTrialJob` stops the trial at its next intermediate result. Imported results have their
    values as JSON text, because NNI's own advisors read it.
    """

    def __init__(self, inner: Any, space: SearchSpace, *, seed: int, maximize: bool) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self.assessor = _Assessor(self, maximize=maximize)
        self._inner = inner
        self._sent: deque[dict[str, Any]] = deque()  # data of NewTrialJob commands, for later asks
        self._pending: dict[str, deque[_Id]] = {}  # parameter ids by values
        self._trials: dict[int, _Id] = {}  # from a trial's number to its parameter id
        self._killed: set[str] = set()
        give_to(self._take)
        inner.handle_initialize(space.to_json())

    def _take(self, command: CommandType, data: str) -> None:
        if command is CommandType.NewTrialJob:
            self._sent.append(json.loads(data))
        elif command is CommandType.KillTrialJob:
            self._killed.add(str(json.loads(data)))

    def ask(self) -> Values:
        if not self._sent:
            self._inner.handle_request_trial_jobs(1)
        if not self._sent:
            raise Exhausted("the advisor has no more parameters")
        job = self._sent.popleft()
        values: Values = job["parameters"]
        self._pending.setdefault(key(self.space, values), deque()).append(job["parameter_id"])
        return values

    def started(self, trial: int, values: Values) -> None:
        """Learn which parameters `trial` runs with."""
        used = {*self._trials.values()}
        ids = [n for n in self._pending.get(key(self.space, values), ()) if n not in used]
        if ids:
            self._trials[trial] = ids[0]

    def stops(self, trial: int, curve: Sequence[float]) -> bool:
        """Pass on the newest intermediate result; returns whether to stop the trial."""
        if trial not in self._trials:
            return False
        number = self._trials[trial]
        self._report(number, "PERIODICAL", curve[-1], len(curve) - 1)
        return str(number) in self._killed

    def tell(self, values: Values, metric: float | None) -> None:
        ids = self._pending.get(key(self.space, values))
        if not ids:
            if metric is not None:
                self._inner.handle_import_data([{"parameter": values, "value": json.dumps(metric)}])
            return
        number = ids.popleft()
        if metric is not None:
            self._report(number, "FINAL", metric, 0)
        event = "SUCCEEDED" if metric is not None else "FAILED"
        if str(number) in self._killed:
            event = "EARLY_STOPPED"
        hyper = json.dumps({"parameter_id": number, "parameters": values})
        ended = {"trial_job_id": str(number), "event": event, "hyper_params": hyper}
        self._inner.handle_trial_end(ended)

    def _report(self, number: _Id, kind: str, value: float, sequence: int) -> None:
        self._inner.handle_report_metric_data(
            {
                "parameter_id": number,
                "trial_job_id": str(number),
                "type": kind,
                "sequence": sequence,
                "value": json.dumps(value),
            }
        )


class _Assessor(Assessor):
    def __init__(self, advisor: NniAdvisor, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._advisor = advisor

    def started(self, trial: int, values: Values) -> None:
        self._advisor.started(trial, values)

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        return Verdict.STOP if self._advisor.stops(trial, curve) else Verdict.KEEP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        """Does nothing: `NniAdvisor.tell` reports the end."""
