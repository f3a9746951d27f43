"""An annotated value in a data file, and how a new value is written there."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

from annotate.data.form import Form
from annotate.domains import Choice
from annotate.errors import SpaceError
from annotate.json_value import JSON, same
from annotate.kinds.choice import ParsedDomain, ParsedOption
from annotate.plan import Place


@dataclass(frozen=True, slots=True)
class DataPlace(Place):
    """A place whose code is a literal in the file's format."""

    form: Form

    @property
    def brackets(self) -> bool:
        return False

    @property
    def value(self) -> JSON:
        """The current value; a quoted number counts as a number if the domain is numeric."""
        value = self.form.load(self.written)
        if self.wording.options:
            options = [_data(option) for option in self.wording.options if not option.nested]
            return _as_option(value, self.written, options)
        if isinstance(value, str):
            try:
                return float(value.replace("_", ""))
            except ValueError:
                return value
        return value

    @property
    def as_written(self) -> JSON:
        """The current value, in the search space's form."""
        value = self.value
        for option in self.wording.options:
            if not option.nested and same(_data(option), value):
                return option.option.value
        finite = not isinstance(value, float) or math.isfinite(value)
        return value if finite else str(value)

    def code(self, value: JSON) -> str:
        data, like = _chosen(self.wording, self.domain.locate(value), self.written)
        return self.written if same(data, self.value) else self.form.write(data, like)

    def literal(self, value: JSON) -> str:
        """A literal that every parser reads alike, for any value inside or outside the domain.

        Unlike `code`, it is rewritten even if the value is unchanged.
        """
        return self.form.write(*_chosen(self.wording, value, self.written))

    def alike(self, a: str, b: str) -> bool:
        return a == b or same(self.form.load(a), self.form.load(b))


def _as_option(value: JSON, text: str, options: list[JSON]) -> JSON:
    """Parsers disagree whether YAML's `yes` is a boolean or a string; the options decide."""
    from annotate.data.yaml_text import boolean

    switch = boolean(text)
    if switch is not None and any(same(switch, option) for option in options):
        return switch
    return value


def _chosen(parsed: ParsedDomain, value: JSON, like: str) -> tuple[JSON, str]:
    """The data for a value of the domain, and the literal whose style to follow."""
    if not isinstance(parsed.domain, Choice):
        return value, like
    try:
        option = parsed.options[parsed.domain.index(value)]
    except SpaceError:
        return value, like
    if option.nested is not None:
        return _chosen(option.nested, value[option.nested.domain.type], like)
    number = option.literal and not isinstance(option.option.value, (str, bool, type(None)))
    return _data(option), option.text if number else like


def _data(option: ParsedOption) -> JSON:
    return option.option.value if option.literal else data(option.text)


def data(text: str) -> JSON:
    """The value of an option's text; raises ValueError if it is code."""
    try:
        value = _plain(ast.literal_eval(text))
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None
    return value


def _plain(value: object) -> JSON:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"{value!r} is not a data value")
