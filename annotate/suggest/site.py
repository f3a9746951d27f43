"""Sites: the annotatable values of a script, with their context."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from annotate.kinds import assignment, default, entry, keyword, option
from annotate.kinds.target import Target, text_of
from annotate.snippets import NotConstant, constant, literal
from annotate.tree import Tree

_FAMILIES: tuple[Callable[[cst.CSTNode, Tree], Iterator[Target]], ...] = (
    assignment.targets,
    keyword.targets,
    option.targets,
    entry.targets,
    default.targets,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_NEXT_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)[ \t]*")
_NO_VALUE = object()


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Calls that only collect settings, like a dict.
_CONTAINERS = words("dict AttrDict ConfigDict EasyDict Munch Namespace SimpleNamespace edict field")


@dataclass(frozen=True)
class Around:
    """The context of a node: functions and classes, the innermost call, and `owner`, the name or
    key that it belongs to.

    `beside` is the text of the call's positional arguments and assignment target; `beside_keys` are
    the keys of the innermost dict or the keywords of the innermost call. `keys` are the keys of the
    dicts and calls around, outermost first; `is_table`: whether a dict around has several maps.
    """

    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    owner: str | None = None
    beside: str = ""
    beside_keys: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    is_table: bool = False
    call: cst.Call | None = field(default=None, repr=False)
    function: cst.FunctionDef | None = field(default=None, repr=False)
    in_string: bool = False


@dataclass(frozen=True)
class Site:
    """A target and its Python value as written, if `known` without running the script."""

    target: Target
    around: Around
    known: bool
    value: Any
    declared: tuple[Any, ...]

    @property
    def is_element(self) -> bool:
        """Whether it is an element of an array or list: its subscript is not a string."""
        return self.target.name.endswith("]") and not self.target.name.endswith(('"]', "']"))

    @property
    def help(self) -> str:
        """The `help` of a command-line option or a field; empty if there is none."""
        if self.around.call is None:
            return ""
        texts = (a.value for a in self.around.call.args if a.keyword and a.keyword.value == "help")
        return " ".join(text for node in texts if (text := text_of(node)))

    @property
    def callee(self) -> str | None:
        """The last name of the callee; None if the target is not a keyword argument."""
        if self.target.kind != keyword.KIND or self.around.call is None:
            return None
        callee = callee_of(self.around.call)
        return None if callee in _CONTAINERS else callee

    @property
    def name(self) -> str:
        """The last name of the target in lower case, with words joined by underscores."""
        name = self.target.name
        return snake(last_word(name) if self.target.kind == assignment.KIND else name)


def value_at(target: Target, around: Around) -> Site:
    """The site of a target that is not among the script's own."""
    value = value_of(target.value)
    return Site(target, around, value is not _NO_VALUE, value, ())


def snake(name: str) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def last_word(text: str) -> str:
    """`lr` for `self.lr` and `cfg["optim"]["lr"]`; text without a name is returned unchanged."""
    words = _WORD.findall(text)
    return words[-1] if words else text


