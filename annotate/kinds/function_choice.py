"""`@nni.function_choice(option, ..., name=callee)`: a call becomes the chosen option."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.kinds import choice, families
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import inside
from annotate.plan import Annotated, Context
from annotate.snippets import fingerprint, fold

DIRECTIVE = "function_choice"


def read(annotation: Annotation, context: Context) -> list[Annotated]:
    """Read an annotation of one or more calls; raises Wrong."""
    names = [a for a in annotation.arguments if a.keyword and a.keyword.value == "name"]
    options = [a for a in annotation.arguments if a not in names]
    if len(names) > 1:
        raise Wrong("A204", annotation.place(names[1]), "function_choice takes one name")
    parsed = choice.parse_options(annotation, options, annotation.name_span)
    name = names[0].value if names else None
    places, callee = _replaced(annotation, context, parsed, name)
    key = f"{context.module}/{callee}/{DIRECTIVE}"
    alias = _alias(annotation, context, places, callee)
    return [
        context.annotated(annotation, key, parsed, node, callee, "call", alias) for node in places
    ]


def _alias(
    annotation: Annotation, context: Context, places: Sequence[cst.BaseExpression], callee: str
) -> str:
    """The script's own name for the value, if it names nothing else; otherwise "".

    In `scaler = MinMaxScaler()` and `Pipeline(scaler=MinMaxScaler())` it is `scaler`. The `x` of
    `x = pool(x)` also names the input, and a name that is assigned twice also names another value.
    """
    wanted = {id(node) for node in places}
    nodes = _around(annotation, context)
    targets = [
        t for t in families.of(nodes, context.tree) if id(t.value) in wanted and not t.problem
    ]
    names = {target.name for target in targets}
    if len(targets) != len(places) or len(names) != 1:
        return ""
    name = names.pop()
    reads_itself = any(_mentions(name, context.tree.code(node)) for node in places)
    assigned = re.compile(
        rf"^[ \t]*{re.escape(name)}\s*(?::[^=\n#]*)?[-+*/@|&]*=(?!=)", re.MULTILINE
    )
    several = len(assigned.findall(context.source.text)) > len(places)
    return "" if name == callee or reads_itself or several else name


def _mentions(name: str, code: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", code) is not None


def _replaced(
    annotation: Annotation,
    context: Context,
    parsed: choice.ParsedDomain,
    name: cst.BaseExpression | None,
) -> tuple[Sequence[cst.BaseExpression], str]:
    """The expressions to replace with the chosen option, and the parameter's name."""
    calls = [n for n in _nodes(annotation, context) if isinstance(n, cst.Call)]
    codes = {fingerprint(option.text) for option in parsed.options}
    if name is not None:
        if chosen := _chosen(annotation, context, calls, codes, name):
            return chosen, fold(annotation.tree, name)
        calls = _named(annotation, context, calls, name)
    elif len(calls) > 1:
        calls = _equal_calls(annotation, context, calls, codes)
        return calls, fold(context.tree, calls[0].func)
    if not calls:
        raise Wrong("A408", annotation.name_span, "there is no call to replace here")
    callee = fold(context.tree, calls[0].func)
    if len(calls) == 1:
        return calls, callee
    equal = [call for call in calls if fingerprint(context.tree.code(call)) in codes]
    if (
        not equal
        and name is not None
        and (chosen := _bracketed(_equal(annotation, context, codes)))
    ):
        return chosen, callee
    if not equal:
        message = f"{len(calls)} calls match, but none equals an option"
        hint = f"add the call itself as an option: {fold(context.tree, calls[0])}"
        raise Wrong("A409", annotation.place(name) if name else annotation.name_span, message, hint)
    return equal, callee


def _chosen(
    annotation: Annotation,
    context: Context,
    calls: list[cst.Call],
    codes: set[str],
    name: cst.BaseExpression,
) -> list[cst.BaseExpression]:
    """If `name` is not called: the options in its place, as `annotate apply` wrote them.

    An option in parentheses always counts; without parentheses, an option must call `name`.
    """
    callee = fingerprint(annotation.tree.code(name))
    if any(fingerprint(context.tree.code(call.func)) == callee for call in calls):
        return []
    equal = _equal(annotation, context, codes)
    if bracketed := _bracketed(equal):
        return bracketed
    options = [a.value for a in annotation.arguments if not a.keyword]
    known = any(
        isinstance(option, cst.Call) and fingerprint(annotation.tree.code(option.func)) == callee
        for option in options
    )
    alike = len(equal) == 1 or all(isinstance(node, cst.Call) for node in equal)
    return equal if known and alike else []


def _equal(annotation: Annotation, context: Context, codes: set[str]) -> list[cst.BaseExpression]:
    """The values that equal an option, except those inside another one."""
    values = _values(annotation, context)
    return _outermost([n for n in values if fingerprint(context.tree.code(n)) in codes], context)


def _bracketed(nodes: list[cst.BaseExpression]) -> list[cst.BaseExpression]:
    return [node for node in nodes if node.lpar]


