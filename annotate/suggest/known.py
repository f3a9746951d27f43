"""Options that a script itself handles: it compares a name with them or looks it up in a dict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

import libcst as cst

from annotate.kinds.target import text_of
from annotate.suggest.site import last_word_of, snake

#: Maps a name, as in `Site.name`, to the strings that the script handles for it, in order.
Options = Mapping[str, tuple[str, ...]]


def options(nodes: Collection[cst.CSTNode]) -> Options:
    """The options of every name that is compared with strings or used as a key of a dict."""
    tables = {
        last_word_of(target.target): keys
        for node in nodes
        if isinstance(node, cst.Assign)
        for target in node.targets
        if (keys := _keys(node.value))
    }
    by_name: dict[str, dict[str, None]] = defaultdict(dict)
    for node in nodes:
        for name, texts in _known(node, tables):
            if not name.startswith("__"):  # __name__ == "__main__"
                by_name[snake(name)].update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in by_name.items() if name}


def _keys(node: cst.BaseExpression) -> tuple[str, ...]:
    """The keys of a dict literal whose keys are all strings."""
    if not isinstance(node, cst.Dict) or not node.elements:
        return ()
    keys = [text_of(e.key) if isinstance(e, cst.DictElement) else None for e in node.elements]
    return tuple(key for key in keys if key is not None) if None not in keys else ()


def _known(
    node: cst.CSTNode, tables: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, cst.Comparison) and len(node.comparisons) == 1:
        yield last_word_of(node.left), _compared(node.comparisons[0])
    elif isinstance(node, cst.Match):
        patterns = [case.pattern for case in node.cases]
        texts = [text_of(p.value) for p in patterns if isinstance(p, cst.MatchValue)]
        yield last_word_of(node.subject), tuple(text for text in texts if text)
    elif isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        if isinstance(index, cst.Index):
            yield last_word_of(index.value), _table(node.value, tables)
    elif isinstance(node, cst.Call) and _is_get(node):
        assert isinstance(node.func, cst.Attribute)
        yield last_word_of(node.args[0].value), _table(node.func.value, tables)


def _is_get(node: cst.Call) -> bool:
    return (
        isinstance(node.func, cst.Attribute) and node.func.attr.value == "get" and bool(node.args)
    )


def _table(node: cst.BaseExpression, tables: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return _keys(node) or tables.get(last_word_of(node), ())


def _compared(target: cst.ComparisonTarget) -> tuple[str, ...]:
    other = target.comparator
    if isinstance(target.operator, cst.Equal):
        text = text_of(other)
        return (text,) if text else ()
    if isinstance(target.operator, cst.In) and isinstance(other, (cst.Tuple, cst.List, cst.Set)):
        texts = [text_of(element.value) for element in other.elements]
        return tuple(text for text in texts if text)
    return ()