class Script:
    """A parsed file: its nodes with their context, and its sites in source order."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = list(_walk(tree, tree.module, Around()))
        sites = [
            _site(tree, target, around, node)
            for node, around in self.nodes
            for family in _FAMILIES
            for target in family(node, tree)
        ]
        self.sites = sorted(sites, key=lambda site: tree.span(site.target.value))
        self._comments = [start for start, _ in tree.comments]
        self._strings = {tree.span(node)[0]: node for node in tree.strings}

    def comment_behind(self, offset: int) -> str:
        """The comment at the end of the line, if only punctuation stands between."""
        at = bisect_left(self._comments, offset)
        start, text = self.tree.comments[at] if at < len(self._comments) else (offset, "")
        return text if _is_blank(self.tree.text[offset:start]) else ""

    def string_below(self, offset: int) -> str:
        """The string statement that follows on the next line, as fields are described."""
        match = _NEXT_LINE.match(self.tree.text, offset)
        node = self._strings.get(match.end()) if match else None
        return (text_of(node.value) or "") if node else ""


def _is_blank(text: str) -> bool:
    return not text.strip(" \t,)]}")


def _site(tree: Tree, target: Target, around: Around, node: cst.CSTNode) -> Site:
    value = value_of(target.value)
    known = value is not _NO_VALUE
    if target.kind == option.KIND and isinstance(node, cst.Call):
        return Site(target, around, known, value, _declared(node))
    if isinstance(node, cst.AnnAssign):
        return Site(target, around, known, value, _members(node.annotation.annotation))
    return Site(target, around, known, value, ())


def value_of(node: cst.BaseExpression) -> Any:
    """The value of a literal, a constant expression, or a tuple or list of these."""
    known, value = literal(node)
    if known:
        return value
    if isinstance(node, (cst.Tuple, cst.List)):
        members = [value_of(element.value) for element in node.elements]
        if _NO_VALUE in members:
            return _NO_VALUE
        return tuple(members) if isinstance(node, cst.Tuple) else members
    try:
        return constant(node)
    except NotConstant:
        return _NO_VALUE


def _declared(call: cst.Call) -> tuple[Any, ...]:
    """The values that a command-line option allows: `choices=[...]` or `type=Choice([...])`."""
    for argument in call.args:
        word = argument.keyword.value if argument.keyword else ""
        value = argument.value
        if word == "type" and isinstance(value, cst.Call) and value.args:
            if callee_of(value) != "Choice":
                continue
            value = value.args[0].value
        elif word != "choices":
            continue
        members = value_of(value)
        if isinstance(members, (tuple, list)):
            return tuple(members)
    return ()


def _members(node: cst.BaseExpression) -> tuple[Any, ...]:
    """The options of `Literal["a", "b"]`."""
    if not isinstance(node, cst.Subscript) or last_word_of(node.value) != "Literal":
        return ()
    indices = [e.slice.value for e in node.slice if isinstance(e.slice, cst.Index)]
    members = [value_of(index) for index in indices]
    return () if _NO_VALUE in members else tuple(members)


def last_word_of(node: cst.CSTNode) -> str:
    """`relu` for `nn.functional.relu`, `lr` for `cfg["lr"]`; empty if there is no name."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return node.attr.value
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        return (text_of(index.value) or "") if isinstance(index, cst.Index) else ""
    return ""


def first_word_of(node: cst.CSTNode) -> str:
    """`plt` for `plt.bar`; empty if the expression does not begin with a name."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return last_word_of(node) if isinstance(node, cst.Name) else ""


def dotted(node: cst.CSTNode) -> str:
    """`torch.nn` for that attribute; empty for other expressions than names and attributes."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def callee_of(call: cst.Call) -> str:
    return last_word_of(call.func)


def _walk(tree: Tree, node: cst.CSTNode, around: Around) -> Iterator[tuple[cst.CSTNode, Around]]:
    around = _enter(tree, node, around)
    yield node, around
    below = around
    if isinstance(node, cst.DictElement):
        below = _below(around, text_of(node.key) or last_word_of(node.key))
    elif isinstance(node, cst.Arg) and node.keyword is not None:
        below = _below(around, node.keyword.value)
    for child in node.children:
        yield from _walk(tree, child, below)


def _below(around: Around, key: str) -> Around:
    return replace(around, owner=key, keys=(*around.keys, key))


def _enter(tree: Tree, node: cst.CSTNode, around: Around) -> Around:
    if isinstance(node, cst.FunctionDef):
        names = (*around.functions, node.name.value)
        return Around(names, around.classes, function=node, in_string=around.in_string)
    if isinstance(node, cst.ClassDef):
        return Around(around.functions, (*around.classes, node.name.value))
    if isinstance(node, cst.Call):
        return _enter_call(tree, node, around)
    if isinstance(node, (cst.Assign, cst.AnnAssign)):
        target = node.targets[0].target if isinstance(node, cst.Assign) else node.target
        return replace(around, owner=last_word_of(target), beside=tree.code(target))
    if isinstance(node, cst.Dict):
        return _enter_dict(node, around)
    if isinstance(node, cst.FormattedString):
        return replace(around, in_string=True)
    return around


def _enter_call(tree: Tree, node: cst.Call, around: Around) -> Around:
    plain = [tree.code(arg.value) for arg in node.args if arg.keyword is None and not arg.star]
    outer = around.beside if around.call is None else ""
    beside = " ".join([outer, *(text for text in plain if len(text) < _LONG)])
    keywords = frozenset(arg.keyword.value for arg in node.args if arg.keyword)
    return replace(around, call=node, beside=beside, beside_keys=keywords)


def _enter_dict(node: cst.Dict, around: Around) -> Around:
    pairs = [e for e in node.elements if isinstance(e, cst.DictElement)]
    keys = frozenset(key for pair in pairs if (key := text_of(pair.key)))
    maps = [pair for pair in pairs if isinstance(pair.value, (cst.Dict, cst.Call))]
    is_table = around.is_table or (len(maps) > 1 and len(maps) == len(pairs))
    return replace(around, beside_keys=keys, is_table=is_table)


#: Longer arguments say nothing about the purpose of a call.
_LONG = 60
