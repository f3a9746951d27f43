"""Read a data file: bytes in; parameters and all mistakes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from annotate import lexer
from annotate.annotation import Annotation, Carrier, Wrong, comment_carriers, parse
from annotate.data.entry import Contents, Entry, Repeated, Unreadable
from annotate.data.form import Form, form_of
from annotate.data.place import DataPlace, data
from annotate.data.target import Targets
from annotate.domains import DOMAINS
from annotate.edits import Edit, apply
from annotate.errors import Mistake, Mistakes
from annotate.instrument import Expansion, conflicts, doubly_annotated
from annotate.kinds import variable
from annotate.kinds.choice import ParsedDomain
from annotate.parameter import Parameter
from annotate.plan import Annotated
from annotate.source import Source
from annotate.space import Values
from annotate.tree import Span

#: Every annotated file has such a comment; elsewhere `@nni` is just text.
_ANNOTATION = re.compile(r"(?:#|//|/\*)[ \t]*@[ \t]*nni(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"\b(true|false|null)\b")
_PYTHON = {"true": "True", "false": "False", "null": "None"}


def may_be_annotated(data: bytes) -> bool:
    """Whether `data` is worth parsing: it has something like an annotation comment."""
    return lexer.may_be_annotated(data) and _ANNOTATION.search(data.decode("latin-1")) is not None


def decode(data: bytes, path: str) -> Source:
    """Decode a file as UTF-8, with or without a byte order mark; raises Mistakes."""
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        return Source(path, data, encoding, data.decode(encoding))
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, col = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message = f"the file cannot be decoded: {error.reason}"
        hint = "save annotated data files as UTF-8"
        raise Mistakes([Mistake(path, line, col, "A101", message, hint)]) from None


def expand(data: bytes, path: str, module: str) -> Expansion:
    """The parameters of a file, with keys that begin with `module`; raises Mistakes.

    The expansion's code is the unchanged file; each trial gets its own copy with values.
    """
    if not may_be_annotated(data):
        return Expansion(data)
    source = decode(data, path)
    return _File(source, form_of(path), _contents(source), module).expansion()


def carriers(source: Source) -> list[Carrier]:
    """Every comment that is meant to be an annotation; raises Mistakes."""
    return _carriers(source, form_of(source.path), _contents(source))


def render(data: bytes, values: Values, *, path: str, module: str) -> tuple[bytes, Values]:
    """Write `values` into the file; other parameters stay as written.

    Returns the new file and the values of those other parameters. Raises Mistakes.
    """
    edits: list[Edit] = []
    kept_values: Values = {}
    for place in _places(data, path, module):
        if place.key not in values:
            kept_values.setdefault(place.key, place.as_written)
        elif not edits or edits[-1].span[1] <= place.span[0]:  # else an enclosing value replaces it
            edits.append(Edit(place.span, instead=place.literal(values[place.key])))
    return decode(data, path).rewritten(edits), kept_values


@lru_cache(maxsize=64)
def _places(data: bytes, path: str, module: str) -> tuple[DataPlace, ...]:
    """The places of a file, outer ones first; cached for all trials."""
    places = expand(data, path, module).places
    own = [place for place in places if isinstance(place, DataPlace)]
    return tuple(sorted(own, key=lambda place: (place.span[0], -place.span[1])))


def _contents(source: Source) -> Contents:
    form = form_of(source.path)
    try:
        return form.read(source.text)
    except Repeated as error:
        name = error.name
        span = error.offset, error.offset + len(name)
        raise Mistakes([_repeated(source, span, name, error.second).at(source)]) from None
    except Unreadable as error:
        at = min(error.offset, len(source.text))
        message = f"the annotated file cannot be parsed: {error.message}"
        hint = f"an annotated file must be valid {form.name}"
        raise Mistakes([source.mistake("A102", (at, at + 1), message, hint)]) from None


def _repeated(source: Source, span: Span, name: str, again: int) -> Wrong:
    where = source.where(again)
    message = f"the key {name!r} appears again in {where}, which replaces this value"
    return Wrong("D108", span, message, "remove one of them, or rename it")


def _carriers(source: Source, form: Form, contents: Contents) -> list[Carrier]:
    """The annotation comments, rewritten as Python comments of the same length."""
    edits, comments = [], []
    for start, end in contents.comments:
        text = source.text[start:end]
        if text.startswith("/*"):
            continue
        python = _as_python(text, form.mark)
        edits.append(Edit((start, end), instead=python))
        comments.append((start, python))
    return list(comment_carriers(replace(source, text=apply(source.text, edits)), comments))


def _as_python(text: str, mark: str) -> str:
    if mark == "//":
        text = "# " + text[2:]
        group = lexer.brackets(text[1:])
        behind = text.find("//", 1 + (group.end or len(text)))
        if behind > 0:
            text = f"{text[:behind]}# {text[behind + 2 :]}"
    if not lexer.is_annotation_comment(text):
        return text
    return "#" + "".join(
        _WORD.sub(lambda m: _PYTHON[m[0]], t.text) if t.kind == "word" else t.text
        for t in lexer.tokens(text[1:])
    )


class _File:
    """An annotated file whose annotations are being read."""

    def __init__(self, source: Source, form: Form, contents: Contents, module: str) -> None:
        self._source, self._form, self._contents = source, form, contents
        self._module = module
        self._targets = Targets(source, form, contents)

    def expansion(self) -> Expansion:
        values: list[Annotated] = []
        mistakes = list(self._in_block_comments())
        for carrier in _carriers(self._source, self._form, self._contents):
            try:
                values.append(self._read(parse(carrier)))
            except Wrong as wrong:
                mistakes.append(wrong.at(self._source))
        path = self._source.path
        mistakes += doubly_annotated(self._source, values) or conflicts(
            (a.place for a in values), {path: self._source}
        )
        if mistakes:
            raise Mistakes(mistakes)
        parameters: dict[str, Parameter] = {}
        for annotated in values:
            parameters.setdefault(annotated.parameter.key, annotated.parameter)
        places = sorted((a.place for a in values), key=lambda place: place.span)
        return Expansion(self._source.data, tuple(parameters.values()), tuple(places))

    def _in_block_comments(self) -> Iterator[Mistake]:
        """A mistake for each annotation in a /* */ comment."""
        for start, end in self._contents.comments:
            if re.match(r"/\*\s*@nni\b", self._source.text[start:end]):
                message = "an annotation must be in a // comment"
                hint = "write it as // @nni... at the end of the line"
                yield self._source.mistake("D107", (start, end), message, hint)

    def _read(self, annotation: Annotation) -> Annotated:
        name = annotation.directive
        if name not in DOMAINS and name != variable.DIRECTIVE:
            message = f"{name} is for code, and this is a data file"
            hint = "data files support @nni.variable(domain) and a domain at the end of a line"
            raise Wrong("D101", annotation.name_span, message, hint)
        parsed, name_node = variable.arguments(annotation)
        self._check_options(annotation, parsed)
        entry = self._targets.find(annotation, parsed, variable.named(annotation, name_node))
        if (last := self._contents.replacing(entry)) is not None:
            raise _repeated(self._source, entry.span, last.name, last.start)
        return self._annotated(annotation, entry, parsed)

    def _check_options(self, annotation: Annotation, parsed: ParsedDomain) -> None:
        for option in parsed.options:
            if option.nested is not None:
                self._check_options(annotation, option.nested)
                continue
            try:
                value = data(option.text)
            except ValueError:
                message = f"{option.text} is code, but a data file holds only values"
                hint = "use numbers, strings, true, false, null, or lists and maps of them"
                if option.text.isidentifier():
                    hint = f'put a string in quotes: "{option.text}"'
                raise Wrong("D102", self._inside(annotation, option.text), message, hint) from None
            if self._form.name == "TOML" and _has_null(value):
                hint = "use another value that the script treats as none"
                span = self._inside(annotation, option.text)
                raise Wrong("D106", span, "TOML has no null", hint)

    def _inside(self, annotation: Annotation, text: str) -> Span:
        """The span of an option; of the directive if the option spans several lines."""
        at = annotation.carrier.text.find(text)
        return annotation.carrier.span(at, at + len(text)) if at >= 0 else annotation.name_span

    def _annotated(self, annotation: Annotation, entry: Entry, parsed: ParsedDomain) -> Annotated:
        source, span = self._source, entry.span
        name = entry.name
        key = f"{self._module}/{name}/{parsed.domain.type}"
        line, col = source.position(span[0])
        text = source.text[span[0] : span[1]]
        place = DataPlace(
            key=key,
            path=source.path,
            where=source.where(span[0]),
            line=line,
            col=col,
            directive=variable.DIRECTIVE,
            kind="entry",
            target=name,
            written=text,
            span=span,
            inner=span,
            bytes=source.byte_span(span),
            annotation=annotation.span,
            annotation_line=source.line_of(annotation.carrier.start),
            wording=parsed,
            form=self._form,
        )
        return Annotated(Parameter(key, parsed.domain), place, Edit(span))


def _has_null(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_has_null, value))
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None
