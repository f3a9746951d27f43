"""Pieces of source: compare as code, fold to one line, read literals and constants."""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable
from typing import Any

import libcst as cst

from annotate import lexer
from annotate.json_value import JSON
from annotate.tree import Tree

#: Ints must fit in 64 bits, because samplers use 64-bit ints.
_LARGEST = 2**63
_NO_LITERAL = object()


class NotConstant(Exception):
    """The expression is not a constant number."""


def fingerprint(text: str) -> str:
    """A key that is equal for texts that are the same code except spacing, quotes and brackets."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(f"(\n{text}\n)", mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # The syntax is newer than the running Python's.
        skipped = ("space", "newline", "comment")
        return "\n".join(t.text for t in lexer.tokens(text) if t.kind not in skipped)


def same_code(a: str, b: str) -> bool:
    """Whether two texts are the same code: 0.1 and 1e-1 are, 1 and 1.0 are not."""
    return a == b or fingerprint(a) == fingerprint(b)


def fold(tree: Tree, node: cst.CSTNode) -> str:
    """The source text of a node on one line; unchanged if it already is on one line."""
    text = tree.code(node)
    return text if not re.search(r"[\r\n]", text) else _Fold(tree).text(node)


class _Fold:
    """Folds white space, drops comments, and writes multi-line strings on one line."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def text(self, node: cst.CSTNode) -> str:
        start, end = self._tree.span(node)
        parts: list[str] = []
        for string in _strings(node):
            first, last = self._tree.span(string)
            parts += [self._blank(self._tree.text[start:first]), self._string(string)]
            start = last
        parts.append(self._blank(self._tree.text[start:end]))
        return "".join(parts).strip()

    def _blank(self, text: str) -> str:
        text = "".join(
            " " if t.kind in ("newline", "comment") or "\\" in t.text else t.text
            for t in lexer.tokens(text)
        )
        text = re.sub(r"[ \t\f]{2,}", " ", text)
        return re.sub(r"(?<=[(\[{]) | (?=[)\]}])", "", text)

    def _string(self, node: cst.CSTNode) -> str:
        text = self._tree.code(node)
        if not re.search(r"[\r\n]", text):
            return text
        if isinstance(node, cst.SimpleString):
            return ascii(node.evaluated_value)
        return self._formatted(node)

    def _formatted(self, node: Any) -> str:
        escapes = "r" not in node.prefix.lower()
        parts = [node.start]
        for part in node.parts:
            if not isinstance(part, (cst.FormattedStringText, cst.TemplatedStringText)):
                parts.append(self.text(part))
            elif escapes:
                text = re.sub(r"\\(\r\n|\r|\n)", "", part.value)
                parts.append(re.sub(r"\r\n|\r|\n", r"\\n", text))
            else:
                parts.append(part.value)
        return "".join([*parts, node.end])


def _strings(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The outermost strings in a node, in order."""
    if isinstance(node, (cst.SimpleString, cst.FormattedString, cst.TemplatedString)):
        return [node]
    return [string for child in node.children for string in _strings(child)]


def literal(node: cst.BaseExpression) -> tuple[bool, JSON]:
    """Whether a node is a number, string, bool or None literal, and its value."""
    value = _literal(node)
    return value is not _NO_LITERAL, value


def _literal(node: cst.BaseExpression) -> Any:
    if isinstance(node, cst.Name):
        return {"True": True, "False": False, "None": None}.get(node.value, _NO_LITERAL)
    if isinstance(node, cst.UnaryOperation):
        return _signed(node)
    if not isinstance(node, (cst.Integer, cst.Float, cst.SimpleString, cst.ConcatenatedString)):
        return _NO_LITERAL
    try:
        value = node.evaluated_value
    except (ValueError, SyntaxError):
        return _NO_LITERAL
    if isinstance(value, float) and not math.isfinite(value):
        return _NO_LITERAL
    return value if isinstance(value, (int, float, str)) else _NO_LITERAL


def _signed(node: cst.UnaryOperation) -> Any:
    if not isinstance(node.operator, (cst.Minus, cst.Plus)):
        return _NO_LITERAL
    if not isinstance(node.expression, (cst.Integer, cst.Float)):
        return _NO_LITERAL
    value = _literal(node.expression)
    negative = value is not _NO_LITERAL and isinstance(node.operator, cst.Minus)
    return -value if negative else value


_BINARY: dict[type[cst.BaseBinaryOp], Callable[[Any, Any], Any]] = {
    cst.Add: operator.add,
    cst.Subtract: operator.sub,
    cst.Multiply: operator.mul,
    cst.Divide: operator.truediv,
    cst.FloorDivide: operator.floordiv,
}


def constant(node: cst.BaseExpression) -> int | float:
    """The value of an expression of number literals, signs and `+ - * / // **`.

    Raises NotConstant for anything else, and for numbers beyond 64 bits.
    """
    try:
        value = _constant(node)
    except ZeroDivisionError:
        raise NotConstant("division by zero") from None
    except OverflowError:
        raise NotConstant("the number is too large") from None
    return value


def _constant(node: cst.BaseExpression) -> int | float:
    if isinstance(node, (cst.Integer, cst.Float)):
        try:
            return _bounded(node.evaluated_value)
        except (ValueError, SyntaxError):  # thousands of digits
            raise NotConstant("the number is too large") from None
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, (cst.Minus, cst.Plus)):
        value = _constant(node.expression)
        return -value if isinstance(node.operator, cst.Minus) else value
    if isinstance(node, cst.BinaryOperation):
        return _binary(node)
    raise NotConstant("this is not a constant number")


def _binary(node: cst.BinaryOperation) -> int | float:
    left, right = _constant(node.left), _constant(node.right)
    if isinstance(node.operator, cst.Power):
        return _power(left, right)
    operation = _BINARY.get(type(node.operator))
    if operation is None:
        raise NotConstant("only the operators + - * / // ** are allowed")
    return _bounded(operation(left, right))


def _power(left: int | float, right: int | float) -> int | float:
    # 2**64 is already too large, so ints need no exponent beyond 64.
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > 64:
        raise NotConstant("the number is too large")
    value = left**right
    if isinstance(value, complex):
        raise NotConstant("the power is not a real number")
    return _bounded(value)


def _bounded(value: int | float) -> int | float:
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        raise NotConstant("the number is too large")
    return value
