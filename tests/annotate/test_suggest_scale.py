"""Proposals for code not written for these tests: the standard library and installed packages."""

import ast
import sysconfig
import warnings
import zlib
from pathlib import Path

import pytest
import sklearn

from annotate import lexer
from annotate.errors import AnnotateError
from annotate.instrument import expand
from annotate.suggest import insert, suggest

#: One file in this many, none larger than this.
LARGEST = 30_000
FOLDERS = {
    "standard library": (Path(sysconfig.get_paths()["stdlib"]), 80),
    "scikit-learn": (Path(sklearn.__file__).parent, 32),
}


def sample(folder, one_in):
    for path in sorted(folder.rglob("*.py")):
        chosen = zlib.crc32(path.name.encode()) % one_in == 0
        if not chosen or "site-packages" in path.relative_to(folder).parts:
            continue
        if path.stat().st_size <= LARGEST and not lexer.may_be_annotated(path.read_bytes()):
            yield path


def program(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.dump(ast.parse(source))


@pytest.mark.parametrize("name", FOLDERS)
def test_any_file_with_proposals_has_no_mistakes_and_behaves_the_same(name):
    files = count = 0
    for path in sample(*FOLDERS[name]):
        try:
            suggestions = suggest(path.read_bytes(), path=str(path), module="m")
        except AnnotateError:  # the library's tests include files that are not valid Python
            continue
        new = insert(suggestions.source, suggestions.proposals)
        files, count = files + 1, count + len(suggestions.proposals)
        if suggestions.proposals:
            assert program(new) == program(suggestions.source), path
            assert len(expand(new, path=str(path), module="m").places) == len(suggestions.proposals)
    assert files > 10
    if name == "standard library":
        assert count <= files / 10, "false friends: the standard library learns nothing"
