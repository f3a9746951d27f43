"""Numeric domains: NNI's nine, with constant arguments."""

from __future__ import annotations

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.domains import DOMAINS, Domain, argument_names, numeric_domain
from annotate.errors import SpaceError
from annotate.kinds.case import Invalid, Valid
from annotate.snippets import NotConstant, constant


def parse(annotation: Annotation, kind: str, call: cst.Call) -> Domain:
    """Parse the call `kind(...)` as a domain; raises Wrong."""
    numbers = [_number(annotation, kind, argument) for argument in call.args]
    try:
        return numeric_domain(kind, numbers)
    except SpaceError as error:
        names = argument_names(DOMAINS[kind])
        node = call.args[names.index(error.argument)].value if error.argument else call
        raise Wrong("A303", annotation.place(node), error.message, error.hint) from None


def _number(annotation: Annotation, kind: str, argument: cst.Arg) -> int | float:
    if argument.keyword is not None or argument.star:
        message = f"{kind} takes its arguments by position"
        raise Wrong(
            "A303", annotation.place(argument.keyword or argument), message, name_hint(argument)
        )
    try:
        return constant(argument.value)
    except NotConstant as error:
        hint = "use numbers, + - * / // ** and parentheses"
        raise Wrong("A302", annotation.place(argument.value), str(error), hint) from None


def name_hint(argument: cst.Arg) -> str:
    """The hint for a `name=` inside a domain; empty for other arguments."""
    if argument.keyword is None or argument.keyword.value != "name":
        return ""
    return "put the name after the domain: variable(nni.uniform(0, 1), name=x)"


VALID = [
    Valid("randint: low <= v < high", "n = 3  # @nni.randint(1, 10)\n", {"n/randint": [1, 10]}),
    Valid("uniform", "x = 0.1  # @nni.uniform(-1, 1)\n", {"x/uniform": [-1, 1]}),
    Valid(
        "quniform: multiples of q; ints if every argument is an int",
        "n = 4  # @nni.quniform(0, 10, 2)\n",
        {"n/quniform": [0, 10, 2]},
    ),
    Valid("loguniform", "x = 0.1  # @nni.loguniform(1e-5, 1)\n", {"x/loguniform": [1e-5, 1]}),
    Valid(
        "qloguniform",
        "n = 64  # @nni.qloguniform(16, 1024, 16)\n",
        {"n/qloguniform": [16, 1024, 16]},
    ),
    Valid("normal: mu and sigma", "x = 0.1  # @nni.normal(0, 0.5)\n", {"x/normal": [0, 0.5]}),
    Valid("qnormal", "x = 1  # @nni.qnormal(0, 5, 1)\n", {"x/qnormal": [0, 5, 1]}),
    Valid("lognormal", "x = 0.1  # @nni.lognormal(0, 1)\n", {"x/lognormal": [0, 1]}),
    Valid("qlognormal", "x = 1  # @nni.qlognormal(0, 1, 0.5)\n", {"x/qlognormal": [0, 1, 0.5]}),
    Valid("equal bounds: a constant", "x = 0.1  # @nni.uniform(2, 2)\n", {"x/uniform": [2, 2]}),
    Valid(
        "constant expressions",
        "x = 64  # @nni.uniform(-(2 ** 3), 3 * 10 // 4 - 1 / 2)\n",
        {"x/uniform": [-8, 6.5]},
    ),
]

INVALID = [
    Invalid("the name inside the domain", "x = 1  # @nni.uniform(0, 1, name=x)\n", "A303", "name"),
    Invalid("a name", "x = 1  # @nni.uniform(0, n)\n", "A302", "n"),
    Invalid("a string", "x = 1  # @nni.uniform('0', 1)\n", "A302", "'0'"),
    Invalid(
        "a number that is too large",
        "x = 1  # @nni.uniform(0, 9 ** 9 ** 9)\n",
        "A302",
        "9 ** 9 ** 9",
    ),
    Invalid("a division by zero", "x = 1  # @nni.uniform(0, 1 / 0)\n", "A302", "1 / 0"),
    Invalid("bounds in the wrong order", "x = 1  # @nni.uniform(1, 0)\n", "A303", "1"),
    Invalid("a randint without a value", "x = 1  # @nni.randint(1, 1)\n", "A303", "1"),
    Invalid("a lower bound without a logarithm", "x = 1  # @nni.loguniform(0, 1)\n", "A303", "0"),
    Invalid("a step of zero", "x = 1  # @nni.quniform(0, 1, 0)\n", "A303", "0"),
    Invalid("a negative width", "x = 1  # @nni.normal(0, -1)\n", "A303", "-1"),
    Invalid("infinity", "x = 1  # @nni.uniform(0, 1e999)\n", "A303", "1e999"),
    Invalid("too few arguments", "x = 1  # @nni.quniform(0, 1)\n", "A303", "nni.quniform(0, 1)"),
    Invalid("not an int", "x = 1  # @nni.randint(0, 2.5)\n", "A303", "2.5"),
    Invalid("keyword arguments", "x = 1  # @nni.uniform(low=0, high=1)\n", "A303", "low"),
]
