"""Choices: any expressions as options, and domains inside domains."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from annotate import style
from annotate.annotation import Annotation, Wrong
from annotate.domains import DOMAINS, Choice, Domain, Option
from annotate.emit import Emitter
from annotate.json_value import JSON, same
from annotate.kinds import numeric
from annotate.kinds.case import Invalid, Valid
from annotate.not_here import INSTEAD, NETWORKS, not_here
from annotate.parameter import Parameter
from annotate.snippets import fingerprint, fold, literal


@dataclass(frozen=True, slots=True)
class ParsedOption:
    """One option as written: its JSON, its text on one line, and its domain if it is nested."""

    option: Option
    text: str
    literal: bool
    nested: ParsedDomain | None = None

    @property
    def test(self) -> JSON:
        """The value to compare the trial's value with."""
        return {"_name": self.option.value} if self.nested else self.option.value


@dataclass(frozen=True, slots=True)
class ParsedDomain:
    """A domain as written; `options` is empty for the numeric ones."""

    domain: Domain
    options: tuple[ParsedOption, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the trial's value can be used directly, without evaluating code."""
        return all(option.literal for option in self.options)


def domain_name(node: cst.BaseExpression) -> str | None:
    """`uniform` for a call `nni.uniform(...)`; None for anything else."""
    func = node.func if isinstance(node, cst.Call) else None
    if not (isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name)):
        return None
    return func.attr.value if func.value.value == "nni" else None


