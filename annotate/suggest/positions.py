"""Positional arguments of known layers, optimisers and estimators, as if given by keyword."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from annotate.kinds import keyword
from annotate.kinds.target import Target
from annotate.suggest import libraries as of
from annotate.suggest.around import Range, number
from annotate.suggest.site import Script, Site, callee_of, value_at
from annotate.tree import Tree

#: The kind of a call that an annotation replaces as a whole.
CALL = "call"
_OPTIMIZERS = rf"({of.ADAMS}|SGD|RMS[pP]rop|N?Adagrad|Nadam|Adadelta|Ftrl|sgd|rmsprop|adagrad)"
#: Callees, and the keywords of their positional arguments.
_POSITIONS = tuple(
    (re.compile(callees), positions)
    for callees, positions in (
        (of.DROPOUTS, {0: "p"}),
        (r"dropout", {1: "dropout"}),
        (_OPTIMIZERS, {0: "learning_rate", 1: "lr"}),
        (r"clip_grad_norm_?", {1: "max_norm"}),
        (r"clip_by_global_norm", {0: "max_grad_norm"}),
        (r"StepLR|MultiStepLR", {2: "gamma"}),
        (r"ExponentialLR", {1: "gamma"}),
        (r"Dense", {0: "units"}),
        (r"Ridge\w*|Lasso\w*|ElasticNet", {0: "alpha"}),
        (r"KNeighbors\w+", {0: "n_neighbors"}),
        (r"KMeans|MiniBatchKMeans", {0: "n_clusters"}),
        (r"(Sparse|Kernel|Incremental)?PCA|TruncatedSVD|NMF", {0: "n_components"}),
        (of.FORESTS.replace("DecisionTree", "Bagging"), {0: "n_estimators"}),
        (r"PolynomialFeatures", {0: "degree"}),
    )
)
_LAST = frozenset(["softmax", "sigmoid", "linear", None])
_LONGEST = 60
_NUMBER = r"(-?[\d.]+(?:e-?\d+)?)"
_DOMAIN = re.compile(rf"(\w+)\({_NUMBER}, {_NUMBER}(?:, {_NUMBER})?\)")


def sites(script: Script) -> Iterator[tuple[cst.Call, Site]]:
    """Every positional argument of a known callee, as the keyword that it stands for."""
    for node, around in script.nodes:
        if not isinstance(node, cst.Call):
            continue
        for index, name in _keywords(node).items():
            plain = _plain(node)
            if index < len(plain):
                yield node, value_at(Target(keyword.KIND, name, plain[index].value), around)


def _plain(call: cst.Call) -> list[cst.Arg]:
    """The leading positional arguments."""
    plain = []
    for arg in call.args:
        if arg.keyword or arg.star:
            break
        plain.append(arg)
    return plain


def _keywords(call: cst.Call) -> dict[int, str]:
    callee = callee_of(call)
    if callee == "Dense" and _ends_a_network(call):
        return {}
    return next((keywords for names, keywords in _POSITIONS if names.fullmatch(callee)), {})


def _ends_a_network(call: cst.Call) -> bool:
    """Whether a dense layer may be the last one, whose width the task decides."""
    activations = [a.value for a in call.args if a.keyword and a.keyword.value == "activation"]
    text = (
        activations[0].raw_value
        if activations and isinstance(activations[0], cst.SimpleString)
        else None
    )
    return text in _LAST


def choice_of_calls(
    tree: Tree, call: cst.Call, argument: cst.BaseExpression, range_: Range, *, named: bool
) -> Range | None:
    """A `function_choice` of the call with other values of `argument`; None if it is unwieldy.

    `named`: whether it names the callee, because other calls end on the line.
    """
    text = tree.code(call)
    start, end = (at - tree.span(call)[0] for at in tree.span(argument))
    values = _others(range_.domain, text[start:end])
    if not values or len(text) > _LONGEST or "\n" in text or "\r" in text:
        return None
    calls = [text, *(text[:start] + value + text[end:] for value in values)]
    options = [*calls, f"name={tree.code(call.func)}"] if named else calls
    return Range(f"function_choice({', '.join(options)})", f"one of {len(calls)}")


def _others(domain: str, written: str) -> list[str]:
    """A few values of a numeric domain besides the written one."""
    match = _DOMAIN.fullmatch(domain)
    if match is None:
        return []
    kind, texts = match[1], [text for text in match.groups()[1:] if text]
    low, high, value = float(texts[0]), float(texts[1]), float(written)
    if kind == "choice":
        return [text for text in texts if float(text) != value]
    if kind in ("quniform", "qloguniform"):
        return [text for text in texts[:2] if float(text) != value]
    if kind == "loguniform":
        roots = ((low * value) ** 0.5, (value * high) ** 0.5)
        return [number(float(f"{root:.1g}")) for root in roots if f"{root:.1g}" != f"{value:g}"]
    middle = [number(low), number(round((low + high) / 2, 2)), number(high)]
    return [text for text in middle if float(text) != value]
