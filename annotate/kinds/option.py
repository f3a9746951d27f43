"""Command line options: the `default` of argparse's `add_argument` and of click's `option`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from annotate.kinds.target import Target, text_of
from annotate.tree import Tree

KIND = "option"


def is_option(call: cst.Call) -> bool:
    """Whether a call declares a command line option, by its name and its first argument."""
    func = call.func
    name = func.attr if isinstance(func, cst.Attribute) else func
    if not isinstance(name, cst.Name):
        return False
    if name.value == "option":
        return any(flag.startswith("-") for flag in _flags(call))
    return name.value == "add_argument"


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Call) and is_option(node):
        for argument in node.args:
            if argument.keyword is not None and argument.keyword.value == "default":
                yield Target(KIND, _destination(node), argument.value)


def _flags(call: cst.Call) -> list[str]:
    texts = [text_of(arg.value) for arg in call.args if arg.keyword is None and not arg.star]
    return [text for text in texts if text]


def _destination(call: cst.Call) -> str:
    """The name under which the program finds the option, as argparse and click make it."""
    for argument in call.args:
        is_dest = argument.keyword is not None and argument.keyword.value == "dest"
        if is_dest and (dest := text_of(argument.value)):
            return dest
    flags = _flags(call)
    plain = [flag for flag in flags if not flag.startswith("-")]
    long = [flag for flag in flags if flag.startswith("--")]
    for flag in [*plain, *long, *flags]:
        # click writes on/off options as --shout/--no-shout
        if name := flag.split("/")[0].strip().lstrip("-"):
            return name.replace("-", "_")
    return "default"
