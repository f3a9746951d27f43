"""Choose the proposals for a file: compatible with each other and free of mistakes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar

from annotate import formats
from annotate.data.entry import Unreadable
from annotate.data.form import is_data
from annotate.errors import AnnotateError, Mistakes
from annotate.instrument import Place
from annotate.source import Source
from annotate.suggest.config_page import ConfigPage
from annotate.suggest.finding import find
from annotate.suggest.ordering import ordered
from annotate.suggest.placing import Page, insert
from annotate.suggest.proposal import Proposal, Skipped, Suggestions
from annotate.suggest.site import Script
from annotate.tree import Tree, Unparsable

_REPORT = b"report_final_result"
_CROWDED = "a line can hold only one annotation; put the value on its own line"
_SAME_NAME = "another value with this name has a different domain; rename one of them"


class _Finding(Protocol):
    @property
    def rank(self) -> int: ...


F = TypeVar("F", bound=_Finding)
C = TypeVar("C", contravariant=True)


class _Page(Protocol[C]):
    """A file's lines, which proposals are placed on."""

    def line(self, finding: C) -> int: ...

    def place(self, finding: C) -> Proposal | Skipped: ...

    def skip(self, finding: C, why: str) -> Skipped: ...


def suggest(source: bytes, *, path: str, module: str) -> Suggestions:
    """Propose annotations for a file, except for values that already have one.

    `path` is for display; `module` is the dotted name that keys begin with. With any subset of the
    proposals inserted, the file has no mistakes. Raises Mistakes if it has mistakes already, and
    AnnotateError if it cannot be parsed.
    """
    decoded = formats.decode(source, path)
    now = formats.expand_module(source, path, module)
    bare = False
    if is_data(path):
        config = _config_page(decoded, now.places)
        bare = path.lower().endswith(".json") and not config.has_comments
        proposals, skipped = _placed(config, ordered(config.findings()))
    else:
        script = _script(decoded, path)
        page = Page(decoded, script, now.places)
        findings = [f for f in ordered(find(script)) if not page.is_annotated(f.site)]
        proposals, skipped = _placed(page, findings)
    domains = {place.key.partition("/")[2]: "" for place in now.places}
    proposals = _agreeing(proposals, domains, skipped)
    proposals = _accepted(decoded, module, proposals, skipped)
    skipped.sort(key=lambda value: value.line)
    reports = is_data(path) or _REPORT in source
    return Suggestions(path, source, tuple(proposals), tuple(skipped), reports, bare)


def _script(decoded: Source, path: str) -> Script:
    try:
        return Script(Tree(decoded.text, file=True))
    except Unparsable as error:
        where = f"{path}:{error.line}" if error.line else path
        raise AnnotateError(f"{where}: the file cannot be parsed: {error.message}") from None


def _config_page(decoded: Source, places: Iterable[Place]) -> ConfigPage:
    try:
        return ConfigPage(decoded, places)
    except Unreadable as error:
        where = decoded.where(min(error.offset, len(decoded.text)))
        raise AnnotateError(f"{where}: the file cannot be parsed: {error.message}") from None


def _placed(page: _Page[F], findings: Iterable[F]) -> tuple[list[Proposal], list[Skipped]]:
    """The most important proposal of each line; the other values are skipped."""
    chosen, skipped = _best_per_line(page, findings)
    placed = [page.place(finding) for finding in chosen]
    skipped += [each for each in placed if isinstance(each, Skipped)]
    return [each for each in placed if isinstance(each, Proposal)], skipped


def _best_per_line(page: _Page[F], findings: Iterable[F]) -> tuple[list[F], list[Skipped]]:
    """The most important finding of each line; the others are skipped."""
    lines: dict[int, list[F]] = defaultdict(list)
    for finding in findings:
        lines[page.line(finding)].append(finding)
    chosen: list[F] = []
    skipped: list[Skipped] = []
    for together in lines.values():
        first, *others = sorted(together, key=lambda finding: finding.rank)
        chosen.append(first)
        skipped += [page.skip(other, _CROWDED) for other in others]
    return chosen, skipped


def _agreeing(
    proposals: Iterable[Proposal], domains: dict[str, str], skipped: list[Skipped]
) -> list[Proposal]:
    """The proposals whose domain equals that of earlier values with the same key.

    `domains` maps keys without module to domains; the domain of a key that the file already has is
    empty, which rules out another value with that key.
    """
    agreeing = []
    for proposal in sorted(proposals, key=lambda p: (p.line, p.col)):
        key = f"{proposal.name}/{proposal.domain.partition('(')[0]}"
        if domains.setdefault(key, proposal.domain) == proposal.domain:
            agreeing.append(proposal)
        else:
            skipped.append(Skipped(proposal.line, proposal.name, proposal.reason, _SAME_NAME))
    return agreeing


def _accepted(
    source: Source, module: str, proposals: list[Proposal], skipped: list[Skipped]
) -> list[Proposal]:
    """The proposals that leave the file without mistakes."""
    while True:
        annotated = insert(source.data, proposals, path=source.path)
        try:
            formats.expand_module(annotated, source.path, module)
        except Mistakes as error:
            wrong = {(m.path, m.line): m.message for m in error.mistakes}
            places = {p: source.place(source.line_of(p.offset)) for p in proposals}
            refused = [p for p in proposals if places[p] in wrong]
            if not refused:
                raise
            proposals = [p for p in proposals if p not in refused]
            skipped += [Skipped(p.line, p.name, p.reason, wrong[places[p]]) for p in refused]
        else:
            return proposals
