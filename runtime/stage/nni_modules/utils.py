"""The part of `nni.utils` that trials use. Python 3.8, standard library only."""

__all__ = ["merge_parameter"]


def merge_parameter(base_params, override_params):
    """Override the script's parameters in place with the trial's values, and return them.

    `base_params` is a dict or an argparse namespace, `override_params` a dict or None. Raises
    ValueError for an unknown name, and TypeError for a value of another type than the script's;
    an int is accepted for a float.
    """
    own = base_params if isinstance(base_params, dict) else vars(base_params)
    for name, value in (override_params or {}).items():
        if name not in own:
            raise ValueError(
                "there is no parameter %r, only %s" % (name, ", ".join(map(str, own)) or "none")
            )
        own[name] = _fitting(name, own[name], value)
    return base_params


def _fitting(name, before, value):
    if before is None or type(before) is type(value):
        return value
    if type(before) is float and type(value) is int:
        return float(value)
    kinds = type(before).__name__, type(value).__name__
    raise TypeError("the parameter %r is of type %s, its new value of type %s" % (name, *kinds))
