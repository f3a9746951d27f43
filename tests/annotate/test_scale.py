"""The standard library and the installed packages, without and with annotations.

By default a sample of the files, the same in every run; all of them with ANNOTATE_FULL=1.
"""

import ast
import io
import os
import random
import re
import site
import sysconfig
import tokenize
import warnings
import zlib
from pathlib import Path

import pytest

from annotate import lexer
from annotate.errors import Mistakes
from annotate.instrument import expand
from annotate.tree import TOO_DEEP, Tree, Unparsable

FULL = bool(os.environ.get("ANNOTATE_FULL"))
FOLDERS = [sysconfig.get_paths()["stdlib"], *site.getsitepackages()]
#: The usual run annotates one file in this many, up to a size and a number of files.
ONE_IN, LARGEST, MOST = (1, 1 << 30, 1 << 30) if FULL else (30, 40_000, 300)
#: The files are divided among this many tests, which can run concurrently.
PARTS = 4

NEWLINE = re.compile(rb"\r\n|\r|\n")


def library():
    seen = set()
    for folder in FOLDERS:
        for path in Path(folder).rglob("*.py"):
            if path not in seen and path.is_file():
                seen.add(path)
                yield path


LIBRARY = sorted(library())


def sample():
    """A sample spread over all folders, chosen by a hash of the names."""
    numbered = sorted((zlib.crc32(path.name.encode()), path) for path in LIBRARY)
    chosen = [
        path for number, path in numbered if number % ONE_IN == 0 and path.stat().st_size <= LARGEST
    ]
    return chosen[:MOST]


def parsed(data):
    """The tree of a source; None for the few files that are not valid Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "library", "exec", dont_inherit=True)
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def places(tree, lines):
    """Lines (from 1) before which a statement may be inserted, each with its indentation."""
    future = max(
        (n.lineno for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"),
        default=0,
    )
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            for index, child in enumerate(block if isinstance(block, list) else ()):
                documented = index == 0 and isinstance(child, ast.Expr)
                decorators = getattr(child, "decorator_list", ())
                line = min([child.lineno, *(d.lineno for d in decorators)])
                indent = re.match(rb"[ \t\f]*", lines[line - 1])[0]
                text = lines[line - 1][len(indent) :]
                alone = len(indent) == child.col_offset and not text.startswith(b"elif")
                if alone and not documented and line > future and not _continues(lines, line):
                    yield line, indent


def _continues(lines, line):
    """Whether the previous line ends in a backslash, so nothing can be inserted."""
    return line > 1 and lines[line - 2].rstrip(b"\r\n").endswith(b"\\")


#: Lines to insert, and how many; `{0}` is a number that makes the names unique.
PIECES = [
    "tuned_{0} = 0.1  # @nni.loguniform(1e-5, 1e-1)",
    "# @nni.variable(nni.choice(tuned, [{0}], 3), name=tuned_{0}.x)\ntuned_{0}.x = [{0}]",
    "'''@nni.function_choice(f_{0}({0}), g( {0} ), name=f_{0})'''\ntuned_{0} = 1 + f_{0}( {0} )",
    "# @nni.report_intermediate_result({0})  # so far",
    "'''@nni.report_final_result(\n  {0}\n)'''",
    "tuned_{0} = f(\n  1,\n  # @nni.variable(nni.uniform(0, 1), name=lr_{0})\n  lr_{0}={0},\n)",
    "# @nni.function_choice(\n#   f_{0}({0}),\n#   g)\nif f_{0}({0}): pass",
    "other_{0} = 1; tuned_{0}: int = {0}"
    "  # @nni.variable(nni.choice(1, nni.uniform(0, {0} + 1)), name=tuned_{0})",
]


def annotated(data, generator, encoding):
    """The source with annotated pieces inserted, and the numbers of their lines (from 0)."""
    tree = parsed(data)
    ends = [match.end() for match in NEWLINE.finditer(data)]
    lines = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
    spots = sorted(set(places(tree, lines))) if tree else []
    chosen = dict(generator.sample(spots, min(len(spots), 12)))
    result, new = [], set()
    newline = NEWLINE.search(data)[0] if ends else b"\n"
    for number, line in enumerate(lines, 1):
        if number in chosen:
            piece = generator.choice(PIECES).format(number).split("\n")
            for text in piece:
                new.add(len(result))
                result.append(chosen[number] + text.encode(encoding) + newline)
        result.append(line)
    return b"".join(result), new


def failure(path):
    """What is wrong with the expansion of an annotated copy of the file; None if it is right."""
    data = path.read_bytes()
    if lexer.may_be_annotated(data) or b"\0" in data:
        return None
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        return None
    generator = random.Random(str(path.name))
    source, new = annotated(data, generator, encoding.replace("-sig", ""))
    if not new:
        return None
    try:
        code = expand(source, path=str(path), module="m").code
    except Mistakes as error:
        if [m.code for m in error.mistakes] == ["A102"] and _beyond_libcst(data.decode(encoding)):
            return None
        return "\n".join(m.display() for m in error.mistakes)
    before, after = (re.split(rb"(?<=\n)|(?<=\r)(?!\n)", text) for text in (source, code))
    if len(before) != len(after):
        return f"{len(before)} lines became {len(after)}"
    changed = {n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    if not changed or not changed <= new:
        return f"lines changed: {sorted(n + 1 for n in changed - new)}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(code, str(path), "exec", dont_inherit=True)
    return None


def _beyond_libcst(text):
    """Whether libcst itself cannot parse the file, as with a handful of files with new syntax."""
    try:
        Tree(text)
    except Unparsable as error:
        return error.message == TOO_DEEP or error.message.startswith("parser error")
    return False


def test_every_file_without_annotations_is_returned_unchanged():
    assert len(LIBRARY) > 1000
    for path in LIBRARY:
        data = path.read_bytes()
        if not lexer.may_be_annotated(data):
            assert expand(data, path=str(path), module="m").code is data


@pytest.mark.timeout(0 if FULL else 300)
@pytest.mark.parametrize("part", range(PARTS))
def test_annotations_anywhere_compile_and_change_no_other_line(part):
    failures, count = {}, 0
    for path in sample()[part::PARTS]:
        count += 1
        try:
            wrong = failure(path)
        except Exception as error:  # each one is a finding, with its file
            wrong = repr(error)
        if wrong:
            failures[str(path)] = wrong
    assert count > 50 / PARTS
    assert not failures, "\n".join(f"{p}: {w}" for p, w in list(failures.items())[:20])
