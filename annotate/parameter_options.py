"""Options that a function's parameters declare: typer's with flags of their own, and fire's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_FLAG = re.compile(r"--|-[A-Za-z]")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A function's parameter.

    `option` is the call of typer's `Option` that declares it, and `default` the line on which its
    default begins; None where there is none.
    """

    name: str
    function: str
    keyword_only: bool
    option: ast.Call | None
    switch: bool
    default: int | None


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Parameter]:
    """The function's parameters, in order, without `*args` and `**kwargs`."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults, *arguments.kw_defaults]
    for number, argument in enumerate([*plain, *arguments.kwonlyargs]):
        default = defaults[number]
        option = _option(argument.annotation) or _option(default)
        if option is default and option is not None:
            default = option.args[0] if option.args else None
        yield Parameter(
            argument.arg,
            function.name,
            number >= len(plain),
            option,
            _is_switch(argument.annotation),
            None if default is None else default.lineno,
        )


def typer_parameters(tree: ast.Module) -> list[Parameter]:
    """The parameters of the functions that have an option of typer."""
    functions = [list(parameters(n)) for n in ast.walk(tree) if isinstance(n, _Function)]
    return [p for ps in functions if any(q.option is not None for q in ps) for p in ps]


def fire_parameters(tree: ast.Module) -> list[list[Parameter]]:
    """For each call of fire: the parameters of the function that it calls; empty if unknown."""
    functions = {n.name: list(parameters(n)) for n in tree.body if isinstance(n, _Function)}
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _last_name(n.func) == "Fire"]
    return [
        functions.get(_last_name(call.args[0]), [])
        if len(call.args) == 1 and not any(k.arg == "command" for k in call.keywords)
        else []
        for call in calls
    ]


def fire_words(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, str]:
    """The words that set parameters, by the parameter's name, as fire reads them."""
    names = [parameter.name for parameter in parameters]
    setting: dict[str, str] = {}
    others: list[str] = []
    waiting = list(_before_separator(words))
    while waiting:
        word = waiting.pop(0)
        if not _FLAG.match(word):
            others.append(word)
            continue
        flag, equals, _ = word.partition("=")
        name = _meant(flag.lstrip("-").replace("-", "_"), names)
        if name is None:
            return {}  # fire will refuse it, or the function takes any keyword
        setting[name] = flag
        if not equals and waiting and not _FLAG.match(waiting[0]):
            waiting.pop(0)
    open_to = [p.name for p in parameters if not p.keyword_only and p.name not in setting]
    return setting | dict(zip(open_to, others, strict=False))


def _before_separator(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word in ("-", "--"):
            return
        yield word


def _meant(flag: str, names: Sequence[str]) -> str | None:
    if flag in names:
        return flag
    if flag.startswith("no") and flag[2:] in names:
        return flag[2:]
    starting = [name for name in names if name[0] == flag]
    return starting[0] if len(starting) == 1 else None


def _option(node: ast.expr | None) -> ast.Call | None:
    """The call of typer's `Option` in `Annotated[...]`, or that is the default."""
    if isinstance(node, ast.Subscript) and _last_name(node.value) == "Annotated":
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        return next((o for part in parts if (o := _option(part)) is not None), None)
    is_call = isinstance(node, ast.Call) and _last_name(node.func) == "Option"
    return node if is_call and isinstance(node, ast.Call) else None


def _is_switch(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        annotation = annotation.slice.elts[0]
    return annotation is not None and _last_name(annotation) == "bool"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
