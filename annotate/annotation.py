"""Annotations: comments and strings that begin with `@nni`, parsed and never executed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from annotate import lexer
from annotate.domains import DOMAINS
from annotate.errors import Mistake
from annotate.not_here import INSTEAD, NETWORKS, not_here
from annotate.source import Source
from annotate.tree import DEEPEST, Span, Tree, Unparsable

DIRECTIVES = (
    "variable",
    "function_choice",
    "get_next_parameter",
    "report_intermediate_result",
    "report_final_result",
)

_HEAD = re.compile(r"(@[ \t]*nni)(\s*)(\.?)(\s*)(\w*)(\s*)", re.IGNORECASE)


class Wrong(Exception):
    """A mistake in one annotation; the other annotations of the file are still read."""

    def __init__(self, code: str, span: Span, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.span, self.message, self.hint = code, span, message, hint

    def at(self, source: Source) -> Mistake:
        return source.mistake(self.code, self.span, self.message, self.hint)


@dataclass(frozen=True)
class Carrier:
    """The comment or string that holds an annotation.

    `kind` is "line" (one or more comment lines), "trailing", "string", or "behind" for an
    annotation after another comment, which is a mistake. `start` and `end` are the span in the
    source. `text` starts at the `@`, has one character per source character and begins at offset
    `base`. A string with escapes has no such mapping; its `base` is None.
    """

    kind: str
    start: int
    end: int
    text: str = field(repr=False)
    base: int | None
    node: cst.Expr | None = None

    def span(self, start: int, end: int) -> Span:
        """Map a span of `text` to a span of the source."""
        if self.base is None:
            return self.start, self.end
        return self.base + start, self.base + end


@dataclass(frozen=True)
class Annotation:
    """A directive with its arguments. `end` is the offset after its closing bracket."""

    carrier: Carrier
    directive: str
    call: cst.Call = field(repr=False)
    tree: Tree = field(repr=False)
    length: int
    name_span: Span

    @property
    def arguments(self) -> tuple[cst.Arg, ...]:
        return tuple(self.call.args)

    @property
    def span(self) -> Span:
        return self.carrier.start, self.end

    @property
    def end(self) -> int:
        if self.carrier.base is None or self.carrier.kind == "string":
            return self.carrier.end
        return self.carrier.base + self.length

    def place(self, node: cst.CSTNode) -> Span:
        """The source span of a node of the annotation."""
        start, end = self.tree.span(node)
        return self.carrier.span(start + 1, end + 1)


def carriers(source: Source, tree: Tree) -> list[Carrier]:
    """Every comment and string statement that is meant to be an annotation, in source order."""
    return sorted(_carriers(source, tree), key=lambda carrier: carrier.start)


def _carriers(source: Source, tree: Tree) -> Iterator[Carrier]:
    yield from comment_carriers(source, tree.comments)
    for node in tree.strings:
        if carrier := _string(tree, node):
            yield carrier


def comment_carriers(source: Source, comments: list[tuple[int, str]]) -> Iterator[Carrier]:
    """The carriers among `comments`, which are pairs of offset and text."""
    for index, (offset, text) in enumerate(comments):
        trailing = bool(source.before(offset).strip())
        if not lexer.is_annotation_comment(text):
            # On its own line, it is code that was commented out.
            if trailing and (behind := lexer.annotation_behind(text)) is not None:
                yield Carrier("behind", offset + behind, offset + len(text), "", offset + behind)
        elif trailing:
            yield _comment(source, "trailing", offset, offset + len(text))
        else:
            yield _comment(source, "line", offset, _last_end(source, comments, index))


def _last_end(source: Source, comments: list[tuple[int, str]], index: int) -> int:
    """The end of a comment, including the comment lines that continue its open bracket."""
    start, text = comments[index]
    end = start + len(text)
    while lexer.brackets(_blanked(source.text[start:end])).unclosed is not None:
        index += 1
        if index == len(comments):
            break
        offset, text = comments[index]
        below = source.line_of(offset) == source.line_of(end) + 1
        if not below or source.before(offset).strip() or lexer.is_annotation_comment(text):
            break
        end = offset + len(text)
    return end


def _blanked(text: str) -> str:
    """Comment lines with each `#` replaced by a space, so that offsets stay."""
    return re.sub(r"(\A|[\r\n])([ \t\f]*)#", r"\1\2 ", text)


def _comment(source: Source, kind: str, start: int, end: int) -> Carrier:
    text = _blanked(source.text[start:end])
    at = text.index("@")
    return Carrier(kind, start, end, text[at:], start + at)


def is_annotation(node: cst.BaseExpression) -> bool:
    """Whether a string statement's expression is an annotation."""
    value = _text_of(node)
    return value is not None and value.lstrip().startswith("@nni.")


