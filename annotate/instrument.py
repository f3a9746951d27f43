"""Instrument a file: bytes in; bytes, parameters and all mistakes out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from annotate import bare, edits, lexer
from annotate.annotation import Annotation, Wrong, carriers, parse
from annotate.bare import Bare
from annotate.domains import DOMAINS, Domain, Numeric
from annotate.edits import Edit
from annotate.errors import Mistake, Mistakes
from annotate.json_value import same
from annotate.kinds import entry, function_choice, report, variable
from annotate.parameter import Parameter
from annotate.plan import Annotated, Context, Place
from annotate.process_wide import deeper_stack, no_collection
from annotate.source import Source, encoding_of
from annotate.tree import Tree, Unparsable

#: Allows deep trees: a sum of 1,000 terms, or 1,000 concatenated strings, is that deep. libcst uses
#: two Python frames per nesting level, and its own stack allows few more.
_deep_trees = deeper_stack(5000)

__all__ = ["Expansion", "Place", "Report", "expand"]


@dataclass(frozen=True, slots=True)
class Report:
    """An annotation that became a call: a report, or fetching the parameters.

    `expression` is the code of the reported value.
    """

    path: str
    line: int
    directive: str
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Expansion:
    """An expanded file. `places` has one entry per annotated value, in source order."""

    code: bytes = field(repr=False)
    parameters: tuple[Parameter, ...] = ()
    places: tuple[Place, ...] = ()
    reports: tuple[Report, ...] = ()

    @property
    def annotated(self) -> bool:
        return bool(self.places or self.reports)


def expand(source: bytes, *, path: str, module: str) -> Expansion:
    """Instrument a file. A file without annotations is returned unchanged and not parsed.

    `path` is for display; `module` is the dotted name that keys begin with. Raises Mistakes.
    """
    if not lexer.may_be_annotated(source):
        return Expansion(source)
    try:
        decoded = Source.decode(source, path)
    except Mistakes:
        # Python cannot read the file either, so this matters only if it has annotations.
        if lexer.has_annotations(source.decode("latin-1")):
            raise
        return Expansion(source)
    return expand_source(decoded, module)


def expand_source(source: Source, module: str) -> Expansion:
    """Instrument a decoded file; raises Mistakes."""
    if found := bare.find(source.text):
        raise Mistakes(bare.mistakes(source, found, _mistakes_of_mended(source, found, module)))
    with _deep_trees, no_collection:
        tree = _tree(source)
        return _expand(source, tree, module) if tree else Expansion(source.frozen(source.text))


def _mistakes_of_mended(source: Source, found: list[Bare], module: str) -> Sequence[Mistake]:
    """The mistakes that are left once the bare annotations are in comments."""
    try:
        expand_source(type(source).decode(bare.mended(source, found), source.path), module)
    except Mistakes as error:
        return error.mistakes
    return ()


def _tree(source: Source) -> Tree | None:
    """Parse a file. None if it has a syntax error but no annotation. Raises Mistakes."""
    try:
        return Tree(source.text, file=True)
    except Unparsable as error:
        if not lexer.has_annotations(source.text):
            return None
        line = min(max(error.line, 1), len(source.starts))
        start = min(source.starts[line - 1] + max(error.col, 0), len(source.text))
        message = f"the annotated file cannot be parsed: {error.message}"
        hint = error.hint or "fix the syntax error: an annotated file must be valid Python"
        raise Mistakes([source.mistake("A102", (start, start + 1), message, hint)]) from None


def _expand(source: Source, tree: Tree, module: str) -> Expansion:
    context = Context(source, tree, module)
    values: list[Annotated] = []
    calls: list[tuple[Report, Edit]] = []
    mistakes: list[Mistake] = []
    for carrier in carriers(source, tree):
        try:
            annotation = parse(carrier)
            if annotation.directive in report.DIRECTIVES:
                line = source.line_of(carrier.start)
                edit = report.read(annotation, context)
                code = report.expression(annotation)
                calls.append((Report(source.path, line, annotation.directive, code), edit))
            else:
                values += _read(annotation, context)
        except Wrong as wrong:
            mistakes.append(wrong.at(source))
        except RecursionError:
            span = carrier.start, carrier.end
            mistakes.append(source.mistake("A201", span, "the nesting is too deep"))
    mistakes += _replaced(source, tree, values)
    mistakes += doubly_annotated(source, values) or conflicts(
        (a.place for a in values), {source.path: source}
    )
    if mistakes:
        raise Mistakes(mistakes)
    if not values and not calls:
        return Expansion(source.frozen(source.text))
    text = edits.apply(source.text, [*(a.edit for a in values), *(e for _, e in calls)])
    _check(source, source.encode(text), values, calls)
    parameters: dict[str, Parameter] = {}
    for annotated in values:
        parameter = annotated.parameter
        first = parameters.setdefault(parameter.key, parameter)
        if first.alias != parameter.alias:  # one value, several names
            parameters[parameter.key] = replace(first, alias="")
    places = sorted((a.place for a in values), key=lambda place: place.span)
    reports = tuple(report_ for report_, _ in calls)
    return Expansion(source.frozen(text), tuple(parameters.values()), tuple(places), reports)


def _read(annotation: Annotation, context: Context) -> list[Annotated]:
    if annotation.directive in DOMAINS or annotation.directive == variable.DIRECTIVE:
        return variable.read(annotation, context)
    return function_choice.read(annotation, context)


def doubly_annotated(source: Source, values: Iterable[Annotated]) -> list[Mistake]:
    """A mistake for each value with two annotations of the same sort."""
    seen: dict[tuple[object, bool], Annotated] = {}
    mistakes = []
    for annotated in values:
        place = annotated.place
        earlier = seen.setdefault((place.span, place.kind == "call"), annotated).place
        if earlier is not place:
            message = f"{place.target!r} is annotated twice"
            hint = f"the other annotation is on line {earlier.annotation_line}"
            mistakes.append(source.mistake("A412", place.annotation, message, hint))
    return mistakes


def _replaced(source: Source, tree: Tree, values: Iterable[Annotated]) -> list[Mistake]:
    """A mistake for each value in a dict entry that a later entry of the same key replaces."""
    replaced = list(entry.replaced(tree))
    mistakes = []
    for place in (annotated.place for annotated in values):
        for other in replaced:
            if other.span[0] <= place.span[0] and place.span[1] <= other.span[1]:
                where = source.where(other.by[0])
                message = f"the key {other.key} appears again in {where}, which replaces this value"
                hint = "remove one of them, or rename it"
                mistakes.append(source.mistake("A415", place.annotation, message, hint))
                break
    return mistakes


def conflicts(places: Iterable[Place], sources: Mapping[str, Source]) -> list[Mistake]:
    """A mistake for each place whose key had a different domain at an earlier place."""
    first: dict[str, Place] = {}
    mistakes = []
    for place in places:
        earlier = first.setdefault(place.key, place)
        mine, other = place.domain, earlier.domain
        if not _same(mine, other):
            where = f"{earlier.path}:{earlier.annotation_line}"
            message = f"{place.target!r} is {mine} here and {other} in {where}"
            hint = "use the same domain for both, or rename one of them"
            source = sources[place.path]
            mistakes.append(source.mistake("A501", place.annotation, message, hint))
    return mistakes


def _same(a: Domain, b: Domain) -> bool:
    """Whether two domains have the same values: 1 and 1.0 are equal bounds, but unequal options."""
    if isinstance(a, Numeric) and isinstance(b, Numeric):
        return a == b and a.integral == b.integral
    return same(a.to_json(), b.to_json())


def _check(
    source: Source, code: bytes, values: list[Annotated], calls: list[tuple[Report, Edit]]
) -> None:
    """Raise Mistakes if the source compiles but the expanded code does not."""
    if calls and encoding_of(code) != encoding_of(source.encode(source.text)):
        message = "the call would come before the line that declares the encoding"
        span = calls[0][1].span
        raise Mistakes([source.mistake("A413", span, message, "move it below that line")])
    error = _compile_error(code, source.path)
    if error is None or _compile_error(source.encode(source.text), source.path) is not None:
        return
    if _is_newer(values):
        return
    line = getattr(error, "lineno", None) or 0
    spans = [(a.place.line, a.place.annotation) for a in values]
    spans += [(report.line, edit.span) for report, edit in calls]
    _, span = max((s for s in spans if s[0] <= line), default=spans[0])
    reason = getattr(error, "msg", None) or str(error)
    message = f"with this annotation the code does not compile: {reason}"
    hint = "the annotation's code must be valid in place of the value"
    raise Mistakes([source.mistake("A103", span, message, hint)])


def _is_newer(values: Iterable[Annotated]) -> bool:
    """Whether an option uses syntax that libcst knows but the running Python does not."""
    texts = {option.text for a in values for option in a.place.wording.options}
    functions = ("def f(): (", "async def f(): (")  # for `yield from` and `await`
    return any(
        all(_compile_error(f"{start}{text})".encode(), "") for start in functions) for text in texts
    )


def _compile_error(code: bytes, path: str) -> Exception | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None
