"""`nni.utils`: `merge_parameter` for trials; the rest, for algorithms, is imported at first use."""

_LATER = (
    "ClassArgsValidator",
    "MetricType",
    "NodeType",
    "OptimizeMode",
    "convert_dict2tuple",
    "extract_scalar_history",
    "extract_scalar_reward",
    "init_dispatcher_logger",
    "json2parameter",
    "json2space",
    "split_index",
    "to_json",
)

__all__ = [*_LATER, "merge_parameter"]


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError("module 'nni.utils' has no attribute %r" % name)
    import importlib

    return getattr(importlib.import_module("nni.algorithm_utils"), name)


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
