"""Find the entry of a data file that an annotation refers to."""

from __future__ import annotations

import difflib
from collections import defaultdict
from functools import cached_property

from annotate.annotation import Annotation, Wrong
from annotate.data.entry import Contents, Entry
from annotate.data.form import Form
from annotate.kinds.choice import ParsedDomain
from annotate.parameter import dotted_ends
from annotate.source import Source


class Targets:
    """The entries of one file."""

    def __init__(self, source: Source, form: Form, contents: Contents) -> None:
        self._source, self._form = source, form
        self._ending: dict[int, list[Entry]] = defaultdict(list)
        self._beginning: dict[int, list[Entry]] = defaultdict(list)
        for entry in contents.entries:
            if entry.kind != "block":
                last = max(entry.span[1] - 1, entry.span[0])
                self._ending[source.line_of(last)].append(entry)
            for line in self._first_lines(entry):
                self._beginning[line].append(entry)

    def find(self, annotation: Annotation, parsed: ParsedDomain, name: str | None) -> Entry:
        """The entry that an annotation refers to; raises Wrong."""
        candidates, mistake = self._candidates(annotation)
        if not candidates:
            raise mistake
        if name is not None:
            matches = [entry for entry in candidates if name in dotted_ends(entry.name)]
            if not matches:
                raise self._unnamed(annotation, name, candidates)
        else:
            matches = _likely(candidates, parsed)
        if len(matches) > 1:
            names = ", ".join(entry.name for entry in matches)
            hint = f"select one with name=, or put each on its own line: {names}"
            message = f"{len(matches)} values match: {names}"
            raise Wrong("A407", annotation.name_span, message, hint)
        _check(annotation, matches[0])
        return matches[0]

    def _candidates(self, annotation: Annotation) -> tuple[list[Entry], Wrong]:
        start = annotation.carrier.start
        if annotation.carrier.kind == "trailing":
            line = self._source.line_of(start)
            candidates = [entry for entry in self._ending[line] if entry.span[1] <= start]
            message = "no value that can be annotated ends on this line"
            hint = "write a list or a map in brackets, and annotate it at the end of its line"
            return candidates, Wrong("A402", annotation.name_span, message, hint)
        candidates = self._beginning[self._line_below(annotation.carrier.end)]
        message = "no value that can be annotated begins on the next line"
        return candidates, Wrong("A401", annotation.name_span, message)

    def _first_lines(self, entry: Entry) -> set[int]:
        """The lines on which an entry's key and value begin."""
        key, value = self._source.line_of(entry.start), self._source.line_of(entry.span[0])
        return {key} if entry.kind == "block" else {key, value}

    def _line_below(self, offset: int) -> int:
        """The number of the next line that is more than a comment; 0 for none."""
        return self._content_below[self._source.line_of(offset)]

    @cached_property
    def _content_below(self) -> list[int]:
        """For each line, the next line below that is more than a comment; 0 for none."""
        below = [0] * (len(self._source.starts) + 1)
        for number in range(len(self._source.starts), 0, -1):
            text = self._source.line(number).strip()
            holds_more = text and not text.startswith(self._form.mark)
            below[number - 1] = number if holds_more else below[number]
        return below

    def _unnamed(self, annotation: Annotation, name: str, candidates: list[Entry]) -> Wrong:
        names = [entry.name for entry in candidates]
        message = f"{name!r} does not match the annotated value"
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"use {' or '.join(names)}"
        (node,) = (a.value for a in annotation.arguments if a.keyword is not None)
        return Wrong("A406", annotation.place(node), message, hint)


def _likely(candidates: list[Entry], parsed: ParsedDomain) -> list[Entry]:
    """The entries that an annotation without a name may refer to.

    Prefers values with keys to list items, and values of the domain's type.
    """
    likely = [entry for entry in candidates if entry.keyed] or candidates
    lists = any(option.text[:1] in "[{(" for option in parsed.options)
    if not parsed.options:
        likely = [entry for entry in likely if entry.kind != "flow"] or likely
    if lists and len(likely) > 1:
        outer = min(likely, key=lambda entry: entry.span[0] - entry.span[1])
        if all(outer.span[0] <= e.span[0] and e.span[1] <= outer.span[1] for e in likely):
            return [outer]
    return likely


def _check(annotation: Annotation, entry: Entry) -> None:
    """Raise Wrong for a value that cannot be annotated."""
    if entry.kind == "block":
        message = "the value is a block that spans lines"
        hint = "write it on one line: [64, 32] or {a: 1}, or a quoted string"
        raise Wrong("D103", annotation.name_span, message, hint)
    if entry.kind == "alias":
        hint = "annotate the value at its anchor (&); it then changes here too"
        raise Wrong("D104", entry.span, "this value is defined elsewhere", hint)
    if entry.kind == "empty":
        raise Wrong(
            "D105", annotation.name_span, "there is no value", "write null for an empty value"
        )
