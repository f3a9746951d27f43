"""Search spaces and parameters as NNI's tuners nest them, with the index of each choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nni import parameter_expressions

__all__ = ["NodeType", "json2parameter", "json2space", "split_index"]


class NodeType:
    """The keys of a search space and of the parameters drawn from it."""

    ROOT = "root"
    TYPE = "_type"
    VALUE = "_value"
    INDEX = "_index"
    NAME = "_name"


def split_index(params: Any) -> Any:
    """Parameters without the `_index` that `json2parameter` noted for each choice."""
    if isinstance(params, list):
        return [split_index(item) for item in params]
    if not isinstance(params, dict):
        return params
    if NodeType.INDEX in params:
        return split_index(params[NodeType.VALUE])
    return {key: split_index(item) for key, item in params.items()}


def json2space(x: Any, oldy: Any = None, name: str = NodeType.ROOT) -> list[str]:
    """The names of the draws for a search space; those of nested options come before the choice.

    With `oldy` (parameters with indices), only draws of the options that it has chosen.
    """
    if isinstance(x, list):
        return [n for number, item in enumerate(x) for n in _of_option(item, oldy, name, number)]
    if not isinstance(x, dict):
        return []
    if NodeType.TYPE not in x:
        return [
            draw
            for key, item in x.items()
            for draw in json2space(item, None if oldy is None else oldy[key], f"{name}[{key}]")
        ]
    kind, options = x[NodeType.TYPE], x[NodeType.VALUE]
    name = f"{name}-{kind}"
    inner: list[str] = []
    if kind == "choice" and oldy is None:
        inner = json2space(options, None, name)
    elif kind == "choice":
        index = oldy[NodeType.INDEX]
        inner = json2space(options[index], oldy[NodeType.VALUE], f"{name}[{index}]")
    return [*inner, name]


def _of_option(option: Any, oldy: Any, name: str, number: int) -> list[str]:
    if isinstance(option, dict) and NodeType.NAME not in option:
        raise RuntimeError(f"an option that is a dict needs {NodeType.NAME!r}: {option!r}")
    return json2space(option, None if oldy is None else oldy[number], f"{name}[{number}]")


def json2parameter(
    x: Any,
    is_rand: Mapping[str, bool],
    random_state: Any,
    oldy: Any = None,
    Rand: bool = False,  # noqa: N803  NNI's name
    name: str = NodeType.ROOT,
) -> Any:
    """Parameters drawn from the search space `x`, with `_index` and `_value` for each choice.

    Parameters whose name is true in `is_rand`, and everything inside them (`Rand`), are drawn;
    the others are taken from `oldy`.
    """
    if isinstance(x, list):
        return [
            json2parameter(item, is_rand, random_state, _at(oldy, n), Rand, f"{name}[{n}]")
            for n, item in enumerate(x)
        ]
    if not isinstance(x, dict):
        return x
    if NodeType.TYPE not in x:
        return {
            key: item
            if key == NodeType.NAME
            else json2parameter(item, is_rand, random_state, _at(oldy, key), Rand, f"{name}[{key}]")
            for key, item in x.items()
        }
    kind, options = x[NodeType.TYPE], x[NodeType.VALUE]
    name = f"{name}-{kind}"
    fresh = Rand or is_rand[name]
    if kind != "choice":
        draw = getattr(parameter_expressions, kind)
        return draw(*options, random_state) if fresh else oldy
    index = int(random_state.randint(len(options))) if fresh else oldy[NodeType.INDEX]
    old = None if oldy is None else oldy[NodeType.VALUE]
    value = json2parameter(options[index], is_rand, random_state, old, fresh, f"{name}[{index}]")
    return {NodeType.INDEX: index, NodeType.VALUE: value}


def _at(oldy: Any, key: Any) -> Any:
    return None if oldy is None else oldy[key]
