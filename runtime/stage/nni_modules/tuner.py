"""`nni.tuner`: the base class of tuners written for NNI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from nni.recoverable import Recoverable

from nni import NoMoreTrialError

__all__ = ["NoMoreTrialError", "Tuner"]

_log = logging.getLogger(__name__)


class Tuner(Recoverable):
    """The methods that NNI calls on a tuner; a subclass overrides at least the first three."""

    def generate_parameters(self, parameter_id: int, **kwargs: Any) -> Any:
        """The values of one trial; raises NoMoreTrialError if there are none now."""
        raise NotImplementedError(f"{type(self).__name__} has no generate_parameters")

    def receive_trial_result(
        self, parameter_id: int, parameters: Any, value: Any, **kwargs: Any
    ) -> None:
        """Learn of a trial's final result."""
        raise NotImplementedError(f"{type(self).__name__} has no receive_trial_result")

    def update_search_space(self, search_space: Any) -> None:
        """Take the search space; called before anything else."""
        raise NotImplementedError(f"{type(self).__name__} has no update_search_space")

    def generate_multiple_parameters(
        self,
        parameter_id_list: Sequence[int],
        st_callback: Callable[[int, Any], None] | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """The values of several trials; fewer than asked for if the tuner runs out."""
        generated = []
        if st_callback is not None:
            kwargs["st_callback"] = st_callback
        for parameter_id in parameter_id_list:
            try:
                generated.append(self.generate_parameters(parameter_id, **kwargs))
            except NoMoreTrialError:
                break
        return generated

    def trial_end(self, parameter_id: int, success: bool, **kwargs: Any) -> None:
        """Learn that a trial has ended, with or without a result."""

    def feedback(self, parameter_id: int, parameters: Any, value: Any) -> None:
        """The same as `receive_trial_result`; nothing calls it."""
        self.receive_trial_result(parameter_id, parameters, value)

    def _accept_customized_trials(self, accept: bool = True) -> None:
        """Does nothing: a tuner learns every result, other trials' by `import_data`."""

    def _on_exit(self) -> None:
        """Does nothing; NNI calls it at the end."""

    def _on_error(self) -> None:
        """Does nothing; NNI calls it after an error."""

    def import_data(self, data: list[dict[str, Any]]) -> None:
        """Learn imported results: a list of {"parameter": values, "value": metric}."""
        _log.info(
            "%s does not accept imported data: %d results skipped", type(self).__name__, len(data)
        )
