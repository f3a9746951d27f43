"""Parameter values typed on the command line, such as `lr=0.1`."""

from __future__ import annotations

from annotate.errors import AnnotateError, SpaceError
from annotate.json_value import JSON
from annotate.parameter import Parameter
from annotate.space import SearchSpace, Values
from runtime.cli import options


def parse_values(space: SearchSpace, pairs: list[tuple[str, str]]) -> Values:
    """Parse typed values, by full key. Raises AnnotateError with a list of every mistake."""
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
    """Typed values for a script whose parameters we do not know: any name is accepted."""
    return {name: options.literal(text) for name, text in pairs}


def _parse(parameter: Parameter, text: str) -> JSON:
    """Match the text with an option's source, or else parse it as a literal."""
    try:
        return parameter.domain.locate(text)
    except SpaceError:
        pass
    try:
        return parameter.domain.locate(options.literal(text))
    except SpaceError as error:
        hint = f"its domain is {parameter.domain}"
        raise SpaceError(f"{parameter.name}: {error}", hint=hint) from None
