"""`nni.msg_dispatcher_base`: the base class of advisors written for NNI."""

from __future__ import annotations

import json
from typing import Any

from nni.protocol import CommandType, receive, send
from nni.recoverable import Recoverable

__all__ = ["MsgDispatcherBase"]

_METHODS = {
    CommandType.Initialize: "handle_initialize",
    CommandType.RequestTrialJobs: "handle_request_trial_jobs",
    CommandType.UpdateSearchSpace: "handle_update_search_space",
    CommandType.ReportMetricData: "handle_report_metric_data",
    CommandType.TrialEnd: "handle_trial_end",
    CommandType.ImportData: "handle_import_data",
    CommandType.AddCustomizedTrialJob: "handle_add_customized_trial",
    CommandType.Ping: "handle_ping",
}


class MsgDispatcherBase(Recoverable):
    """The methods that NNI's manager calls on an advisor; a subclass overrides what it needs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.stopping = False
        self.worker_exceptions: list[Exception] = []

    def run(self) -> None:
        """Handle the commands of a unit test's stream; what fails goes to `worker_exceptions`."""
        while not self.worker_exceptions:
            command, data = receive()
            if command is None or command is CommandType.Terminate:
                break
            try:
                self.process_command(command, json.loads(data) if data else data)
            except Exception as error:
                self.worker_exceptions.append(error)
        self.stopping = True

    def process_command(self, command: CommandType, data: Any) -> None:
        """Call the method for a command. Raises AssertionError for one that has none."""
        method = _METHODS.get(command)
        if method is None:
            raise AssertionError(f"Unsupported command: {command}")
        getattr(self, method)(data)

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

    def handle_ping(self, data: Any) -> None:
        """Does nothing."""
