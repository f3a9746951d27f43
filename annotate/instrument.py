"""From a file's bytes to its instrumented bytes, its parameters, and every mistake in it."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from annotate import edits, lexer
from annotate.annotation import Annotation, Wrong, carriers, parse
from annotate.domains import DOMAINS, Domain, Numeric
from annotate.edits import Edit
from annotate.errors import Mistake, Mistakes
from annotate.json_value import same
from annotate.kinds import function_choice, report, variable
from annotate.plan import Annotated, Context, Place
from annotate.source import Source, encoding_of
from annotate.space import Parameter
from annotate.tree import Tree, Unparsable

#: Frames; libcst takes two for each step down. Its own stack would not hold many more.
_DEEPEST_STACK = 5000

__all__ = ["Expansion", "Place", "Report", "expand"]


@dataclass(frozen=True, slots=True)
class Report:
    """A call that an annotation became: a report, or the fetch of the parameters."""

    path: str
    line: int
    directive: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """An expanded file. `places` has one entry for each annotated value, in source order."""

    code: bytes = field(repr=False)
    parameters: tuple[Parameter, ...] = ()
    places: tuple[Place, ...] = ()
    reports: tuple[Report, ...] = ()

    @property
    def annotated(self) -> bool:
        return bool(self.places or self.reports)


def expand(source: bytes, *, path: str, module: str) -> Expansion:
    """Instrument a file; one without annotations comes back as it is, and is not parsed.

    `path` is shown to people; `module` is the dotted name that keys begin with. Raises Mistakes.
    """
    if not lexer.may_be_annotated(source):
        return Expansion(source)
    try:
        decoded = Source.decode(source, path)
    except Mistakes:
        # What Python cannot read either is no annotated file unless it tries to be one.
        if lexer.has_annotations(source.decode("latin-1")):
            raise
        return Expansion(source)
    return expand_source(decoded, module)


def expand_source(source: Source, module: str) -> Expansion:
    """Instrument a text that is decoded; raises Mistakes."""
    with _deep():
        tree = _tree(source)
        return _expand(source, tree, module) if tree else Expansion(source.frozen(source.text))


@contextmanager
def _deep() -> Iterator[None]:
    """Room for deep trees: a sum of 1,000 terms, or a text in 1,000 pieces, is a tree that deep.

    A tree is many objects that all live until the end, which the collector would visit in vain.
    """
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, _DEEPEST_STACK))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()


def _tree(source: Source) -> Tree | None:
    """The file's tree; None where it cannot be parsed and has no annotation. Raises Mistakes."""
    try:
        return Tree(source.text)
    except Unparsable as error:
        if not lexer.has_annotations(source.text):
            return None
        line = min(max(error.line, 1), len(source.starts))
        start = min(source.starts[line - 1] + max(error.col, 0), len(source.text))
        message = f"the annotated file cannot be parsed: {error.message}"
        hint = "annotations need a file that parses; the others are copied as they are"
        raise Mistakes([source.mistake("A102", (start, start + 1), message, hint)]) from None


def _expand(source: Source, tree: Tree, module: str) -> Expansion:
    context = Context(source, tree, module)
    found: list[Annotated] = []
    calls: list[tuple[Report, Edit]] = []
    mistakes: list[Mistake] = []
    for carrier in carriers(source, tree):
        try:
            annotation = parse(carrier)
            if annotation.directive in report.DIRECTIVES:
                line = source.line_of(carrier.start)
                edit = report.read(annotation, context)
                calls.append((Report(source.path, line, annotation.directive), edit))
            else:
                found += _read(annotation, context)
        except Wrong as wrong:
            mistakes.append(wrong.at(source))
        except RecursionError:
            span = carrier.start, carrier.end
            mistakes.append(source.mistake("A201", span, "it is nested too deeply to be read"))
    mistakes += twice(source, found) or conflicts((a.place for a in found), {source.path: source})
    if mistakes:
        raise Mistakes(mistakes)
    if not found and not calls:
        return Expansion(source.frozen(source.text))
    text = edits.apply(source.text, [*(a.edit for a in found), *(e for _, e in calls)])
    _check(source, source.encode(text), found, calls)
    parameters: dict[str, Parameter] = {}
    for annotated in found:
        parameters.setdefault(annotated.parameter.key, annotated.parameter)
    places = sorted((a.place for a in found), key=lambda place: place.span)
    reports = tuple(report_ for report_, _ in calls)
    return Expansion(source.frozen(text), tuple(parameters.values()), tuple(places), reports)


def _read(annotation: Annotation, context: Context) -> list[Annotated]:
    if annotation.directive in DOMAINS or annotation.directive == variable.DIRECTIVE:
        return variable.read(annotation, context)
    return function_choice.read(annotation, context)


def twice(source: Source, found: Iterable[Annotated]) -> list[Mistake]:
    """A mistake for each value that has two annotations of the same sort."""
    seen: dict[tuple[object, bool], Annotated] = {}
    mistakes = []
    for annotated in found:
        place = annotated.place
        earlier = seen.setdefault((place.span, place.kind == "call"), annotated).place
        if earlier is not place:
            message = f"{place.target!r} is annotated twice"
            hint = f"the other annotation is in line {earlier.annotation_line}"
            mistakes.append(source.mistake("A412", place.annotation, message, hint))
    return mistakes


def conflicts(places: Iterable[Place], sources: Mapping[str, Source]) -> list[Mistake]:
    """A mistake for each place whose key has another domain at an earlier place."""
    first: dict[str, Place] = {}
    mistakes = []
    for place in places:
        earlier = first.setdefault(place.key, place)
        mine, other = place.domain, earlier.domain
        if not _same(mine, other):
            where = f"{earlier.path}:{earlier.annotation_line}"
            message = f"{place.target!r} is {mine} here and {other} in {where}"
            hint = "give both the same domain, or the targets different names"
            source = sources[place.path]
            mistakes.append(source.mistake("A501", place.annotation, message, hint))
    return mistakes


def _same(a: Domain, b: Domain) -> bool:
    """Whether two domains have the same values: 1 and 1.0 are one bound, but not one option."""
    if isinstance(a, Numeric) and isinstance(b, Numeric):
        return a == b and a.integral == b.integral
    return same(a.to_json(), b.to_json())


def _check(
    source: Source, code: bytes, found: list[Annotated], calls: list[tuple[Report, Edit]]
) -> None:
    """Raises Mistakes where the expanded code is no Python although the source is."""
    if calls and encoding_of(code) != encoding_of(source.encode(source.text)):
        message = "the call would push the line that names the encoding from its place"
        span = calls[0][1].span
        raise Mistakes([source.mistake("A413", span, message, "move it below that line")])
    error = _compile_error(code, source.path)
    if error is None or _compile_error(source.encode(source.text), source.path) is not None:
        return
    if _is_newer(found):
        return
    line = getattr(error, "lineno", None) or 0
    spans = [(a.place.line, a.place.annotation) for a in found]
    spans += [(report.line, edit.span) for report, edit in calls]
    _, span = max((s for s in spans if s[0] <= line), default=spans[0])
    reason = getattr(error, "msg", None) or str(error)
    message = f"with this annotation the code does not compile: {reason}"
    hint = "what it says must be able to stand in the annotated place"
    raise Mistakes([source.mistake("A103", span, message, hint)])


def _is_newer(found: Iterable[Annotated]) -> bool:
    """Whether an option, which libcst could read, has a syntax newer than the running Python's."""
    texts = {option.text for a in found for option in a.place.wording.options}
    functions = ("def f(): (", "async def f(): (")  # `yield from` and `await` need one each
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
