"""`@nni.variable(domain, name=target)`: the annotated value becomes the trial's."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.domains import DOMAINS
from annotate.kinds import assignment, choice
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.families import Located
from annotate.kinds.target import Target, inside
from annotate.plan import Annotated, Context
from annotate.snippets import fingerprint, fold, literal

DIRECTIVE = "variable"


def read(annotation: Annotation, context: Context) -> list[Annotated]:
    """Read an annotation of a value; raises Wrong."""
    parsed, name = arguments(annotation)
    target = _target(annotation, context, name, parsed)
    if target.problem:
        code, message, hint = target.problem
        raise Wrong(code, context.tree.span(target.at or target.value), message, hint)
    key = f"{context.module}/{target.name}/{parsed.domain.type}"
    return [context.annotated(annotation, key, parsed, target.value, target.name, target.kind)]


def arguments(annotation: Annotation) -> tuple[choice.ParsedDomain, cst.BaseExpression | None]:
    """The domain, and the expression of `name=` if any; raises Wrong."""
    if annotation.directive in DOMAINS:
        return _short_form(annotation), None
    names = [arg for arg in annotation.arguments if arg.keyword is not None]
    domains = [arg for arg in annotation.arguments if arg.keyword is None]
    for argument in names:
        assert argument.keyword is not None
        if argument.keyword.value != "name":
            message = f"variable has no argument {argument.keyword.value!r}"
            raise Wrong("A204", annotation.place(argument.keyword), message, "did you mean 'name'?")
    if len(domains) != 1 or len(names) > 1:
        where = annotation.place(domains[1]) if len(domains) > 1 else annotation.name_span
        hint = "write @nni.variable(nni.uniform(0, 1), name=lr)"
        raise Wrong("A204", where, "variable takes one domain and an optional name", hint)
    if domains[0].star:
        raise Wrong(
            "A204", annotation.place(domains[0]), "variable takes one domain and an optional name"
        )
    return choice.parse(annotation, domains[0].value), names[0].value if names else None


def _short_form(annotation: Annotation) -> choice.ParsedDomain:
    name = annotation.directive
    if annotation.carrier.kind != "trailing":
        hint = f"write @nni.variable(nni.{name}(...), name=...)"
        message = "the short form must be at the end of the line with the value"
        raise Wrong("A206", annotation.name_span, message, hint)
    call = annotation.call
    return choice.parse_named(annotation, name, call)


def _target(
    annotation: Annotation,
    context: Context,
    name: cst.BaseExpression | None,
    parsed: choice.ParsedDomain,
) -> Target:
    candidates, mistake = _candidates(annotation, context)
    matches = candidates
    if name is not None:
        text, is_text = _name(annotation, name)
        matches = [t for t in candidates if t.is_named(text, is_text)]
        if candidates and not matches:
            raise _unnamed(annotation, name, text, candidates)
    if not matches:
        raise mistake
    sound = [t for t in matches if not t.problem] or matches[:1]
    if name is None and (option := _enclosing_target(context, sound, parsed)):
        return option
    if len(sound) > 1:
        names = ", ".join(dict.fromkeys(t.name for t in sound))
        hint = f"select one with name=: {names}"
        if name is not None:
            hint = "put them on separate lines"
        message = f"{len(sound)} values match: {names}"
        raise Wrong("A407", annotation.place(name) if name else annotation.name_span, message, hint)
    return sound[0]


def _enclosing_target(
    context: Context, targets: list[Target], parsed: choice.ParsedDomain
) -> Target | None:
    """The target that contains all others and equals an option, so it must be meant."""
    codes = {fingerprint(option.text) for option in parsed.options if not option.literal}
    if not codes or len(targets) < 2:
        return None
    tree = context.tree
    outer = max(targets, key=lambda t: tree.span(t.value)[1] - tree.span(t.value)[0])
    start, end = tree.span(outer.value)
    spans = [tree.span(target.value) for target in targets]
    holds = all(start <= first and last <= end for first, last in spans)
    return outer if holds and fingerprint(tree.code(outer.value)) in codes else None


def named(annotation: Annotation, node: cst.BaseExpression | None) -> str | None:
    """The text of `name=`; None if there is none."""
    return None if node is None else _name(annotation, node)[0]


def _name(annotation: Annotation, node: cst.BaseExpression) -> tuple[str, bool]:
    known, value = literal(node)
    if known and isinstance(value, str):
        return value, True
    return fold(annotation.tree, node), False


def _unnamed(
    annotation: Annotation, node: cst.BaseExpression, name: str, candidates: Iterable[Target]
) -> Wrong:
    names = list(dict.fromkeys(target.name for target in candidates))
    message = f"{name!r} does not match the annotated value"
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use {' or '.join(map(repr, names))}"
    return Wrong("A406", annotation.place(node), message, hint)


def _candidates(annotation: Annotation, context: Context) -> tuple[list[Target], Wrong]:
    """The possible targets of an annotation, and the mistake to raise if there are none."""
    layout, carrier = context.layout, annotation.carrier
    where = annotation.name_span
    in_brackets = carrier.kind == "line" and layout.in_brackets(carrier.start)
    if carrier.kind == "trailing" or in_brackets:
        located = context.targets(carrier.start)
        if in_brackets:
            message = "no value that can be annotated begins on the next line"
            targets = _beginning(located, layout.line_below(carrier.end))
            return targets, Wrong("A401", where, message)
        message = "no value that can be annotated ends on this line"
        hint = "annotate an assignment, a keyword argument, an option, a dict entry or a default"
        targets = _ending(located, context.source.line_of(carrier.start))
        return targets, Wrong("A402", where, message, hint)
    line = context.statement(annotation)
    parts = inside(line.node, False)
    targets = [t for part in parts for t in assignment.targets(part, context.tree)]
    message = "the statement below is not an assignment"
    hint = "to annotate a value inside a statement, put the annotation at the end of its line"
    return targets, Wrong("A401", where, message, hint)


def _ending(located: list[Located], number: int) -> list[Target]:
    """The targets whose value, with its brackets or else without, ends on a line."""
    outer = [each.target for each in located if each.outer[1] == number]
    return outer or [each.target for each in located if each.inner[1] == number]


def _beginning(located: list[Located], number: int) -> list[Target]:
    """The targets whose value, with its brackets or else without, begins on a line."""
    outer = [each.target for each in located if each.outer[0] == number]
    return outer or [each.target for each in located if each.inner[0] == number]


VALID = [
    Valid(
        "with the target's name",
        "# @nni.variable(nni.uniform(0, 1), name=self.lr)\nself.lr = 0.1\n",
        {"self.lr/uniform": [0, 1]},
    ),
    Valid(
        "without a name, if there is only one possible value",
        "lr = 0.1  # @nni.variable(nni.uniform(0, 1))\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "a name that selects one of several values",
        "opt = SGD(p, lr=0.1)  # @nni.variable(nni.uniform(0, 1), name=lr)\n",
        {"lr/uniform": [0, 1]},
    ),
    Valid(
        "if one value contains the others, the one that equals an option is meant",
        "opt = SGD(p, lr=0.1)  # @nni.choice(SGD(p, lr=0.1), Adam(p))\n",
        {"opt/choice": ["SGD(p, lr=0.1)", "Adam(p)"]},
    ),
    Valid(
        "two annotations with the same key and domain are one parameter",
        "a = f(lr=0.1)  # @nni.variable(nni.uniform(0, 1), name=lr)\n"
        "b = f(lr=0.2)  # @nni.variable(nni.uniform(0, 1), name=lr)\n",
        {"lr/uniform": [0, 1]},
    ),
]

INVALID = [
    Invalid("a missing domain", "# @nni.variable(name=x)\nx = 1\n", "A204", "variable"),
    Invalid(
        "a misspelt argument", "x = 1  # @nni.variable(nni.choice(1, 2), nme=x)\n", "A204", "nme"
    ),
    Invalid(
        "a name that does not match the target",
        "x = 1  # @nni.variable(nni.choice(1, 2), name=y)\n",
        "A406",
        "y",
    ),
    Invalid(
        "two possible values", "opt = SGD(p, lr=0.1)  # @nni.uniform(0, 1)\n", "A407", "uniform"
    ),
    Invalid(
        "two annotations for one value",
        "# @nni.variable(nni.choice(1, 2))\nx = 1  # @nni.choice(1, 3)\n",
        "A412",
        "# @nni.choice(1, 3)",
    ),
    Invalid(
        "one key with two domains",
        "x = 1  # @nni.choice(1, 2)\nx = 2  # @nni.choice(1, 3)\n",
        "A501",
        "# @nni.choice(1, 3)",
    ),
    Invalid(
        "a value that an f-string prints as code",
        "s = f'{g(k=1)=}'  # @nni.variable(nni.choice(1, 2), name=k)\n",
        "A414",
        "variable",
    ),
]
