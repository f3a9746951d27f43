"""Find the imports of a source without parsing it, because projects have many files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Strings and comments are matched first, so text in them is not taken for an import.
_SCAN = re.compile(
    r"""
    \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?'''
  | "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*' | \#[^\r\n]*
  | (?:(?<![^\r\n;:]))[ \t\f]*from[ \t]+(?P<origin>[.\w \t]+?)[ \t]*\bimport\b[ \t]*
        (?:\((?P<bracketed>[^)]*)\)|(?P<names>(?:[^\r\n;\#\\]|\\(?:\r\n|\r|\n))*))
  | (?:(?<![^\r\n;:]))[ \t\f]*import[ \t]+(?P<modules>(?:[^\r\n;\#\\]|\\(?:\r\n|\r|\n))+)
  | \b(?:import_module|__import__)[ \t]*\([ \t\r\n]*(?P<called>[^\r\n]{0,200})
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"""[rRuU]?(?P<quote>["'])(?P<name>[.\w]+)(?P=quote)\s*[,)]""")
_PACKAGE = re.compile(r"""\s*(?:package\s*=\s*)?["']([\w.]+)["']""")
_DYNAMIC = re.compile(rb"import_module|__import__|\bimport\b")


@dataclass(frozen=True, slots=True)
class Import:
    """An import: `level` leading dots, a dotted `module`, and the `names` imported from it.

    `module` is None if its name is known only at run time.
    """

    module: str | None
    level: int = 0
    names: tuple[str, ...] = ()


def find(data: bytes) -> Iterator[Import]:
    """All imports of a source, including those inside functions."""
    if not _DYNAMIC.search(data):
        return
    text = data.decode("utf-8", errors="replace")
    for match in _SCAN.finditer(text):
        if match["origin"]:
            yield _from(match["origin"], match["bracketed"] or match["names"] or "")
        elif match["modules"]:
            for name in match["modules"].replace("\\", " ").split(","):
                if words := name.split():
                    yield Import(words[0])
        elif match["called"] is not None and not _is_definition(text, match.start()):
            yield _called(match["called"])


def _from(origin: str, names: str) -> Import:
    dotted = re.sub(r"\s", "", origin)
    module = dotted.lstrip(".")
    uncommented = re.sub(r"#[^\r\n]*|\\", " ", names).split(",")
    return Import(
        module,
        len(dotted) - len(module),
        tuple(words[0] for name in uncommented if (words := name.split())),
    )


def _called(arguments: str) -> Import:
    literal = _LITERAL.match(arguments)
    if literal is None:
        return Import(None)
    name = literal["name"]
    module = name.lstrip(".")
    level = len(name) - len(module)
    package = _PACKAGE.match(arguments, literal.end()) if level else None
    if package:
        parents = package[1].split(".")
        base = parents[: len(parents) - level + 1]
        return Import(".".join([*base, module]) if module else ".".join(base))
    return Import(module, level)


def _is_definition(text: str, start: int) -> bool:
    return text[max(0, start - 8) : start].rstrip().endswith("def")
