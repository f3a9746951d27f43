"""Place proposed annotations: at the end of the line on which the value ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import libcst as cst

from annotate import formats, lexer
from annotate.edits import Edit
from annotate.instrument import Place
from annotate.layout import Layout
from annotate.source import Source
from annotate.suggest.finding import Finding
from annotate.suggest.positions import CALL
from annotate.suggest.proposal import Proposal, Skipped
from annotate.suggest.site import Script, Site

_STRINGS = (cst.SimpleString, cst.FormattedString, cst.TemplatedString)


class Page:
    """The lines of a file: their values, comments and existing annotations."""

    def __init__(self, source: Source, script: Script, places: Iterable[Place]) -> None:
        self.source, self.tree = source, script.tree
        tree = script.tree
        self._layout = Layout(source, tree)
        self._annotated = [place.span for place in places]
        self._comments = {source.line_of(at): (at, text) for at, text in tree.comments}
        self._strings = [tree.span(node) for node, _ in script.nodes if isinstance(node, _STRINGS)]
        self._ending: dict[tuple[int, int], list[Site]] = defaultdict(list)
        for site in script.sites:
            if not site.target.problem:
                self._ending[self._end(site)].append(site)

    def line(self, finding: Finding) -> int:
        """The number of the line on which the value ends."""
        return self._end(finding.site)[1]

    def is_annotated(self, site: Site) -> bool:
        """Whether the value, a part of it, or a value around it is already annotated."""
        start, end = self.tree.span(site.target.value)
        return any(start < last and first < end for first, last in self._annotated)

    def place(self, finding: Finding) -> Proposal | Skipped:
        """The proposal for a value, or the reason why there is none."""
        site, line = finding.site, self.line(finding)
        if why := self._obstacle(site, line):
            return self.skip(finding, why)
        start, end = self.tree.span(site.target.value)
        row, col = self.source.position(start)
        annotation = self._annotation(finding)
        offset, insert = self._insertion(line, f"# {annotation}")
        return Proposal(
            line=row,
            col=col,
            name=site.target.name,
            kind=site.target.kind,
            written=self.source.text[start:end],
            domain=finding.range.domain,
            annotation=annotation,
            reason=finding.reason,
            offset=offset,
            insert=insert,
        )

    def skip(self, finding: Finding, why: str) -> Skipped:
        row = self.source.line_of(self.tree.span(finding.site.target.value)[0])
        return Skipped(row, finding.site.target.name, finding.reason, why)

    def _end(self, site: Site) -> tuple[int, int]:
        """The logical line of a site's value, and the number of the line on which it ends."""
        start, end = self.tree.span(site.target.value)
        return self._layout.index(start), self.source.line_of(end - 1)

    def _obstacle(self, site: Site, line: int) -> str:
        """Why the line cannot end with an annotation; empty if it can."""
        _, comment = self._comments.get(line, (0, ""))
        if lexer.is_annotation_comment(comment):
            return "the line already has an annotation; put the value on its own line"
        if comment.lstrip("# \t").startswith("type:"):
            return "the line has a type comment, which must come first"
        end = self.source.starts[line - 1] + len(self.source.line(line))
        if any(first < end < last for first, last in self._strings):
            return "a string continues past the end of the line"
        if not comment and self.source.line(line).endswith("\\"):
            return "the line is continued by a backslash"
        names = [other.target.name for other in self._ending[self._end(site)]]
        return "the line has two values of this name" if names.count(site.target.name) > 1 else ""

    def _annotation(self, finding: Finding) -> str:
        """The short form if only one value ends on the line, else the form with a name."""
        site, domain = finding.site, finding.range.domain
        if site.target.kind == CALL or len(self._ending[self._end(site)]) == 1:
            return f"@nni.{domain}"
        name = site.target.name
        if name != site.target.source and not name.isidentifier():
            name = f'"{name}"' if name.isprintable() and not set(name) & set('"\\') else repr(name)
        return f"@nni.variable(nni.{domain}, name={name})"

    def _insertion(self, line: int, text: str) -> tuple[int, str]:
        if line in self._comments:
            return self._comments[line][0], f"{text}  "
        source_line = self.source.line(line)
        blanks = len(source_line) - len(source_line.rstrip(" \t"))
        return self.source.starts[line - 1] + len(source_line), " " * max(0, 2 - blanks) + text


def insert(source: bytes, proposals: Iterable[Proposal], *, path: str = "") -> bytes:
    """Insert proposals into the file that they were made for; every other byte stays."""
    decoded = formats.decode(source, path)
    edits = [Edit((p.offset, p.offset), before=p.insert) for p in proposals]
    return decoded.rewritten(edits)
