"""Choose the proposals for a file: compatible with each other and free of mistakes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from annotate import formats
from annotate.errors import AnnotateError, Mistakes
from annotate.source import Source
from annotate.suggest.finding import Finding, find
from annotate.suggest.ordering import ordered
from annotate.suggest.placing import Page, insert
from annotate.suggest.proposal import Proposal, Skipped, Suggestions
from annotate.suggest.site import Script
from annotate.tree import Tree, Unparsable

_REPORT = b"report_final_result"
_CROWDED = "a line can hold only one annotation; put the value on its own line"
_SAME_NAME = "another value with this name has a different domain; rename one of them"


def suggest(source: bytes, *, path: str, module: str) -> Suggestions:
    """Propose annotations for a file, except for values that already have one.

    `path` is for display; `module` is the dotted name that keys begin with. With any subset of the
    proposals inserted, the file has no mistakes. Raises Mistakes if it has mistakes already, and
    AnnotateError if it is not valid Python.
    """
    decoded = formats.decode(source, path)
    now = formats.expand_module(source, path, module)
    try:
        script = Script(Tree(decoded.text, file=True))
    except Unparsable as error:
        where = f"{path}:{error.line}" if error.line else path
        raise AnnotateError(f"{where}: the file cannot be parsed: {error.message}") from None
    page = Page(decoded, script, now.places)
    sites = ordered(find(script))
    candidates = [finding for finding in sites if not page.is_annotated(finding.site)]
    chosen, skipped = _best_per_line(page, candidates)
    proposals: list[Proposal] = []
    for finding in chosen:
        placed = page.place(finding)
        if isinstance(placed, Proposal):
            proposals.append(placed)
        else:
            skipped.append(placed)
    domains = {place.key.partition("/")[2]: "" for place in now.places}
    proposals = _agreeing(proposals, domains, skipped)
    proposals = _accepted(decoded, module, proposals, skipped)
    skipped.sort(key=lambda value: value.line)
    return Suggestions(path, source, tuple(proposals), tuple(skipped), _REPORT in source)


def _best_per_line(page: Page, findings: Iterable[Finding]) -> tuple[list[Finding], list[Skipped]]:
    """The most important finding of each line; the others are skipped."""
    lines: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        lines[page.line(finding.site)].append(finding)
    chosen, skipped = [], []
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
    """The proposals with which the file has no mistakes."""
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