def _string(tree: Tree, node: cst.Expr) -> Carrier | None:
    start, end = tree.span(node.value)
    value = _text_of(node.value)
    if value is None or not is_annotation(node.value):
        return None
    if isinstance(node.value, cst.SimpleString) and not node.value.lpar:
        source = tree.text[start:end]
        opening = len(node.value.prefix) + len(node.value.quote)
        raw = source[opening : -len(node.value.quote)]
        if "\\" not in raw or "r" in node.value.prefix.lower():
            at = raw.index("@")
            return Carrier("string", start, end, raw[at:], start + opening + at, node)
    return Carrier("string", start, end, value.lstrip(), None, node)


def _text_of(node: cst.BaseExpression) -> str | None:
    """The value of a string literal; None for bytes and f-strings."""
    if not isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        return None
    try:
        value = node.evaluated_value
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def parse(carrier: Carrier) -> Annotation:
    """Parse an annotation's own syntax; raises Wrong."""
    if carrier.kind == "behind":
        span = carrier.start, carrier.end
        hint = "put the annotation first, then the other comment"
        raise Wrong("A207", span, "an annotation after another comment is ignored", hint)
    head = _HEAD.match(carrier.text)
    assert head is not None, "a carrier begins with @nni"
    _check_head(carrier, head)
    group = lexer.brackets(carrier.text[head.end() :])
    if group.unclosed is not None:
        at = head.end() + group.unclosed
        hint = "close it, or continue in a comment on the next line"
        if carrier.kind == "trailing":
            hint = "close it on this line; put a longer annotation in comment lines above the value"
        raise Wrong("A202", carrier.span(at, at + 1), "this bracket was never closed", hint)
    assert group.end is not None
    length = head.end() + group.end
    if group.deepest > DEEPEST // 2:
        raise Wrong("A201", carrier.span(0, length), "the brackets are nested too deeply")
    _check_rest(carrier, length)
    tree, call = _parse_call(carrier, carrier.text[1:length])
    name_span = carrier.span(*head.span(5))
    return Annotation(carrier, head[5], call, tree, length, name_span)


def _check_head(carrier: Carrier, head: re.Match[str]) -> None:
    example = "for example: @nni.variable(nni.uniform(0, 1), name=lr)"
    if head[1] != "@nni":
        raise Wrong("A201", carrier.span(*head.span(1)), f"{head[1]!r}: did you mean '@nni'?")
    if not head[3] or head[2] or head[4]:
        at = head.end(1)
        raise Wrong("A201", carrier.span(at - 4, at), "'@nni' is not followed by '.'", example)
    if not head[5]:
        raise Wrong(
            "A201", carrier.span(0, head.end(3)), "'@nni.' is not followed by a name", example
        )
    name, span = head[5], carrier.span(*head.span(5))
    if name in NETWORKS:
        raise Wrong("A203", span, not_here(name), INSTEAD)
    if name not in DIRECTIVES and name not in DOMAINS:
        close = difflib.get_close_matches(name, [*DIRECTIVES, *DOMAINS], n=1)
        hint = (
            f"did you mean {close[0]!r}?"
            if close
            else f"the directives are {', '.join(DIRECTIVES)}"
        )
        raise Wrong("A203", span, f"there is no directive {name!r}", hint)
    if carrier.text[head.end() : head.end() + 1] != "(":
        raise Wrong("A201", span, f"{name!r} is not followed by '('", f"write @nni.{name}(...)")


def _check_rest(carrier: Carrier, length: int) -> None:
    """Raise Wrong if anything but an ordinary comment follows the annotation."""
    for match in re.finditer(r"[^\s][^\r\n]*", carrier.text[length:]):
        start, end = length + match.start(), length + match.end()
        text = match.group().rstrip()
        if lexer.is_annotation_comment(text):
            span = carrier.span(start, end)
            raise Wrong(
                "A205",
                span,
                "a line can hold only one annotation",
                "put each value on its own line",
            )
        if not text.startswith("#"):
            span = carrier.span(start, start + len(text))
            raise Wrong(
                "A205", span, "unexpected text after the annotation", "start a comment with '#'"
            )


def _parse_call(carrier: Carrier, text: str) -> tuple[Tree, cst.Call]:
    try:
        tree = Tree(text)
    except Unparsable as error:
        at = _offset(text, error.line, error.col) + 1
        message = f"the annotation does not parse: {error.message}"
        hint = "an annotation is a single call in Python syntax"
        raise Wrong("A201", carrier.span(at, at + 1), message, hint) from None
    line = tree.module.body[0]
    if isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Expr):
        call = line.body[0].value
        if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
            return tree, call
    raise Wrong("A201", carrier.span(0, len(text) + 1), "the annotation is not a single call")


def _offset(text: str, line: int, col: int) -> int:
    """The offset of a line (from 1) and column (from 0), clamped to the text."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]
    start = starts[min(max(line, 1), len(starts)) - 1]
    return min(start + max(col, 0), max(len(text) - 1, 0))
