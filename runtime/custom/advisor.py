"""An advisor written for NNI behind our contract: tuner and assessor in one."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.custom.sdk.protocol import CommandType, capture
from tuners.base import Assessor, Exhausted, Tuner, Verdict


class NniAdvisor(Tuner):
    """Calls an advisor's `handle_…` methods, one at a time, and takes the commands that it sends.

    NNI's page Tuner/CustomizeAdvisor. `NewTrialJob` gives values, `NoMoreTrialJobs` none,
    `KillTrialJob` stops the trial at its next intermediate result.
    """

    def __init__(self, inner: Any, space: SearchSpace, *, seed: int, maximize: bool) -> None:
        super().__init__(space, seed=seed, maximize=maximize)
        self.conversation = Conversation(inner)
        self.assessor = _AdvisorsVerdicts(self.conversation, maximize=maximize)
        self.conversation.call("handle_initialize", space.to_json())

    def ask(self) -> Values:
        return self.conversation.ask()

    def tell(self, values: Values, metric: float | None) -> None:
        self.conversation.ended(values, metric)


class _AdvisorsVerdicts(Assessor):
    def __init__(self, conversation: Conversation, *, maximize: bool) -> None:
        super().__init__(maximize=maximize)
        self._conversation = conversation

    def started(self, trial: int, values: Values) -> None:
        self._conversation.started(trial, values)

    def judge(self, trial: int, curve: Sequence[float]) -> Verdict:
        return Verdict.STOP if self._conversation.reported(trial, curve) else Verdict.KEEP

    def finished(self, trial: int, curve: Sequence[float], ok: bool) -> None:
        """The advisor hears of it when its tuner's side is told."""


class Conversation:
    """What was said to an advisor and what it answered; its calls never overlap."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._lock = threading.RLock()
        self._sent: deque[dict[str, JSON]] = deque()  # NewTrialJob, not asked yet
        self._pending: dict[str, deque[int]] = {}  # parameter ids by values
        self._trials: dict[int, int] = {}  # from a trial's number to its parameter id
        self._killed: set[str] = set()

    def call(self, method: str, data: JSON) -> None:
        with self._lock, capture(self._take):
            getattr(self._inner, method)(data)

    def _take(self, command: CommandType, data: str) -> None:
        if command is CommandType.NewTrialJob:
            self._sent.append(json.loads(data))
        elif command is CommandType.KillTrialJob:
            self._killed.add(str(json.loads(data)))

    def ask(self) -> Values:
        with self._lock:
            if not self._sent:
                self.call("handle_request_trial_jobs", 1)
            if not self._sent:
                raise Exhausted("the advisor has no more parameters")
            job = self._sent.popleft()
            values: Values = job["parameters"]
            self._pending.setdefault(_key(values), deque()).append(int(job["parameter_id"]))
            return values

    def started(self, trial: int, values: Values) -> None:
        with self._lock:
            taken = {*self._trials.values()}
            ids = [n for n in self._pending.get(_key(values), ()) if n not in taken]
            if ids:
                self._trials[trial] = ids[0]

    def reported(self, trial: int, curve: Sequence[float]) -> bool:
        """Tell the newest intermediate result; whether the trial is to be stopped."""
        with self._lock:
            if trial not in self._trials:
                return False
            number = self._trials[trial]
            self.call("handle_report_metric_data", _metric(number, "PERIODICAL", curve[-1], curve))
            return str(number) in self._killed

    def ended(self, values: Values, metric: float | None) -> None:
        with self._lock:
            ids = self._pending.get(_key(values))
            if not ids:
                if metric is not None:
                    self.call("handle_import_data", [{"parameter": values, "value": metric}])
                return
            number = ids.popleft()
            if metric is not None:
                self.call("handle_report_metric_data", _metric(number, "FINAL", metric, ()))
            event = "SUCCEEDED" if metric is not None else "FAILED"
            if str(number) in self._killed:
                event = "EARLY_STOPPED"
            hyper = json.dumps({"parameter_id": number, "parameters": values})
            ended = {"trial_job_id": str(number), "event": event, "hyper_params": hyper}
            self.call("handle_trial_end", ended)


def _metric(number: int, kind: str, value: float, curve: Sequence[float]) -> dict[str, JSON]:
    return {
        "parameter_id": number,
        "trial_job_id": str(number),
        "type": kind,
        "sequence": max(len(curve) - 1, 0),
        "value": json.dumps(value),
    }


def _key(values: JSON) -> str:
    return json.dumps(values, sort_keys=True)
