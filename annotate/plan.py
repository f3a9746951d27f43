"""Annotated values of a file, and the edits that insert the trial's values."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.domains import Domain
from annotate.edits import Edit
from annotate.emit import Emitter, Unquotable
from annotate.json_value import JSON
from annotate.kinds import choice, families
from annotate.kinds.families import Located
from annotate.layout import Layout
from annotate.parameter import Parameter
from annotate.snippets import fingerprint, fold, literal, same_code
from annotate.source import Source
from annotate.tree import Line, Span, Tree


@dataclass(frozen=True, slots=True)
class Place:
    """An annotated value in a source.

    `where` (for display), `line` and `col` (from 1) are the start of the value. `span` is the
    value's span, `inner` the span without enclosing parentheses, and `annotation` the
    annotation's, all in characters of the decoded text without BOM; `bytes` is the value's span in
    bytes of the file. `kind` is assignment, keyword, option, entry, default or call. `written` is
    the value's source text, `target` its name, and `alias` as in Parameter.
    """

    key: str
    path: str
    where: str
    line: int
    col: int
    directive: str
    kind: str
    target: str
    written: str
    span: Span
    inner: Span
    bytes: Span
    annotation: Span
    annotation_line: int
    wording: choice.ParsedDomain
    alias: str = field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """The value's name, for users."""
        return self.alias or self.target

    @property
    def domain(self) -> Domain:
        return self.wording.domain

    def code(self, value: JSON) -> str:
        """The source text of a value: a literal, or the text of the chosen option.

        Numbers and quotes follow the style of the current value. Raises SpaceError if the value is
        outside the domain.
        """
        return choice.code(self.wording, self.domain.locate(value), self.inner_code)

    def alike(self, a: str, b: str) -> bool:
        """Whether two texts are the same code: 0.1 and 1e-1 are, 1 and 1.0 are not."""
        return same_code(a, b)

    @property
    def brackets(self) -> bool:
        """Whether a value may be put in parentheses."""
        return True

    @property
    def inner_code(self) -> str:
        """`written` without enclosing parentheses."""
        return self.written[self.inner[0] - self.span[0] : self.inner[1] - self.span[0]]


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotated value: its parameter, place and edit."""

    parameter: Parameter
    place: Place
    edit: Edit


class Context:
    """An annotated file whose annotations are being read."""

    def __init__(self, source: Source, tree: Tree, module: str) -> None:
        self.source, self.tree, self.module = source, tree, module
        self.layout = Layout(source, tree)
        self.emitter = Emitter.for_text(source.text)
        self._targets: dict[int, list[Located]] = {}

    def line(self, offset: int) -> Line | None:
        """The last logical line that begins at or before an offset."""
        index = self.layout.index(offset)
        return self.layout.lines[index] if index >= 0 else None

    def targets(self, offset: int) -> list[Located]:
        """The annotatable values of the last logical line at or before an offset."""
        index = self.layout.index(offset)
        if index < 0:
            return []
        if index not in self._targets:
            node = self.layout.lines[index].node
            self._targets[index] = families.targets(node, self.source, self.tree)
        return self._targets[index]

    def statement(self, annotation: Annotation) -> Line:
        """The statement below an annotation that is between statements; raises Wrong."""
        carrier = annotation.carrier
        if carrier.kind == "string":
            below = self._below_string(annotation)
        else:
            below = self.layout.spot(carrier.start).below
        line = self.layout.annotated(below)
        if line is None:
            message = "there is nothing to annotate before the block ends"
            hint = "put the annotation above the statement, with the same indentation"
            raise Wrong("A401", annotation.name_span, message, hint)
        return line

    def _below_string(self, annotation: Annotation) -> int | None:
        node = annotation.carrier.node
        assert node is not None
        line = self.line(self.tree.span(node)[0])
        alone = line and isinstance(line.node, cst.SimpleStatementLine) and len(line.node.body) == 1
        if not alone:
            message = "the string is not alone on its line"
            hint = "put it on its own line, or use a comment at the end of the line"
            raise Wrong("A411", annotation.name_span, message, hint)
        return self.layout.after_string(node)

    def annotated(
        self,
        annotation: Annotation,
        key: str,
        parsed: choice.ParsedDomain,
        value: cst.BaseExpression,
        target: str,
        kind: str,
        alias: str = "",
    ) -> Annotated:
        span = self.tree.span(value)
        line, col = self.source.position(span[0])
        place = Place(
            key=key,
            path=self.source.path,
            where=self.source.where(span[0]),
            line=line,
            col=col,
            directive=annotation.directive if kind == "call" else "variable",
            kind=kind,
            target=target,
            written=self.tree.code(value),
            span=span,
            inner=self.tree.value(value),
            bytes=self.source.byte_span(span),
            annotation=annotation.span,
            annotation_line=self.source.line_of(annotation.carrier.start),
            wording=parsed,
            alias=alias,
        )
        edit = self._edit(annotation, key, parsed, value)
        return Annotated(Parameter(key, parsed.domain, alias), place, edit)

    def _edit(
        self,
        annotation: Annotation,
        key: str,
        parsed: choice.ParsedDomain,
        value: cst.BaseExpression,
    ) -> Edit:
        span = self.tree.span(value)
        try:
            emitter = self._emitter(annotation, span)
            before = f"({choice.chain(emitter, parsed, key)} {emitter.nni}.written("
            before += f"{emitter.literal(key)}, ("
            option = _equal_option(self.tree, value, parsed)
            after = f"), option={emitter.literal(option)}))" if option is not None else ")))"
        except Unquotable:
            message = "the quotes in this f-string prevent inserting the trial's value"
            hint = "assign the value to a name on an earlier line"
            raise Wrong("A414", annotation.name_span, message, hint) from None
        # If both annotate the same span, the value's edit encloses the call's.
        return Edit(span, before, after, order=annotation.directive == "function_choice")

    def _emitter(self, annotation: Annotation, span: Span) -> Emitter:
        """The emitter for a span; inside f-strings it may use only some quotes."""
        marks = "".join(self.tree.formatted(span))
        if "=" in marks:
            message = "this f-string prints the value's own code: {...=}"
            raise Wrong("A414", annotation.name_span, message, "remove the '='")
        return self.emitter.inside(marks, self.source.text[span[0] : span[1]])


def _equal_option(
    tree: Tree, value: cst.BaseExpression, parsed: choice.ParsedDomain
) -> JSON | None:
    """The option that equals the written code, if running the code would not reveal it."""
    if not parsed.options or literal(value)[0]:
        return None
    code = fingerprint(fold(tree, value))
    for option in parsed.options:
        if not option.nested and fingerprint(option.text) == code:
            return option.option.value
    return None
