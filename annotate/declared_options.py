"""Finds the command-line options that a Python file declares with argparse, click, typer or fire.

Reads only the syntax tree, so it knows only plain literals.
"""

from __future__ import annotations

import ast
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotate.parameter_options import Parameter, fire_parameters, typer_parameters

_PARSES = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")
_SHORT = ("store_true", "store_false", "store_const", "append_const", "count", "help", "version")
_MARKS = (b"add_argument", b"option(", b"Option(", b"parse_", b"Fire(")
#: Stands for a word that is known only at run time.
UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One `add_argument` or `click.option` call, or an option of typer.

    `receiver` is the code before `.add_argument`. `values` is how many words it takes, like nargs
    of argparse; 0 for a switch. `default` is the line on which the default begins, if there is one.
    `variables` are the environment variables that set it, and `parameter` is the parameter that an
    option of typer has.
    """

    receiver: str
    flags: tuple[str, ...]
    click: bool
    values: int | str | None
    switch_pair: bool
    default: int | None
    variables: tuple[str, ...] = ()
    parameter: Parameter | None = None

    @property
    def positional(self) -> bool:
        return not self.flags[0].startswith("-")


@dataclass(frozen=True, slots=True)
class Parse:
    """A call that parses arguments: these `words`, or the command line if None."""

    receiver: str
    line: int
    words: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Declared:
    """What one file declares.

    `defaults` lists the options whose default a later `set_defaults` is certain to replace: the
    name, the line of the option's default, and the line of the call. `fires` are the parameters of
    the function that each call of fire runs.
    """

    options: tuple[Option, ...] = ()
    parses: tuple[Parse, ...] = ()
    defaults: tuple[tuple[str, int, int], ...] = ()
    abbreviates: bool = True
    subcommands: bool = False
    fires: tuple[list[Parameter], ...] = ()


def declared(code: bytes) -> Declared:
    """Read a file; one that does not parse declares nothing."""
    if not any(mark in code for mark in _MARKS):
        return Declared()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Declared()
    calls = list(_calls(tree.body, ()))
    aliases = _aliases(tree)
    options = [(o, where) for call, where in calls if (o := _option(call, aliases)) is not None]
    by_parameters = [_typer_option(p) for p in (typer_parameters(tree) if b"typer" in code else ())]
    return Declared(
        options=(*(option for option, _ in options), *by_parameters),
        parses=tuple(p for call, _ in calls if (p := _parse(call)) is not None),
        defaults=tuple(_defaults(calls, options)),
        abbreviates=not any(_is_false(_keyword(call, "allow_abbrev")) for call, _ in calls),
        subcommands=any(_name(call.func) == "add_subparsers" for call, _ in calls),
        fires=tuple(fire_parameters(tree)) if b"fire" in code else (),
    )


_Where = tuple[int, ...]  # the enclosing blocks, outermost first


def _calls(body: Sequence[ast.stmt], where: _Where) -> Iterator[tuple[ast.Call, _Where]]:
    """Every call with the blocks around its statement."""
    for statement in body:
        waiting: list[ast.AST] = [statement]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Call):
                yield node, where
            for _, value in ast.iter_fields(node):
                if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                    yield from _calls(value, (*where, id(value)))
                else:
                    parts = value if isinstance(value, list) else [value]
                    waiting += [part for part in parts if isinstance(part, ast.AST)]


def _aliases(tree: ast.Module) -> dict[str, str]:
    """The receiver of each name that only stands for an `add_argument`: `add = p.add_argument`."""
    receivers: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            value = node.value
            bound = value if isinstance(value, ast.Attribute) else None
            receiver = ""
            if bound is not None and bound.attr == "add_argument":
                receiver = ast.unparse(bound.value)
            for target in node.targets:
                if isinstance(target, ast.Name):
                    receivers.setdefault(target.id, set()).add(receiver)
    return {name: min(of) for name, of in receivers.items() if "" not in of and len(of) == 1}


def _typer_option(parameter: Parameter) -> Option:
    call = parameter.option
    texts = [_literal(arg) for arg in call.args] if call is not None else []
    flags = [f for t in texts if isinstance(t, str) and t.startswith("-") for f in t.split("/")]
    name = parameter.name.replace("_", "-")
    pair = [f"--{name}", f"--no-{name}"] if parameter.switch else [f"--{name}"]
    return Option(
        receiver="",
        flags=tuple(flags or pair),
        click=True,
        values=0 if parameter.switch else None,
        switch_pair=False,
        default=parameter.default,
        variables=_variables(call) if call is not None else (),
        parameter=parameter,
    )


def _variables(call: ast.Call) -> tuple[str, ...]:
    """The names in `envvar=`, a text or a list of them."""
    node = _keyword(call, "envvar")
    nodes = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    return tuple(name for n in nodes if isinstance(name := _literal(n), str))


def _option(call: ast.Call, aliases: Mapping[str, str]) -> Option | None:
    name = _name(call.func)
    receiver = aliases.get(name) if isinstance(call.func, ast.Name) else _receiver(call)
    if name not in ("add_argument", "option") and name not in aliases:
        return None
    click = name == "option"
    flags = tuple(
        flag.strip()
        for arg in call.args
        if isinstance(text := _literal(arg), str)
        for flag in (text.split("/") if click else [text])
        if flag.strip() and (not click or flag.strip().startswith("-"))
    )
    if not flags:
        return None
    action = _keyword(call, "action")
    default = _keyword(call, "default")
    return Option(
        receiver=receiver or "",
        flags=flags,
        click=click,
        values=_values(call, action),
        switch_pair=action is not None and _name(action) == "BooleanOptionalAction",
        default=None if default is None else default.lineno,
        variables=_variables(call) if click else (),
    )


def _values(call: ast.Call, action: ast.expr | None) -> int | str | None:
    switch = any(_literal(_keyword(call, name)) is True for name in ("is_flag", "count"))
    paired = any("/" in str(_literal(arg)) for arg in call.args)
    if switch or paired or (action is not None and _literal(action) in _SHORT):
        return 0
    nargs = _literal(_keyword(call, "nargs"))
    return nargs if isinstance(nargs, (int, str)) else None


def _parse(call: ast.Call) -> Parse | None:
    if _name(call.func) not in _PARSES:
        return None
    argument = call.args[0] if call.args else _keyword(call, "args")
    return Parse(_receiver(call), call.lineno, None if argument is None else _words(argument))


def _words(node: ast.expr) -> tuple[str, ...] | None:
    """The words of a literal list or of a split string; None if unknown."""
    if isinstance(node, (ast.List, ast.Tuple)):
        texts = [_literal(item) for item in node.elts]
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return None
        return tuple(text if isinstance(text, str) else UNKNOWN for text in texts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        split = node.func.attr == "split"
        text = _literal(node.func.value if not node.args else node.args[0])
        if split and isinstance(text, str):
            return tuple(shlex.split(text))
    return None


def _defaults(
    calls: Sequence[tuple[ast.Call, _Where]], options: Sequence[tuple[Option, _Where]]
) -> Iterator[tuple[str, int, int]]:
    for call, where in calls:
        if _name(call.func) != "set_defaults":
            continue
        names = [keyword.arg for keyword in call.keywords if keyword.arg is not None]
        for option, around in options:
            later = option.default is not None and call.lineno > option.default
            if later and around[: len(where)] == where:  # it runs whenever the option is declared
                yield from ((name, option.default or 0, call.lineno) for name in names)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _receiver(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _literal(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
