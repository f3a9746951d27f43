"""The part of `nni.utils` that only algorithms use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, unique
from typing import Any

from nni.nested import NodeType, json2parameter, json2space, split_index
from nni.serializer import dump

from nni import ClassArgsValidator

__all__ = [
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
]

to_json = dump


@unique
class OptimizeMode(Enum):
    """Whether higher or lower results are better."""

    Minimize = "minimize"
    Maximize = "maximize"


class MetricType:
    """The kinds of messages about metrics."""

    PERIODICAL = "PERIODICAL"
    FINAL = "FINAL"
    REQUEST_PARAMETER = "REQUEST_PARAMETER"


def extract_scalar_reward(value: Any, scalar_key: str = "default") -> float:
    """The number in a result: the result itself, or its item `scalar_key`.

    Raises RuntimeError if there is none.
    """
    if isinstance(value, Mapping) and isinstance(value.get(scalar_key), (float, int)):
        return float(value[scalar_key])
    if isinstance(value, (float, int)):
        return float(value)
    raise RuntimeError(f'a result is a number or a dict with one under "{scalar_key}": {value!r}')


def extract_scalar_history(
    trial_history: Sequence[Any], scalar_key: str = "default"
) -> list[float]:
    """The numbers of a trial's intermediate results."""
    return [extract_scalar_reward(result, scalar_key) for result in trial_history]


def convert_dict2tuple(value: Any) -> Any:
    """A dict as a sorted tuple of its items, which can be hashed; anything else unchanged.

    As in NNI, dicts inside `value` are replaced there, too.
    """
    if not isinstance(value, dict):
        return value
    for key in value:
        value[key] = convert_dict2tuple(value[key])
    return tuple(sorted(value.items()))


def init_dispatcher_logger() -> None:
    """Does nothing: what an algorithm logs or prints goes to the experiment's log."""
