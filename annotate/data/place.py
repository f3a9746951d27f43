"""Where a parameter stands in a file of data, and what is written there for a value."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

from annotate.data.form import Form
from annotate.domains import Choice
from annotate.errors import SpaceError
from annotate.json_value import JSON, same
from annotate.kinds.choice import WrittenDomain, WrittenOption
from annotate.plan import Place


@dataclass(frozen=True, slots=True)
class DataPlace(Place):
    """A place whose code is a literal of the file's form."""

    form: Form

    @property
    def brackets(self) -> bool:
        return False

    @property
    def value(self) -> JSON:
        """What stands here: a number, too, where it is written between quotes and meant."""
        found = self.form.load(self.written)
        if self.wording.options:
            options = [_data(option) for option in self.wording.options if not option.nested]
            return _as_option(found, self.written, options)
        if isinstance(found, str):
            try:
                return float(found.replace("_", ""))
            except ValueError:
                return found
        return found

    @property
    def as_written(self) -> JSON:
        """The value that stands here as the search space has it."""
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
        """A literal of any value, in the domain or not, that no reader takes for another one:
        also where the same value is written here."""
        return self.form.write(*_chosen(self.wording, value, self.written))

    def alike(self, one: str, other: str) -> bool:
        return one == other or same(self.form.load(one), self.form.load(other))


def _as_option(found: JSON, written: str, options: list[JSON]) -> JSON:
    """YAML's `yes` is a switch to some readers and a text to others: the options say which."""
    from annotate.data.yaml_text import boolean

    switch = boolean(written)
    if switch is not None and any(same(switch, option) for option in options):
        return switch
    return found


def _chosen(written: WrittenDomain, value: JSON, like: str) -> tuple[JSON, str]:
    """The data that a value of the domain means, and the literal to write it like."""
    if not isinstance(written.domain, Choice):
        return value, like
    try:
        option = written.options[written.domain.index(value)]
    except SpaceError:
        return value, like
    if option.nested is not None:
        return _chosen(option.nested, value[option.nested.domain.type], like)
    number = option.literal and not isinstance(option.option.value, (str, bool, type(None)))
    return _data(option), option.text if number else like


def _data(option: WrittenOption) -> JSON:
    return option.option.value if option.literal else data(option.text)


def data(text: str) -> JSON:
    """The value of an option's text; raises ValueError where it is code."""
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
    raise ValueError(f"{value!r} is no value of data")
