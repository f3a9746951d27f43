"""A YAML file as plain data, with the position of each field."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from annotate import limits
from annotate.errors import AnnotateError, Mistake, Mistakes
from annotate.json_value import JSON
from runtime.system.units import count

_MAX_BYTES = 1 << 22
_MAX_ITEMS = 100_000
_SECRET = re.compile(
    r"""(?P<name>(?:passwd|password|passphrase|sshPassphrase)["']?\s*:\s*)(?P<rest>\S.*)"""
)

Field: TypeAlias = tuple[str | int, ...]


class ConfigMistakes(Mistakes):
    """Every mistake in one config file."""

    def __init__(self, path: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(mistakes)
        mistakes_in_words = count(len(self.mistakes), "mistake")
        self.message = f"{mistakes_in_words} in {path}; nothing was started"


@dataclass(frozen=True, slots=True)
class Document:
    """A config file: `data` is its content, `path` is as the user typed it.

    `lines` are shown to users, so they lack what may be a password.
    """

    path: str
    lines: tuple[str, ...]
    root: CommentedMap
    data: dict[str, JSON]

    def mistake(self, field: Field, message: str, hint: str = "", *, code: str) -> Mistake:
        """A mistake at a field, or at the section above it if the file lacks the field."""
        line, col, end = self._place(field)
        text = self.lines[line] if line < len(self.lines) else ""
        return Mistake(self.path, line + 1, col + 1, code, message, hint, text, end + 1)

    def line(self, field: Field) -> int:
        """The line of a field; the first is 1."""
        return self._place(field)[0] + 1

    def _place(self, field: Field) -> tuple[int, int, int]:
        node: Any = self.root
        place = (0, 0, 0)
        for name in field:
            if isinstance(node, CommentedMap) and name in node:
                line, col = node.lc.key(name)
                place = (line, col, col + len(str(name)))
            elif isinstance(node, CommentedSeq) and isinstance(name, int) and name < len(node):
                line, col = node.lc.item(name)
                place = (line, col, col + 1)
            else:
                break
            node = node[name]
        return place


def load(path: Path) -> Document:
    """Read a config file. Raises AnnotateError, and ConfigMistakes if it is not plain YAML."""
    try:
        text = limits.read_text(path, limit=_MAX_BYTES)
    except AnnotateError as error:
        hint = "" if path.exists() else _similar(path)
        raise AnnotateError(error.message, hint=hint) from None
    lines = tuple(_without_secret(line) for line in text.splitlines())
    try:
        _check_depth(path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it: the later counts
            root = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        raise ConfigMistakes(str(path), [_broken(str(path), lines, error)]) from None
    except (YAMLError, ValueError) as error:
        raise AnnotateError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise AnnotateError(f"{path} is {limits.TOO_DEEP}") from None
    limits.check(root, str(path), items=_MAX_ITEMS)  # aliases may repeat a part many times
    if not isinstance(root, CommentedMap):
        raise AnnotateError(
            f"{path} has no fields", hint="write one per line, for example maxTrialNum: 10"
        )
    document = Document(str(path), lines, root, {})
    document.data.update(_plain(root))
    if tags := list(_tags(document, root, ())):
        raise ConfigMistakes(str(path), tags)
    return document


def _without_secret(line: str) -> str:
    """The line with asterisks from a secret on; as long as it was, as mistakes point into it."""
    return _SECRET.sub(lambda match: match["name"] + "*" * len(match["rest"]), line)


def _check_depth(path: Path, text: str) -> None:
    """Raise AnnotateError if the text is nested too deeply, which would take seconds to load."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, (MappingStartEvent, SequenceStartEvent))
        depth -= isinstance(event, (MappingEndEvent, SequenceEndEvent))
        if depth > limits.MAX_DEPTH:
            raise AnnotateError(f"{path} is {limits.TOO_DEEP}")


def _broken(path: str, lines: tuple[str, ...], error: MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line, col = (mark.line, mark.column) if mark else (0, 0)
    source = lines[line] if line < len(lines) else ""
    problem = (error.problem or "it is not YAML").strip().splitlines()[0]
    if isinstance(error, DuplicateKeyError):
        problem, hint = f"{problem.partition(' with value')[0]}: the field is repeated", ""
    else:
        hint = "indent with spaces, not tabs" if "\t" in source else ""
    return Mistake(path, line + 1, col + 1, "C101", problem, hint, source, col + 2)


def _tags(document: Document, node: Any, field: Field) -> Iterator[Mistake]:
    """A mistake for each tag that asks for a Python object: only plain data is read."""
    if isinstance(node, (CommentedMap, CommentedSeq, TaggedScalar)):
        value = getattr(node.tag, "value", None)
        if value and not str(value).startswith("tag:yaml.org,2002:"):
            yield document.mistake(field, f"the tag {value} is not allowed", code="C102")
    items = node.items() if isinstance(node, CommentedMap) else ()
    if isinstance(node, CommentedSeq):
        items = enumerate(node)
    for name, value in items:
        yield from _tags(document, value, (*field, name))


def _plain(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        return {_plain(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return None if node is None else str(node)


def _similar(path: Path) -> str:
    import difflib

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else ""
