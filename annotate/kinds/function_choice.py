"""`@nni.function_choice(option, ..., name=callee)`: a call becomes the chosen option."""

from __future__ import annotations

import difflib

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.code import fingerprint, fold
from annotate.kinds import choice
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import inside
from annotate.plan import Annotated, Context

DIRECTIVE = "function_choice"


def read(annotation: Annotation, context: Context) -> list[Annotated]:
    """What the annotation makes of each call that is meant; raises Wrong."""
    names = [a for a in annotation.arguments if a.keyword and a.keyword.value == "name"]
    options = [a for a in annotation.arguments if a not in names]
    if len(names) > 1:
        raise Wrong("A204", annotation.place(names[1]), "function_choice takes one name")
    written = choice.parse_options(annotation, options, annotation.name_span)
    name = names[0].value if names else None
    calls = _meant(annotation, context, written, name)
    callee = fold(context.tree, calls[0].func)
    key = f"{context.module}/{callee}/{DIRECTIVE}"
    return [context.annotated(annotation, key, written, call, callee, "call") for call in calls]


def _meant(
    annotation: Annotation,
    context: Context,
    written: choice.WrittenDomain,
    name: cst.BaseExpression | None,
) -> list[cst.Call]:
    calls = _calls(annotation, context)
    codes = {fingerprint(option.text) for option in written.options}
    if name is not None:
        calls = _named(annotation, context, calls, name)
    elif len(calls) > 1:
        return _equal_and_one(annotation, context, calls, codes)
    if not calls:
        raise Wrong("A408", annotation.name_span, "there is no call here")
    if len(calls) == 1:
        return calls
    equal = [call for call in calls if fingerprint(context.tree.code(call)) in codes]
    if not equal:
        message = f"{len(calls)} calls could be meant, and none equals an option"
        hint = f"write the call itself as an option: {fold(context.tree, calls[0])}"
        raise Wrong("A409", annotation.place(name) if name else annotation.name_span, message, hint)
    return equal


def _named(
    annotation: Annotation, context: Context, calls: list[cst.Call], name: cst.BaseExpression
) -> list[cst.Call]:
    wanted = fingerprint(annotation.tree.code(name))
    named = [call for call in calls if fingerprint(context.tree.code(call.func)) == wanted]
    if not named:
        callees = list(dict.fromkeys(fold(context.tree, call.func) for call in calls))
        text = fold(annotation.tree, name)
        hint = f"it calls {', '.join(callees)}" if callees else "it calls nothing"
        if close := difflib.get_close_matches(text, callees, n=1):
            hint = f"did you mean {close[0]!r}?"
        message = f"the statement does not call {text!r}"
        raise Wrong("A408", annotation.place(name), message, hint)
    return named


def _equal_and_one(
    annotation: Annotation, context: Context, calls: list[cst.Call], codes: set[str]
) -> list[cst.Call]:
    """The calls that equal an option, if they are all of one function."""
    equal = [call for call in calls if fingerprint(context.tree.code(call)) in codes]
    callees = dict.fromkeys(fold(context.tree, call.func) for call in equal or calls)
    if len(callees) == 1 and equal:
        return equal
    names = ", ".join(callees)
    hint = f"say which with name=: {names}"
    raise Wrong("A407", annotation.name_span, f"several calls could be meant: {names}", hint)


def _calls(annotation: Annotation, context: Context) -> list[cst.Call]:
    """The calls in what is annotated."""
    carrier, layout, tree = annotation.carrier, context.layout, context.tree
    in_brackets = carrier.kind == "line" and layout.in_brackets(carrier.start)
    if carrier.kind == "trailing" or in_brackets:
        line = context.line(carrier.start)
        found = list(inside(line.node, False)) if line else []
        calls = [node for node in found if isinstance(node, cst.Call)]
        if in_brackets:
            number = layout.line_below(carrier.end)
            return [c for c in calls if context.source.line_of(tree.span(c)[0]) == number]
        number = context.source.line_of(carrier.start)
        ending = [c for c in calls if context.source.line_of(tree.span(c)[1] - 1) == number]
        return ending or calls
    found = list(inside(context.statement(annotation).node, True))
    return [node for node in found if isinstance(node, cst.Call)]


VALID = [
    Valid(
        "a call becomes any expression",
        "# @nni.function_choice(max_pool(h, k), avg_pool(h, k), h, name=max_pool)\n"
        "h = max_pool(h, k)\n",
        {"max_pool/function_choice": ["max_pool(h, k)", "avg_pool(h, k)", "h"]},
    ),
    Valid(
        "a dotted function",
        "y = tf.nn.relu(x)  # @nni.function_choice(tf.nn.relu(x), tf.tanh(x), name=tf.nn.relu)\n",
        {"tf.nn.relu/function_choice": ["tf.nn.relu(x)", "tf.tanh(x)"]},
    ),
    Valid(
        "of several calls the one that equals an option",
        "# @nni.function_choice(f( 1 ), g(1), name=f)\ny = f(0) + f(1)\n",
        {"f/function_choice": ["f( 1 )", "g(1)"]},
    ),
    Valid(
        "no name where only one call is possible",
        "# @nni.function_choice(relu(x), tanh(x))\nprint(relu(x))\n",
        {"relu/function_choice": ["relu(x)", "tanh(x)"]},
    ),
]

INVALID = [
    Invalid("no option", "# @nni.function_choice(name=f)\ny = f(x)\n", "A305", "function_choice"),
    Invalid(
        "a function that is not called",
        "# @nni.function_choice(f(x), g(x), name=ff)\ny = f(x)\n",
        "A408",
        "ff",
    ),
    Invalid(
        "no call equals an option",
        "# @nni.function_choice(g(1), g(2), name=f)\ny = f(1) + f(2)\n",
        "A409",
        "f",
    ),
    Invalid(
        "several functions",
        "# @nni.function_choice(1, 2)\ny = f(1) + g(2)\n",
        "A407",
        "function_choice",
    ),
]
