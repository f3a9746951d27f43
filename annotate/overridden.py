"""Finds annotated values that something else is certain to replace, whatever a trial chooses.

`--lr 0.5` on the command line replaces the default of `add_argument("--lr", default=0.1)`. So do
`parse_args(["--lr", "0.5"])`, a later `set_defaults(lr=0.5)`, a second assignment, and an
environment variable that click reads. This module finds only what is certain before any trial runs.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NoReturn

from annotate import imports, replaced
from annotate.data.form import is_data
from annotate.declared_options import Declared, Option, declared
from annotate.parameter_options import fire_words
from annotate.plan import Place

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[{}\[\],:]|[^{}\[\],:'"]+""")
_OVERRIDE = re.compile(r"[+~]{0,2}([A-Za-z_][\w./-]*)(?:@[\w.]*)?=")
#: Libraries whose options are named by a function's parameters or a class's fields.
_BY_NAME = frozenset(
    [
        *("cyclopts", "defopt", "draccus", "fire", "jsonargparse", "plac", "pyrallis"),
        *("simple_parsing", "tap", "typer", "tyro"),
    ]
)
_BY_NAME_MARKS = (b"HfArgumentParser", b"LightningCLI", b"exec(open(")
#: Libraries that take `key=value`.
_BY_KEY = frozenset(("hydra", "omegaconf"))


@dataclass(frozen=True, slots=True)
class Overridden:
    """A place whose value is replaced; `by` names what replaces it."""

    place: Place
    by: str

    def sentence(self, name: str) -> str:
        return f"{self.by} overrides {self.place.where}: {name} is not tuned"


def find(
    places: Sequence[Place],
    code: Mapping[PurePosixPath, bytes],
    arguments: Sequence[str],
    environment: Mapping[str, str] = os.environ,
) -> list[Overridden]:
    """The places that are overridden when the files `code` run with `arguments` in `environment`.

    Only keys whose places are all overridden: a parameter with another place has an effect.
    """
    program = _Program(code, arguments, environment)
    overridden = [
        Overridden(p, by) for p in places if (by := program.overrides(p, places)) is not None
    ]
    keys = [place.key for place in places]
    count = [other.place.key for other in overridden]
    return [
        other for other in overridden if count.count(other.place.key) == keys.count(other.place.key)
    ]


@dataclass
class _Program:
    """The files that run, the words on the command line, and the environment."""

    code: Mapping[PurePosixPath, bytes]
    arguments: Sequence[str]
    environment: Mapping[str, str]

    @cached_property
    def _python(self) -> dict[str, bytes]:
        return {str(path): code for path, code in self.code.items() if not is_data(path.name)}

    @cached_property
    def _declared(self) -> dict[str, Declared]:
        return {path: declared(code) for path, code in self._python.items()}

    @cached_property
    def _trees(self) -> dict[str, ast.Module]:
        marked = {path: code for path, code in self._python.items() if b"@nni" in code}
        trees = {path: replaced.parse(code) for path, code in marked.items()}
        return {path: tree for path, tree in trees.items() if tree is not None}

    @cached_property
    def _imported(self) -> set[str]:
        modules = (module for code in self._python.values() for module in imports.find(code))
        return {(module.module or "").partition(".")[0] for module in modules}

    def overrides(self, place: Place, places: Sequence[Place]) -> str | None:
        if place.kind == "option":
            return self._of_option(place)
        if place.kind == "assignment" and (line := self._replacement(place)) is not None:
            return f"{place.path}:{line}"
        option = self._parameter_option(place)
        if option is not None:
            return self._by_words(option, [(self.arguments, "on the command line")])
        if not self.arguments:
            return None
        word = None
        if is_data(place.path):
            word = self._override(place)
        elif _is_field(place, places):
            word = self._flag(place.target) or self._fire_word(place) or self._override(place)
        return None if word is None else f"{word} on the command line"

    def _replacement(self, place: Place) -> int | None:
        """The line of the script that replaces the value before anything reads it."""
        tree = self._trees.get(place.path)
        return None if tree is None else replaced.replacement(tree, place.target, place.line)

    # Options

    def _of_option(self, place: Place) -> str | None:
        here = self._declared.get(place.path, Declared())
        option = _option_of(here, place)
        if option is None:
            return None
        for name, line, by in here.defaults:
            if name == place.target and line == option.default:
                return f"set_defaults in {place.path}:{by}"
        return self._by_words(option, self._parses(place.path, option))

    def _by_words(self, option: Option, parses: list[tuple[Sequence[str], str]]) -> str | None:
        """What sets the option in every one of the `parses`: a flag, or else a variable."""
        flags = [self._flag_used(option, words) for words, _ in parses]
        if None not in flags:
            return f"{flags[0]} {parses[0][1]}"
        variable = next((name for name in option.variables if self.environment.get(name)), None)
        return None if variable is None else f"the environment's {variable}"

    def _parameter_option(self, place: Place) -> Option | None:
        """Typer's option for the parameter whose default the place is, if it is the only one."""
        if place.kind != "default":
            return None
        options = [o for o in self._declared.get(place.path, Declared()).options if o.parameter]
        of_place = [
            o
            for o in options
            if o.default == place.line and o.parameter and o.parameter.name == place.target
        ]
        if len(of_place) != 1:
            return None
        flags = set(of_place[0].flags)
        return of_place[0] if sum(not flags.isdisjoint(o.flags) for o in options) == 1 else None

    def _parses(self, path: str, option: Option) -> list[tuple[Sequence[str], str]]:
        """The words of each call that may parse the option, and their place in the source."""
        command_line = self.arguments, "on the command line"
        calls = [(name, call) for name, file in self._declared.items() for call in file.parses]
        own = [c for c in calls if c[0] == path and c[1].receiver == option.receiver]
        if option.click or not calls:
            return [command_line]
        return [
            command_line if call.words is None else (call.words, f"in {name}:{call.line}")
            for name, call in own or calls
        ]

    def _flag_used(self, option: Option, words: Sequence[str]) -> str | None:
        """The flag with which `words` set the option; None if they do not set it."""
        files = self._declared.values()
        if option.positional and any(file.subcommands for file in files):
            return None
        options = [o for file in files for o in file.options if o.click == option.click]
        abbreviates = not option.click and all(file.abbreviates for file in files)
        return used_flag(option, options, words, abbreviates=abbreviates)

    # Values that are set by name

    def _fire_word(self, place: Place) -> str | None:
        """The word with which fire sets the parameter: `-l 0.5`, or a positional one."""
        fires = [(path, ps) for path, file in self._declared.items() for ps in file.fires]
        if len(fires) != 1 or fires[0][0] != place.path:
            return None
        parameters = fires[0][1]
        if not any(p.name == place.target and p.default == place.line for p in parameters):
            return None
        return fire_words(parameters, self.arguments).get(place.target)

    def _flag(self, name: str) -> str | None:
        """The flag `--name` among the arguments, also as `--part.name` and with dashes."""
        marked = any(mark in code for code in self._python.values() for mark in _BY_NAME_MARKS)
        if not marked and self._imported.isdisjoint(_BY_NAME):
            return None
        flags = [word.partition("=")[0] for word in self.arguments if word.startswith("--")]
        return next(
            (f for f in flags if f.rpartition(".")[2].strip("-").replace("-", "_") == name), None
        )

    def _override(self, place: Place) -> str | None:
        """The argument `key=value` that replaces the value, in Hydra's form."""
        if self._imported.isdisjoint(_BY_KEY):
            return None
        names = set(self._keys(place))
        for word in self.arguments:
            match = _OVERRIDE.match(word)
            if match is not None and not names.isdisjoint(_set_keys(match[1], word[match.end() :])):
                return word
        return None

    def _keys(self, place: Place) -> Iterator[str]:
        """The keys that select the value; the group's name selects a file in its folder."""
        folders = PurePosixPath(place.path).parent.parts
        top = b"@package _global_" in self.code.get(PurePosixPath(place.path), b"")[:1000]
        if len(folders) < 2 or top or "hydra" not in self._imported:
            yield place.target
        for start in range(len(folders)):
            yield ".".join([*folders[start:], place.target])


