"""The numeric domains: NNI's nine, with arguments that are known without running the program."""

from __future__ import annotations

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.code import NotConstant, constant
from annotate.domains import DOMAINS, Domain, argument_names, numeric_domain
from annotate.errors import SpaceError


def parse(annotation: Annotation, kind: str, call: cst.Call) -> Domain:
    """The domain that `kind(...)` says; raises Wrong."""
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
        raise Wrong("A303", annotation.place(argument.keyword or argument), message)
    try:
        return constant(argument.value)
    except NotConstant as error:
        hint = "write a number, or + - * / // ** and brackets over numbers"
        raise Wrong("A302", annotation.place(argument.value), str(error), hint) from None
