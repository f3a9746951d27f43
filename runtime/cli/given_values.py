"""Values of parameters as people type them."""

from __future__ import annotations

from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON
from annotate.space import Parameter, SearchSpace, Values
from runtime.cli import options


def parse_values(space: SearchSpace, pairs: list[tuple[str, str]]) -> Values:
    """Values as typed, by whole keys; raises AnnotateError that lists every mistake."""
    values: Values = {}
    mistakes = []
    for name, text in pairs:
        try:
            parameter = space.resolve(name)
            values[parameter.key] = _parse(parameter, text)
        except SpaceError as error:
            mistakes.append(f"{error}" + (f" ({error.hint})" if error.hint else ""))
    if mistakes:
        raise AnnotateError("\n".join(mistakes))
    return values


def typed_values(space: SearchSpace, pairs: list[tuple[str, str]]) -> Values:
    """Values for a script of which only itself knows what it takes, so any will do."""
    return {name: options.literal(text) for name, text in pairs}


def _parse(parameter: Parameter, text: str) -> JSON:
    """The text as an option written like that, or else as the literal that it is."""
    try:
        return parameter.domain.locate(text)
    except SpaceError:
        pass
    try:
        return parameter.domain.locate(options.literal(text))
    except SpaceError as error:
        hint = f"its domain is {parameter.domain}"
        raise SpaceError(f"{parameter.name}: {error}", hint=hint) from None