def parse(annotation: Annotation, node: cst.BaseExpression) -> ParsedDomain:
    """Parse an expression of the annotation as a domain; raises Wrong."""
    name = domain_name(node)
    if name is None or not isinstance(node, cst.Call):
        hint = _bare_domain(node) or f"the domains are {', '.join(DOMAINS)}"
        raise Wrong(
            "A301", annotation.place(node), "this is not a domain such as nni.uniform(0, 1)", hint
        )
    if name not in DOMAINS:
        assert isinstance(node.func, cst.Attribute)
        if name in NETWORKS:
            raise Wrong("A301", annotation.place(node.func.attr), not_here(name), INSTEAD)
        close = difflib.get_close_matches(name, DOMAINS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the domains are {', '.join(DOMAINS)}"
        raise Wrong("A301", annotation.place(node.func.attr), f"there is no domain {name!r}", hint)
    return parse_named(annotation, name, node)


def parse_named(annotation: Annotation, name: str, call: cst.Call) -> ParsedDomain:
    if name != Choice.type:
        return ParsedDomain(numeric.parse(annotation, name, call))
    return parse_options(annotation, call.args, annotation.place(call))


def _bare_domain(node: cst.BaseExpression) -> str:
    func = node.func if isinstance(node, cst.Call) else node
    name = func.value if isinstance(func, cst.Name) else ""
    close = difflib.get_close_matches(name, DOMAINS, n=1)
    return f"did you mean 'nni.{close[0]}(...)'?" if close else ""


def parse_options(
    annotation: Annotation, arguments: Sequence[cst.Arg], span: tuple[int, int]
) -> ParsedDomain:
    """The choice between `arguments`; `span` is for the mistake if there are none."""
    if not arguments:
        raise Wrong("A305", span, "there are no options", "add at least one option")
    for argument in arguments:
        if argument.star:
            message = "options must be listed, not unpacked"
            raise Wrong("A204", annotation.place(argument), message)
        if argument.keyword is not None:
            message = f"options are positional; unexpected keyword {argument.keyword.value!r}"
            place = annotation.place(argument.keyword)
            raise Wrong("A204", place, message, numeric.name_hint(argument))
    options = tuple(_option(annotation, argument.value) for argument in arguments)
    _check_alike(annotation, arguments, options)
    return ParsedDomain(Choice(tuple(o.option for o in options)), options)


def _option(annotation: Annotation, node: cst.BaseExpression) -> ParsedOption:
    text = fold(annotation.tree, node)
    if "\n" in text or "\r" in text:
        message = "this string cannot be written on one line"
        raise Wrong("A201", annotation.place(node), message, "use \\n instead of a line break")
    if domain_name(node) is not None:
        nested = parse(annotation, node)
        child = Parameter(nested.domain.type, nested.domain)
        return ParsedOption(Option(text, (child,)), text, False, nested)
    for inner in _calls(node):
        if domain_name(inner) in DOMAINS:
            message = "a domain must be a separate option"
            raise Wrong("A306", annotation.place(inner), message)
    known, value = literal(node)
    return ParsedOption(Option(value if known else text), text, known)


def _calls(node: cst.CSTNode) -> Iterator[cst.Call]:
    for child in node.children:
        if isinstance(child, cst.Call):
            yield child
        yield from _calls(child)


def _check_alike(
    annotation: Annotation, arguments: Sequence[cst.Arg], options: Sequence[ParsedOption]
) -> None:
    codes = [fingerprint(option.text) for option in options]
    for index, option in enumerate(options):
        for number, earlier in enumerate(options[:index]):
            repeated = codes[number] == codes[index]
            if repeated or same(earlier.test, option.test):
                code = earlier.text if option.literal else option.text
                hint = "remove one" if repeated else f"put the code in parentheses: ({code})"
                message = f"{option.text} and the option {earlier.text} are the same"
                raise Wrong("A304", annotation.place(arguments[index].value), message, hint)


def expression(emitter: Emitter, parsed: ParsedDomain, key: str, path: tuple[str, ...]) -> str:
    """Code for the trial's value of a nested domain."""
    if parsed.plain:
        return emitter.value(key, path)
    parts = [_branch(emitter, option, key, path) for option in parsed.options if not option.literal]
    # The remaining options are literals, so the value can be used directly.
    return f"({' '.join(parts)} {emitter.value(key, path)})"


def chain(emitter: Emitter, parsed: ParsedDomain, key: str) -> str:
    """`OPTION if chosen else ...` for each option, without the final else expression."""
    if parsed.plain:
        return f"{emitter.value(key)} if {emitter.given(key)} else"
    return " ".join(_branch(emitter, option, key, ()) for option in parsed.options)


def _branch(emitter: Emitter, option: ParsedOption, key: str, path: tuple[str, ...]) -> str:
    code = f"({emitter.code(option.text)})"
    if option.nested:
        code = expression(emitter, option.nested, key, (*path, option.nested.domain.type))
    return f"{code} if {emitter.chosen(key, option.test, path)} else"


def code(parsed: ParsedDomain, value: JSON, like: str = "") -> str:
    """The source text of a value of the domain, in the style of the literal `like`."""
    if not isinstance(parsed.domain, Choice):
        return style.number(value, like)
    option = parsed.options[parsed.domain.index(value)]
    if option.nested is None:
        return style.string(option.text, like)
    return code(option.nested, value[option.nested.domain.type], like)


VALID = [
    Valid(
        "literals appear as themselves",
        "x = 1  # @nni.choice(1, -2.5, 'a', True, None)\n",
        {"x/choice": [1, -2.5, "a", True, None]},
    ),
    Valid(
        "other options appear as their source text; only the chosen one is evaluated",
        "act = relu  # @nni.choice(relu, nn.Tanh(), lambda x: x)\n",
        {"act/choice": ["relu", "nn.Tanh()", "lambda x: x"]},
    ),
    Valid(
        "an option that is a domain, used only when chosen",
        "dropout = 0  # @nni.choice(0, nni.uniform(0.1, 1))\n",
        {
            "dropout/choice": [
                0,
                {
                    "_name": "nni.uniform(0.1, 1)",
                    "uniform": {"_type": "uniform", "_value": [0.1, 1]},
                },
            ]
        },
    ),
]

INVALID = [
    Invalid("no options", "x = 1  # @nni.choice()\n", "A305", "nni.choice()"),
    Invalid("an option twice", "x = 1  # @nni.choice(f(1), f( 1 ))\n", "A304", "f( 1 )"),
    Invalid("a string that looks like code", "x = 1  # @nni.choice(a, 'a')\n", "A304", "'a'"),
    Invalid(
        "a domain inside an option",
        "x = 1  # @nni.choice([nni.uniform(0, 1)])\n",
        "A306",
        "nni.uniform(0, 1)",
    ),
    Invalid("a misspelt domain", "x = 1  # @nni.variable(nni.unifrom(0, 1))\n", "A301", "unifrom"),
    Invalid("not a domain", "x = 1  # @nni.variable(uniform(0, 1))\n", "A301", "uniform(0, 1)"),
    Invalid("a keyword", "x = 1  # @nni.choice(1, 2, name=x)\n", "A204", "name"),
    Invalid("unpacked options", "x = 1  # @nni.choice(*options)\n", "A204", "*options"),
    Invalid(
        "an option that is not valid there",
        "x = 1  # @nni.choice(1, await f())\n",
        "A103",
        "# @nni.choice(1, await f())",
    ),
]
