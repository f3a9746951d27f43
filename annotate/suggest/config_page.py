"""Place proposals in a data file: at the end of the line on which the value ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from annotate import lexer
from annotate.data.entry import Contents, Entry
from annotate.data.form import Form, form_of
from annotate.instrument import Place
from annotate.parameter import dotted_ends
from annotate.source import Source
from annotate.suggest.config import ConfigFinding, find
from annotate.suggest.proposal import Proposal, Skipped


class ConfigPage:
    """The lines of a data file: their values, comments and existing annotations."""

    def __init__(self, source: Source, places: Iterable[Place]) -> None:
        self._source = source
        self._form: Form = form_of(source.path)
        self._contents: Contents = self._form.read(source.text)
        self._annotated = [place.span for place in places]
        self._comments = {source.line_of(at): (at, end) for at, end in self._contents.comments}
        self._ending: dict[int, list[Entry]] = defaultdict(list)
        for entry in self._contents.entries:
            if entry.kind != "block":
                self._ending[self._end(entry)].append(entry)

    @property
    def has_comments(self) -> bool:
        return bool(self._contents.comments)

    def findings(self) -> list[ConfigFinding]:
        """The values worth tuning that are not annotated yet."""
        findings = find(self._source.text, self._form, self._contents)
        return [finding for finding in findings if not self._is_annotated(finding.entry)]

    def line(self, finding: ConfigFinding) -> int:
        """The number of the line on which the value ends."""
        return self._end(finding.entry)

    def place(self, finding: ConfigFinding) -> Proposal | Skipped:
        """The proposal for a value, or the reason why there is none."""
        entry, line = finding.entry, self._end(finding.entry)
        if why := self._obstacle(line):
            return self.skip(finding, why)
        row, col = self._source.position(entry.span[0])
        annotation = self._annotation(finding, line)
        offset, insert = self._insertion(line, f"{self._form.mark} {annotation}")
        return Proposal(
            line=row,
            col=col,
            name=entry.name,
            kind="entry",
            written=self._source.text[slice(*entry.span)],
            domain=finding.range.domain,
            annotation=annotation,
            reason=finding.reason,
            offset=offset,
            insert=insert,
        )

    def skip(self, finding: ConfigFinding, why: str) -> Skipped:
        row = self._source.line_of(finding.entry.span[0])
        return Skipped(row, finding.entry.name, finding.reason, why)

    def _end(self, entry: Entry) -> int:
        return self._source.line_of(max(entry.span[1] - 1, entry.span[0]))

    def _is_annotated(self, entry: Entry) -> bool:
        start, end = entry.span
        return any(start < last and first < end for first, last in self._annotated)

    def _obstacle(self, line: int) -> str:
        """Why the line cannot end with an annotation; empty if it can."""
        if line not in self._comments:
            return ""
        at, end = self._comments[line]
        text = self._source.text[at:end]
        if text.startswith("/*"):
            return "the line has a block comment"
        if lexer.is_annotation_comment("#" + text.removeprefix(self._form.mark)):
            return "the line already has an annotation; put the value on its own line"
        return ""

    def _annotation(self, finding: ConfigFinding, line: int) -> str:
        """The short form if only one value ends on the line, else the form with a name."""
        keyed = [entry for entry in self._ending[line] if entry.keyed]
        others = [entry for entry in keyed if entry is not finding.entry]
        domain = finding.range.domain
        if not others:
            return f"@nni.{domain}"
        taken = {end for entry in others for end in dotted_ends(entry.name)}
        ends = [end for end in dotted_ends(finding.entry.name) if end not in taken]
        name = ends[0] if ends else finding.entry.name
        if not all(word.isidentifier() for word in name.split(".")):
            name = repr(name)
        return f"@nni.variable(nni.{domain}, name={name})"

    def _insertion(self, line: int, text: str) -> tuple[int, str]:
        if line in self._comments:
            return self._comments[line][0], f"{text}  "
        source_line = self._source.line(line)
        blanks = len(source_line) - len(source_line.rstrip(" \t"))
        return self._source.starts[line - 1] + len(source_line), " " * max(0, 2 - blanks) + text
