"""Find out whether code reads standard input, without running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

from annotate import formats
from annotate.errors import Mistakes
from annotate.project import SourceFile

_MAY_READ = re.compile(rb"stdin|input|/fd/0|\b(?:open|fdopen|read)\s*\(\s*0\b")
_PATHS = {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "stdin"}
_BY_NUMBER = {"open", "fdopen", "read"}  # of the descriptor 0
#: What code asks of `sys.stdin` without reading from it.
_QUESTIONS = {"isatty", "encoding", "errors", "closed", "name", "mode"}


def reads_standard_input(files: Iterable[SourceFile], arguments: Sequence[str]) -> bool:
    """Whether one of the `files` mentions standard input, or one of the `arguments` does.

    Code that reads it in a way that no name tells (`os.dup(0)`) is not noticed.
    """
    if "-" in arguments or not _PATHS.isdisjoint(arguments):
        return True
    return any(_reads(file.source, str(file.path)) for file in files)


def _reads(source: bytes, path: str) -> bool:
    if not _MAY_READ.search(source):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(formats.python(source, path))))
    except (Mistakes, SyntaxError, ValueError, RecursionError):
        return False  # the script cannot run it either
    harmless = {id(node) for parent in nodes for node in _harmless(parent)}
    return any(_is_read(node) for node in nodes if id(node) not in harmless)


def _is_read(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name("input")):
            return True
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=[first, *_]):
            return name in _BY_NUMBER and isinstance(first, ast.Constant) and first.value == 0
        case ast.Attribute(ast.Name("sys"), "stdin" | "__stdin__", ast.Load()):
            return True
        case ast.ImportFrom(module="sys", names=names):
            return any(alias.name == "stdin" for alias in names)
        case ast.ImportFrom(module="fileinput"):
            return True
        case ast.Import(names=names):
            return any(alias.name == "fileinput" for alias in names)
        case ast.Constant(str(text)):
            return text in _PATHS
    return False


def _harmless(parent: ast.AST) -> Iterator[ast.AST]:
    if isinstance(parent, ast.Attribute) and parent.attr in _QUESTIONS:
        yield parent.value
