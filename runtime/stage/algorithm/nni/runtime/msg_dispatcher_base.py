"""`nni.runtime.msg_dispatcher_base`: the base class of advisors written for NNI."""

from __future__ import annotations

from typing import Any

from nni.recoverable import Recoverable
from nni.runtime.protocol import CommandType, send

__all__ = ["MsgDispatcherBase"]


class MsgDispatcherBase(Recoverable):
    """The methods that NNI's manager calls on an advisor; a subclass overrides what it needs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.stopping = False

    def send(self, command: CommandType, data: str) -> None:
        """The same as the function `send`; NNI 3 has it as a method."""
        send(command, data)

    def handle_initialize(self, data: Any) -> None:
        """The search space."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_initialize")

    def handle_request_trial_jobs(self, data: int) -> None:
        """`data` trials are wanted: send a NewTrialJob for each, or NoMoreTrialJobs."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_request_trial_jobs")

    def handle_update_search_space(self, data: Any) -> None:
        """Another search space."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_update_search_space")

    def handle_report_metric_data(self, data: dict[str, Any]) -> None:
        """A result: keys type, sequence, value (JSON text), parameter_id, trial_job_id."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_report_metric_data")

    def handle_trial_end(self, data: dict[str, Any]) -> None:
        """A trial has ended: keys trial_job_id, event, hyper_params (JSON text)."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_trial_end")

    def handle_import_data(self, data: list[dict[str, Any]]) -> None:
        """Results from elsewhere."""

    def handle_add_customized_trial(self, data: Any) -> None:
        """A trial with the user's own values."""
