"""`nni.runtime.env_vars`: where NNI 2 and 3 have `nni.env_vars`."""

from nni.env_vars import dispatcher_env_vars, trial_env_vars

__all__ = ["dispatcher_env_vars", "trial_env_vars"]