def _set_keys(key: str, value: str) -> Iterator[str]:
    """The keys that Hydra's `key=value` sets; a dictionary sets those in it: `optim={lr: 0.5}`."""
    path = [key.replace("/", ".")]
    if not value.startswith("{"):
        yield path[0]
    depth = 0  # of lists, whose items have no keys
    last = ""
    for token in _TOKEN.findall(value):
        depth += (token == "[") - (token == "]")
        if depth == 0 and token == ":":
            yield ".".join([*path, last])
        elif depth == 0 and token == "{":
            path += [last] if last else []
            last = ""
        elif depth == 0 and token == "}":
            path, last = path[:-1] or path, ""
        elif token.strip():
            last = token.strip()


def _is_field(place: Place, places: Sequence[Place]) -> bool:
    """Whether the place may be the only one that an option called like it sets."""
    named = place.kind in ("default", "assignment") and place.target.isidentifier()
    return named and sum(other.target == place.target for other in places) == 1


def _option_of(file: Declared, place: Place) -> Option | None:
    """The option whose default the place is: of several on a line, the one with its name."""
    options = [option for option in file.options if option.default == place.line]
    named = [
        o for o in options if place.target in {f.strip("-").replace("-", "_") for f in o.flags}
    ]
    return next(iter(named or options), None)


class _Invalid(Exception):
    """The words do not match the options, so the script will reject them."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Invalid(message)


def used_flag(
    option: Option, options: Sequence[Option], words: Sequence[str], *, abbreviates: bool
) -> str | None:
    """The flag (or the name of a positional) if `words` set `option`; None if they do not.

    argparse itself parses the words with all `options`, so prefixes and joined short options have
    the same meaning as in the script.
    """
    parser = _Parser(add_help=False, allow_abbrev=abbreviates, argument_default=argparse.SUPPRESS)
    seen: dict[str, str] = {}
    for number, other in enumerate(options):
        flags = [f for f in other.flags if not (set(f) == {"-"} or f in seen)]
        if not flags or (other.positional and (other.click or flags != list(other.flags))):
            continue
        seen |= dict.fromkeys(flags, str(number))
        _add(parser, other, flags, str(number))
    try:
        names = vars(parser.parse_known_args(list(words))[0])
    except (_Invalid, TypeError, ValueError):
        return None
    return option.flags[-1] if any(seen.get(flag) in names for flag in option.flags) else None


def _add(parser: _Parser, option: Option, flags: list[str], dest: str) -> None:
    add: Callable[..., object] = parser.add_argument
    if option.positional:
        add(dest, nargs="?" if option.values is None else option.values)
    elif option.switch_pair:
        add(*flags, dest=dest, action=argparse.BooleanOptionalAction)
    elif option.values == 0:
        add(*flags, dest=dest, action="store_true")
    else:
        add(*flags, dest=dest, nargs=option.values)