def _outermost(nodes: list[cst.BaseExpression], context: Context) -> list[cst.BaseExpression]:
    kept: list[cst.BaseExpression] = []
    for node in nodes:  # outer nodes come before inner ones
        if not kept or context.tree.span(node)[0] >= context.tree.span(kept[-1])[1]:
            kept.append(node)
    return kept


def _named(
    annotation: Annotation, context: Context, calls: list[cst.Call], name: cst.BaseExpression
) -> list[cst.Call]:
    callee = fingerprint(annotation.tree.code(name))
    named = [call for call in calls if fingerprint(context.tree.code(call.func)) == callee]
    if not named:
        callees = list(dict.fromkeys(fold(context.tree, call.func) for call in calls))
        text = fold(annotation.tree, name)
        hint = f"it calls {', '.join(callees)}" if callees else "it has no calls"
        if close := difflib.get_close_matches(text, callees, n=1):
            hint = f"did you mean {close[0]!r}?"
        message = f"the statement does not call {text!r}"
        raise Wrong("A408", annotation.place(name), message, hint)
    return named


def _equal_calls(
    annotation: Annotation, context: Context, calls: list[cst.Call], codes: set[str]
) -> list[cst.Call]:
    """The calls that equal an option; raises Wrong unless all are of one function."""
    equal = [call for call in calls if fingerprint(context.tree.code(call)) in codes]
    callees = dict.fromkeys(fold(context.tree, call.func) for call in equal or calls)
    if len(callees) == 1 and equal:
        return equal
    names = ", ".join(callees)
    hint = f"select one with name=: {names}"
    raise Wrong("A407", annotation.name_span, f"several calls match: {names}", hint)


def _nodes(annotation: Annotation, context: Context) -> list[cst.BaseExpression]:
    """The expressions that the annotation may refer to."""
    carrier, layout, tree = annotation.carrier, context.layout, context.tree
    nodes = [n for n in _around(annotation, context) if isinstance(n, cst.BaseExpression)]
    if carrier.kind == "line" and layout.in_brackets(carrier.start):
        number = layout.line_below(carrier.end)
        return [n for n in nodes if context.source.line_of(tree.span(n)[0]) == number]
    if carrier.kind == "trailing":
        number = context.source.line_of(carrier.start)
        ending = [n for n in nodes if context.source.line_of(tree.span(n)[1] - 1) == number]
        return ending if any(isinstance(n, cst.Call) for n in ending) else nodes
    return nodes


def _around(annotation: Annotation, context: Context) -> list[cst.CSTNode]:
    """Every node of the annotated line, or of the whole statement below."""
    carrier = annotation.carrier
    in_brackets = carrier.kind == "line" and context.layout.in_brackets(carrier.start)
    if carrier.kind == "trailing" or in_brackets:
        line = context.line(carrier.start)
        return list(inside(line.node, False)) if line else []
    return list(inside(context.statement(annotation).node, True))


def _values(annotation: Annotation, context: Context) -> list[cst.BaseExpression]:
    """The expressions that can be replaced: not assignment targets, and not names of things."""
    others = {
        id(getattr(node, part))
        for node in _around(annotation, context)
        for part in _NO_VALUES.get(type(node), ())
    }
    return [node for node in _nodes(annotation, context) if id(node) not in others]


#: Parts of nodes that look like values but cannot be replaced.
_NO_VALUES: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.AssignTarget: ("target",),
    cst.AnnAssign: ("target",),
    cst.AugAssign: ("target",),
    cst.NamedExpr: ("target",),
    cst.For: ("target",),
    cst.CompFor: ("target",),
    cst.Arg: ("keyword",),
    cst.Attribute: ("attr",),
    cst.Param: ("name",),
    cst.FunctionDef: ("name",),
    cst.ClassDef: ("name",),
    cst.Call: ("func",),
}


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
        "of several calls, the one that equals an option",
        "# @nni.function_choice(f( 1 ), g(1), name=f)\ny = f(0) + f(1)\n",
        {"f/function_choice": ["f( 1 )", "g(1)"]},
    ),
    Valid(
        "after `annotate apply` has replaced the call with another option",
        "# @nni.function_choice(max_pool(h, k), avg_pool(h, k), name=max_pool)\n"
        "h = avg_pool(h, k)\n",
        {"max_pool/function_choice": ["max_pool(h, k)", "avg_pool(h, k)"]},
    ),
    Valid(
        "in parentheses, if it would be ambiguous otherwise",
        "# @nni.function_choice(f(x), x, name=f)\ny = (x) + x\n",
        {"f/function_choice": ["f(x)", "x"]},
    ),
    Valid(
        "without a name, if there is only one possible call",
        "# @nni.function_choice(relu(x), tanh(x))\nprint(relu(x))\n",
        {"relu/function_choice": ["relu(x)", "tanh(x)"]},
    ),
]

INVALID = [
    Invalid("no options", "# @nni.function_choice(name=f)\ny = f(x)\n", "A305", "function_choice"),
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
        "calls of several functions",
        "# @nni.function_choice(1, 2)\ny = f(1) + g(2)\n",
        "A407",
        "function_choice",
    ),
]
