"""`nni.platform`: where NNI's trial side learns who it is; `test` is for unit tests of scripts."""

import os

import nni
from nni import get_experiment_id, get_sequence_id, get_trial_id

__all__ = ["get_experiment_id", "get_next_parameter", "get_sequence_id", "get_trial_id"]


def get_next_parameter():
    """The trial's values under `parameters`, with their `parameter_id`; None outside a trial."""
    number = get_sequence_id() if "NNI_SYS_DIR" in os.environ else None
    return {"parameter_id": number, "parameters": nni.get_next_parameter()}
