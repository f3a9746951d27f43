"""Metric: the name of what a script reports, and the direction that the name implies."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from annotate.metric_direction import higher_is_better

_LONGEST = 40  # characters in a name
#: Calls and attributes that do not change what a value means: `loss.item()`, `losses.avg`.
_SAME = frozenset(
    {"float", "int", "round", "item", "mean", "average", "avg", "median", "nanmean", "compute"}
    | {"result", "numpy", "cpu", "detach", "tolist", "squeeze", "asarray", "array", "tensor"}
    | {"value", "values", "val", "data", "get", "pop", "copy", "reduce_mean", "asnumpy"}
    | {"astype", "double"}
)
#: Functions that increase with their argument; `abs` does for errors.
_RISING = frozenset(
    {"sqrt", "exp", "log", "log10", "log2", "log1p", "expm1", "max", "min", "sum", "abs", "tanh"}
)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a script reports. `higher` is whether higher results are better; None if the name does
    not tell."""

    name: str
    higher: bool | None


def metric_of(expression: ast.expr) -> Metric | None:
    """The metric that a report's argument names; None if it names none: a number, a whole dict.

    `float(loss.item())` is `loss`, `metrics["val_acc"]` is `val_acc`, and of a dict the item
    `default` counts. Signs and arithmetic stay: `-loss` and `1 - acc` have names of their own.
    """
    core = _core(expression)
    if core is None or not any(isinstance(node, ast.Name) for node in ast.walk(core)):
        return None
    name = " ".join(ast.unparse(ast.fix_missing_locations(core)).split())
    shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return Metric(shown, _higher(core))


def parse_metric(code: str) -> Metric | None:
    """`metric_of` the source of an expression."""
    try:
        return metric_of(ast.parse(code, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _core(node: ast.expr) -> ast.expr | None:
    """The expression without parts that do not change its meaning; accesses become names."""
    match node:
        case ast.Constant() if not isinstance(node.value, str):
            return node
        case ast.Name():
            return ast.Name(node.id)
        case ast.Attribute():
            return _core(node.value) if node.attr in _SAME else ast.Name(node.attr)
        case ast.Subscript(slice=ast.Constant("default")):
            return _core(node.value)
        case ast.Subscript():
            return _named(node.slice) or _core(node.value)
        case ast.Call():
            return _call(node)
        case ast.Dict():
            return _default(node)
        case ast.Await():
            return _core(node.value)
        case ast.NamedExpr():
            return _core(node.target)
    return _computed(node)


def _computed(node: ast.expr) -> ast.expr | None:
    """The core of an operation: a sign, arithmetic, a comparison, or a choice between two."""
    match node:
        case ast.UnaryOp(ast.USub()):
            inner = _core(node.operand)
            return inner and ast.UnaryOp(ast.USub(), inner)
        case ast.UnaryOp(ast.UAdd()):
            return _core(node.operand)
        case ast.BinOp(ast.Call(ast.Name("sum"), [items]), ast.Div(), ast.Call(ast.Name("len"))):
            return _core(items)
        case ast.BinOp():
            left, right = _core(node.left), _core(node.right)
            return left and right and ast.BinOp(left, node.op, right)
        case ast.IfExp(body=body, orelse=other):
            return _either(_core(body), _core(other))
        case ast.BoolOp(values=[first, *_]):
            return _core(first)
        case ast.Compare(left, [ast.Eq() | ast.NotEq() as op], [right]):
            a, b = _core(left), _core(right)
            return a and b and ast.Compare(a, [op], [b])
    return None


def _either(first: ast.expr | None, second: ast.expr | None) -> ast.expr | None:
    """`acc if done else 0.0`: the branch that has a name."""
    constant = first is None or not any(isinstance(node, ast.Name) for node in ast.walk(first))
    return second if constant else first


def _call(node: ast.Call) -> ast.expr | None:
    for keyword in node.keywords:
        if keyword.arg == "scoring" and (scoring := _named(keyword.value)):
            return scoring
    function = node.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    first = node.args[0] if node.args else None
    if name == "dict":
        return next((_core(k.value) for k in node.keywords if k.arg == "default"), None)
    if name not in _SAME | _RISING:
        return ast.Name(name) if name else None
    # `losses.mean(0)` is about losses, `np.mean(losses)` too.
    if isinstance(function, ast.Attribute) and (first is None or isinstance(first, ast.Constant)):
        return (_named(first) if first else None) or _core(function.value)
    if first is None:
        return None
    inner = _core(first)
    if inner is None or name in _SAME:
        return inner
    return ast.Call(ast.Name(name), [inner], [])


def _named(node: ast.expr) -> ast.expr | None:
    """The name that a string literal is: the key of an item."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isprintable():
        return ast.Name(node.value) if node.value.strip() else None
    return None


def _default(node: ast.Dict) -> ast.expr | None:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "default":
            return _core(value)
    return None


def _higher(node: ast.expr) -> bool | None:
    match node:
        case ast.Name():
            return higher_is_better(node.id)
        case ast.UnaryOp(operand=operand):
            return _opposite(_higher(operand))
        case ast.Call(args=[inner]):
            return _higher(inner)
        case ast.BinOp(left, op, right):
            return _arithmetic(left, op, right)
        case ast.Compare(ops=[op]):  # `np.mean(predicted == labels)`
            return isinstance(op, ast.Eq)
    return None


def _arithmetic(left: ast.expr, op: ast.operator, right: ast.expr) -> bool | None:
    a, b = _higher(left), _higher(right)
    match op:
        case ast.Add():
            return _together(a, b)
        case ast.Sub():
            return _together(a, _opposite(b))
        case ast.Mult():
            both = _together(a, b)
            return _opposite(both) if _is_negative(left) != _is_negative(right) else both
        case ast.Div():  # a ratio is read by its numerator, `1 / loss` by its denominator
            ratio = _opposite(b) if isinstance(left, ast.Constant) else a
            return _opposite(ratio) if _is_negative(left) != _is_negative(right) else ratio
        case ast.Pow():
            return a if isinstance(right, ast.Constant) else None
    return None


def _is_negative(node: ast.expr) -> bool:
    """Whether it is a negative number, such as -1."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def _opposite(higher: bool | None) -> bool | None:
    return None if higher is None else not higher


def _together(a: bool | None, b: bool | None) -> bool | None:
    """The direction of a sum: both must agree; a part that says nothing does not count."""
    if a is None or b is None:
        return b if a is None else a
    return a if a == b else None
