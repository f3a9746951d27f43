"""Option: describes one setting of an experiment; `runtime.core.config` lists all settings.

The options of `run`, `create` and `resume`, the fields of config files, the limits that `update`
and the REST API check, and the tables in `docs/` are all generated from that list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.system import units

Auto: TypeAlias = Literal["auto"]
#: Means "as many as there is room for" wherever a number is typed, stored or shown.
AUTO: Final = "auto"

#: What users type for no limit, or no assessor.
NONE: Final = "none"

#: Settings by Config's field. A setting that was not given is absent.
Settings: TypeAlias = Mapping[str, Any]

RUN, CREATE, RESUME = "run", "create", "resume"
EVERYWHERE = frozenset({RUN, CREATE, RESUME})
AT_THE_START = frozenset({RUN, CREATE})  # cannot change once trials have run

_MOST = 10**15  # JavaScript, and so the pages, can show integers exactly up to 2**53
# The booleans of YAML 1.1, which NNI's config files use.
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_GPU = re.compile(r"\d+(:\d+)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one kind are parsed.

    `parse` takes a word of the command line, `load` a value from a config file or a JSON body.
    Both raise AnnotateError.
    """

    parse: Callable[[str], Any]
    load: Callable[[JSON], Any]


@dataclass(frozen=True, slots=True)
class Switch:
    """A flag without a value, which sets its option to `value`.

    `default_help` says when a new experiment has this value untyped.
    """

    flag: str
    value: bool
    help: str
    default_help: str = ""

    @property
    def summary(self) -> str:
        """The help text, with the default."""
        return f"{self.help} ({self.default_help})" if self.default_help else self.help


@dataclass(frozen=True, slots=True)
class Option:
    """One setting.

    It has either `switches`, or a `flag` that takes a value of its `kind` (several if it
    `repeats`; with `appends`, one, and it may be typed again), or `none` if it is `optional` or
    None is its default. `check` returns what is wrong with a value, or "". `nni` lists the
    setting's fields in a config file, each by its path from the top, the main name first.
    `commands` are the commands that have the option.
    """

    group: str
    default: Any
    flag: str = ""
    metavar: str = ""
    help: str = ""
    default_help: str = ""
    kind: Kind | None = None
    repeats: bool = False
    appends: bool = False
    optional: bool = False
    switches: tuple[Switch, ...] = ()
    check: Callable[[Any], str] = lambda value: ""
    nni: tuple[str, ...] = ()
    commands: frozenset[str] = EVERYWHERE

    @property
    def flags(self) -> tuple[str, ...]:
        """Every flag of the option, as typed."""
        return tuple(switch.flag for switch in self.switches) or (self.flag,)

    @property
    def default_text(self) -> str:
        """The default, as shown to users."""
        return self.default_help or str(self.default)

    @property
    def summary(self) -> str:
        """The help text of an option with a value, with its default."""
        return f"{self.help} (default: {self.default_text})"

    def parse(self, text: str) -> Any:
        """Parse a word of the command line; `none` removes a limit.

        Raises AnnotateError if it is not of this kind. Config checks the value later.
        """
        assert self.kind is not None, f"{self.flags} takes no value"
        if text == NONE and (self.optional or self.default is None):
            return None
        return self.kind.parse(text)

    def load(self, value: JSON, name: str) -> Any:
        """Convert and check the value of the field `name` in a config file or a JSON body.

        Raises AnnotateError that names the field.
        """
        loaded = self._load(value, name)
        if problem := self.check(loaded):
            raise AnnotateError(f"{name} {problem}")
        return loaded

    def _load(self, value: JSON, name: str) -> Any:
        if self.kind is None:
            if str(value).lower() not in _BOOLEANS:
                raise AnnotateError(f"{name} must be true or false, not {value!r}")
            return _BOOLEANS[str(value).lower()]
        try:
            return self.kind.load(value)
        except AnnotateError as error:
            raise AnnotateError(f"{name}: {error.message}", hint=error.hint) from None


def setting(group: str, default: Any = None, flag: str = "", **details: Any) -> Any:
    """Declare a field of Config that users can set; `details` are the other fields of its Option.

    With the default dataclasses.MISSING, the field is required.
    """
    metadata = {"option": Option(group, default, flag, **details)}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


# Limits


def one_of(*names: str) -> Callable[[Any], str]:
    """A check that the value is one of these names."""

    def check(value: Any) -> str:
        return "" if value in names else f"must be {' or '.join(names)}, not {value}"

    return check


def at_least_one(value: int | Auto | None) -> str:
    if value is None or value == AUTO:
        return ""
    if value > _MOST:
        return f"must be at most {_MOST}"
    return "" if value >= 1 else f"must be at least 1, not {value}"


def not_negative(value: int | None) -> str:
    if value is not None and value > _MOST:
        return f"must be at most {_MOST}"
    return "" if value is None or value >= 0 else f"must be at least 0, not {value}"


def above_zero(value: float | None) -> str:
    return "" if value is None or value > 0 else f"must be above 0, not {value:g}"


def gpu_numbers(value: tuple[str, ...]) -> str:
    wrong = [word for word in value if not _GPU.fullmatch(word)]
    return f"takes numbers such as 0,1 or 0:1, not {', '.join(wrong)}" if wrong else ""


# Kinds of values


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise AnnotateError(f"{text!r} is not a whole number") from None


def _whole_or_auto(text: str) -> int | Auto:
    if text == AUTO:
        return AUTO
    try:
        return int(text)
    except ValueError:
        raise AnnotateError(f"{text!r} is neither a whole number nor auto") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _load_words(value: JSON) -> tuple[str, ...]:
    return _words(",".join(map(str, value)) if isinstance(value, list) else str(value))


def _text(value: JSON) -> str:
    """Accepts numbers too, because YAML reads a name such as `12` as one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise AnnotateError(f"{value!r} is not a string")
    return str(value)


def _from_text(parse: Callable[[str], Any]) -> Callable[[JSON], Any]:
    """Make `parse` accept what a file may contain: a string or a number."""

    def load(value: JSON) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return parse(str(value) if plain else repr(value))

    return load


def pair(text: str) -> tuple[str, str]:
    """Parse `name=value`. Raises AnnotateError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise AnnotateError(f"{text!r} is not name=value")
    return name.strip(), value


def variable(text: str) -> tuple[str, str | None]:
    """Parse `NAME=VALUE`, or `NAME`, whose value is None. Raises AnnotateError."""
    name, equals, value = text.partition("=")
    if not _VARIABLE.fullmatch(name):
        raise AnnotateError(f"{name!r} is not the name of a variable")
    if name.startswith("NNI_"):
        raise AnnotateError(f"{name} is set by Annotate")
    return name, value if equals else None


def _no_file(value: JSON) -> Any:
    raise AnnotateError("cannot be in a file")


WHOLE = Kind(_whole, _from_text(_whole))
WHOLE_OR_AUTO = Kind(_whole_or_auto, _from_text(_whole_or_auto))
DURATION = Kind(units.seconds, _from_text(units.seconds))
MEMORY = Kind(units.size_in_bytes, _from_text(units.size_in_bytes))
TEXT = Kind(str, _text)
GPUS = Kind(_words, _load_words)
ARGUMENTS = Kind(pair, lambda value: value)
VARIABLES = Kind(variable, _no_file)
