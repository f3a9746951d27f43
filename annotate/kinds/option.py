"""Command-line options: the `default` of argparse's `add_argument` and click's `option`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import Target, text_of
from annotate.tree import Tree

KIND = "option"


def is_option(call: cst.Call, tree: Tree) -> bool:
    """Whether a call declares a command-line option, judging by its name and flags."""
    func = call.func
    name = func.attr if isinstance(func, cst.Attribute) else func
    if not isinstance(name, cst.Name):
        return False
    if name.value == "option":
        return any(flag.startswith("-") for flag in _flags(call))
    if name.value == "add_argument" or name is not func:
        return name.value == "add_argument"
    # add = parser.add_argument
    flags = _flags(call)
    bound = rf"\b{name.value}[ \t]*=[ \t]*[\w.]+\.add_argument\b(?![ \t]*\()"
    return bool(flags) and flags[0][0] == "-" and re.search(bound, tree.text) is not None


def is_parameter_option(call: cst.Call, tree: Tree) -> bool:
    """Whether a call describes a parameter, as typer's `Option` and `Argument` do."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    is_named = isinstance(name, cst.Name) and name.value in ("Option", "Argument")
    return is_named and "typer" in tree.text


def targets(node: cst.CSTNode, tree: Tree) -> Iterator[Target]:
    if isinstance(node, cst.Call) and is_option(node, tree):
        for argument in node.args:
            if argument.keyword is not None and argument.keyword.value == "default":
                yield Target(KIND, _destination(node), argument.value)


def _flags(call: cst.Call) -> list[str]:
    texts = [text_of(arg.value) for arg in call.args if arg.keyword is None and not arg.star]
    return [text for text in texts if text]


def _destination(call: cst.Call) -> str:
    """The option's name in the program, as argparse and click derive it."""
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


VALID = [
    Valid(
        "argparse: named by the long option",
        "parser.add_argument('-b', '--batch-size', type=int, default=32)  # @nni.choice(16, 32)\n",
        {"batch_size/choice": [16, 32]},
    ),
    Valid(
        "argparse: named by `dest`",
        "parser.add_argument('--lr', dest='rate', default=0.1)  # @nni.uniform(0, 1)\n",
        {"rate/uniform": [0, 1]},
    ),
    Valid(
        "argparse: with a name for `add_argument`",
        "add = parser.add_argument\nadd('--lr', type=float, default=0.1)  # @nni.uniform(0, 1)\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "click",
        "@click.option('--lr', default=0.1, help='rate')  # @nni.uniform(0, 1)\ndef main(lr):\n"
        "    pass\n",
        {"lr/uniform": [0, 1]},
    ),
]

INVALID = [
    Invalid(
        "an option without a default",
        "parser.add_argument('--lr', type=float)  # @nni.uniform(0, 1)\n",
        "A402",
        "uniform",
    ),
    Invalid(
        "a name that does not match the option",
        "p.add_argument('--lr', default=1)  # @nni.variable(nni.uniform(0, 1), name=default)\n",
        "A406",
        "default",
    ),
]
