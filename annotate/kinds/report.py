"""Reports and `@nni.get_next_parameter()`: the annotation becomes a call."""

from __future__ import annotations

import libcst as cst

from annotate.annotation import Annotation, Wrong
from annotate.edits import Edit
from annotate.kinds.case import Invalid, Valid
from annotate.kinds.target import text_of
from annotate.plan import Context
from annotate.snippets import fold

FETCH = "get_next_parameter"
DIRECTIVES = (FETCH, "report_intermediate_result", "report_final_result")


def read(annotation: Annotation, context: Context) -> Edit:
    """The edit that replaces the annotation with the call; raises Wrong."""
    call = _call(annotation, context)
    if annotation.carrier.kind == "trailing":
        message = "this annotation needs its own line"
        hint = "move the annotation to the line above or below"
        raise Wrong("A410", annotation.name_span, message, hint)
    if annotation.carrier.kind == "string":
        return _instead_of_string(annotation, context, call)
    return _instead_of_comment(annotation, context, call)


def expression(annotation: Annotation) -> str:
    """The code of the reported value, on one line; "" for a directive that takes none."""
    arguments = annotation.arguments
    return fold(annotation.tree, arguments[0].value) if arguments else ""


def _call(annotation: Annotation, context: Context) -> str:
    arguments, name = annotation.arguments, annotation.directive
    count = 0 if name == FETCH else 1
    if len(arguments) != count or any(a.keyword or a.star for a in arguments):
        takes = "no arguments" if name == FETCH else "one value"
        hint = f"write @nni.{name}({'' if name == FETCH else 'accuracy'})"
        raise Wrong("A204", annotation.name_span, f"{name} takes {takes}", hint)
    text = ""
    if arguments:
        text = expression(annotation)
        if "\n" in text or "\r" in text:
            message = "this string cannot be written on one line"
            raise Wrong("A201", annotation.place(arguments[0].value), message)
        if isinstance(arguments[0].value, (cst.GeneratorExp, cst.NamedExpr)):
            text = f"({text})"
    return context.emitter.call(name, text) if text else context.emitter.call(name)


def _instead_of_string(annotation: Annotation, context: Context, call: str) -> Edit:
    assert annotation.carrier.node is not None
    span = context.tree.span(annotation.carrier.node.value)
    newlines = "".join(c for c in context.source.text[span[0] : span[1]] if c in "\r\n")
    _check_future(annotation, context)
    # Keep the newlines inside the call's brackets.
    return Edit(span, instead=f"{call[:-1]}{newlines})")


def _instead_of_comment(annotation: Annotation, context: Context, call: str) -> Edit:
    start = annotation.carrier.start
    if context.layout.in_brackets(start):
        raise _nowhere(annotation, "no statement is allowed inside brackets")
    spot = context.layout.spot(start)
    if spot.indent is None:
        message = "no statement is allowed between the parts of another"
        raise _nowhere(annotation, message)
    _check_docstring(annotation, context, spot.first, spot.below)
    _check_future(annotation, context)
    begin = start - len(context.source.before(start))
    return Edit((begin, _first_line_end(annotation, context)), instead=f"{spot.indent}{call}")


def _nowhere(annotation: Annotation, message: str) -> Wrong:
    hint = "indent it like the other statements of its block, or move it outside"
    return Wrong("A410", annotation.name_span, message, hint)


def _first_line_end(annotation: Annotation, context: Context) -> int:
    """The end of the annotation's first line; the lines below stay comments."""
    line = context.source.line_of(annotation.carrier.start)
    end = context.source.starts[line - 1] + len(context.source.line(line))
    return min(end, annotation.end)


def _check_docstring(
    annotation: Annotation, context: Context, first: bool, below: int | None
) -> None:
    if not first or below is None:
        return
    node = context.layout.lines[below].node
    above = context.layout.index(annotation.carrier.start)
    owner = context.layout.lines[above].node if above >= 0 else None
    if owner is not None and not isinstance(owner, (cst.FunctionDef, cst.ClassDef)):
        return
    if not _is_string(node) or context.layout.is_annotation(below):
        return
    message = "the call would come before the docstring"
    raise Wrong("A413", annotation.name_span, message, "move it below the docstring")


def _is_string(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.SimpleStatementLine):
        return False
    first = node.body[0]
    return isinstance(first, cst.Expr) and text_of(first.value) is not None


def _check_future(annotation: Annotation, context: Context) -> None:
    if annotation.carrier.start < context.layout.future:
        message = "the call would come before a 'from __future__ import'"
        raise Wrong("A413", annotation.name_span, message, "move it below the imports")


VALID = [
    Valid(
        "a result, on its own line",
        "accuracy = 0.5\n# @nni.report_final_result(accuracy)  # at the end\n",
    ),
    Valid(
        "a string statement, even in place of a docstring",
        "def f(x):\n    '''@nni.report_intermediate_result({'default': x, 'loss': 1 - x})'''\n",
    ),
    Valid(
        "the indentation decides which block it belongs to",
        "for x in range(3):\n    pass\n    # @nni.report_intermediate_result(x)\n"
        "# @nni.report_final_result(x)\n",
    ),
    Valid(
        "fetching the parameters at a place of your choice",
        "import os\n# @nni.get_next_parameter()\n",
    ),
]

INVALID = [
    Invalid("two values", "# @nni.report_final_result(1, 2)\n", "A204", "report_final_result"),
    Invalid(
        "at the end of a line",
        "f(x)  # @nni.report_final_result(1)\n",
        "A410",
        "report_final_result",
    ),
    Invalid(
        "inside brackets",
        "f(\n    # @nni.report_final_result(1)\n    x)\n",
        "A410",
        "report_final_result",
    ),
    Invalid(
        "before an else",
        "if x:\n    pass\n# @nni.report_final_result(1)\nelse:\n    pass\n",
        "A410",
        "report_final_result",
    ),
    Invalid(
        "under a decorator",
        "@d\n# @nni.report_final_result(1)\ndef f():\n    pass\n",
        "A410",
        "report_final_result",
    ),
    Invalid(
        "before a docstring",
        "# @nni.get_next_parameter()\n'What the script does.'\n",
        "A413",
        "get_next_parameter",
    ),
    Invalid(
        "before a future import",
        "# @nni.get_next_parameter()\nfrom __future__ import annotations\n",
        "A413",
        "get_next_parameter",
    ),
]
