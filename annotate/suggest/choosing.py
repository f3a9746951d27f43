"""From a file to its proposals: those that fit together, and that the compiler takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from annotate import formats
from annotate.errors import AnnotateError, Mistakes
from annotate.source import Source
from annotate.suggest.finding import Found, find
from annotate.suggest.placing import Page, insert
from annotate.suggest.proposal import Left, Proposal, Suggestions
from annotate.suggest.site import Script
from annotate.tree import Tree, Unparsable

_REPORT = b"report_final_result"
_CROWDED = "the line holds one annotation: give the value a line of its own"
_SAME_NAME = "another value has this name and another domain: give one another name"


def suggest(source: bytes, *, path: str, module: str) -> Suggestions:
    """Propose annotations for a file; what is annotated already is left alone.

    `path` is shown to people; `module` is the dotted name that keys begin with. With all or some
    of the proposals inserted the file has no mistakes. Raises Mistakes with those that it has
    now, and AnnotateError where it is no Python.
    """
    decoded = formats.decode(source, path)
    now = formats.expand_module(source, path, module)
    try:
        script = Script(Tree(decoded.text))
    except Unparsable as error:
        where = f"{path}:{error.line}" if error.line else path
        raise AnnotateError(f"{where}: the file cannot be parsed: {error.message}") from None
    page = Page(decoded, script, now.places)
    sites = find(script, decoded.encode(decoded.text))
    found = [one for one in sites if not page.is_annotated(one.site)]
    chosen, left = _one_a_line(page, found)
    proposals: list[Proposal] = []
    for one in chosen:
        made = page.place(one)
        if isinstance(made, Proposal):
            proposals.append(made)
        else:
            left.append(made)
    taken = {place.key.partition("/")[2]: "" for place in now.places}
    proposals = _agreeing(proposals, taken, left)
    proposals = _accepted(decoded, module, proposals, left)
    left.sort(key=lambda one: one.line)
    return Suggestions(path, source, tuple(proposals), tuple(left), _REPORT in source)


def _one_a_line(page: Page, found: Iterable[Found]) -> tuple[list[Found], list[Left]]:
    """For each line the one that matters most; the others are left."""
    lines: dict[int, list[Found]] = defaultdict(list)
    for one in found:
        lines[page.line(one.site)].append(one)
    chosen, left = [], []
    for together in lines.values():
        first, *others = sorted(together, key=lambda one: one.rank)
        chosen.append(first)
        left += [page.left(other, _CROWDED) for other in others]
    return chosen, left


def _agreeing(
    proposals: Iterable[Proposal], domains: dict[str, str], left: list[Left]
) -> list[Proposal]:
    """Those that have no other domain than an earlier one with the same key.

    `domains` is from each key, without its module, to its domain; empty for one that the file
    has already.
    """
    agreeing = []
    for one in sorted(proposals, key=lambda one: (one.line, one.col)):
        key = f"{one.name}/{one.domain.partition('(')[0]}"
        if domains.setdefault(key, one.domain) == one.domain:
            agreeing.append(one)
        else:
            left.append(Left(one.line, one.name, one.reason, _SAME_NAME))
    return agreeing


def _accepted(
    source: Source, module: str, proposals: list[Proposal], left: list[Left]
) -> list[Proposal]:
    """Those with which the file has no mistakes."""
    while True:
        written = insert(source.data, proposals, path=source.path)
        try:
            formats.expand_module(written, source.path, module)
        except Mistakes as error:
            wrong = {(m.path, m.line): m.message for m in error.mistakes}
            places = {one: source.place(source.line_of(one.offset)) for one in proposals}
            refused = [one for one in proposals if places[one] in wrong]
            if not refused:
                raise
            proposals = [one for one in proposals if one not in refused]
            for one in refused:
                left.append(Left(one.line, one.name, one.reason, wrong[places[one]]))
        else:
            return proposals
