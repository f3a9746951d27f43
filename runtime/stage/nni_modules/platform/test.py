"""`nni.platform.test`: gives a script values in a unit test, and keeps what it reports.

    import nni.platform.test
    nni.platform.test.init_params({"parameter_id": 1, "parameters": {"lr": 0.1}})
    train.main()
    assert nni.platform.test.get_last_metric()["value"] > 0.9

Has no effect in a trial.
"""

import copy
import os

_params = None
_last_metric = None
_sequence = 0


def init_params(params):
    """Let `nni.get_next_parameter` return `params["parameters"]` from now on."""
    global _params, _sequence
    _params, _sequence = copy.deepcopy(params), 0


def get_last_metric():
    """The last report as NNI sends it: a dict with `type`, `value` and others; None if none."""
    return copy.deepcopy(_last_metric)


def values():
    """What a script gets for its values; called by `nni`."""
    return copy.deepcopy((_params or {}).get("parameters", {}))


def report(kind, metric):
    """Keep a report; called by `nni`."""
    global _last_metric, _sequence
    final = kind == "final"
    _last_metric = {
        "parameter_id": (_params or {}).get("parameter_id"),
        "trial_job_id": os.environ.get("NNI_TRIAL_JOB_ID"),
        "type": "FINAL" if final else "PERIODICAL",
        "sequence": 0 if final else _sequence,
        "value": metric,
    }
    _sequence += not final
