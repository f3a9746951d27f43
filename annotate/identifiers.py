"""Whether code names something: as an identifier, or as a string such as a key or an option."""

from __future__ import annotations

import ast

from annotate.replaced import parse


def names(code: bytes, name: str) -> bool:
    """Whether the code has the identifier `name`, or the string `name` or `--name`.

    A comment or a longer string does not count. Code that does not parse names all it contains.
    """
    if name.encode() not in code:
        return False
    tree = parse(code)
    return tree is None or any(_names(node, name) for node in ast.walk(tree))


def _names(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=own) | ast.Attribute(attr=own) | ast.arg(arg=own) | ast.keyword(arg=own):
            return own == name
        case ast.alias(name=own, asname=other):
            return name in (own, other)
        case ast.Constant(value=str(text)):
            return text in (name, f"--{name}")
    return False
