"""Which code reads standard input."""

from pathlib import PurePosixPath

import pytest

from annotate.instrument import Expansion
from annotate.project import SourceFile
from annotate.standard_input import reads_standard_input

READS = [
    "import sys\ndata = sys.stdin.read()",
    "import sys\nfor line in sys.stdin: pass",
    "from sys import stdin",
    "def f(): return input('? ')",
    "import fileinput",
    "open(0).read()",
    "import os\nos.read(0, 10)",
    "open('/dev/stdin')",
    "import click\nclick.get_text_stream('stdin')",
]
DOES_NOT = [
    "x = 1  # reads stdin? input()",
    "import sys\nif sys.stdin.isatty(): print(sys.stdin.encoding)",
    "import sys\nsys.stdin = None",
    "import subprocess\nsubprocess.run(['ls'], stdin=subprocess.DEVNULL)",
    "def forward(self, input): return self.input(input)",
    "open('0'); input_size = 3",
    "a syntax error: input()",
]


def reads(source, *arguments):
    file = SourceFile(PurePosixPath("train.py"), source.encode(), Expansion(source.encode()))
    return reads_standard_input([file], arguments)


@pytest.mark.parametrize("source", READS)
def test_code_that_reads_standard_input_is_recognised(source):
    assert reads(source)


@pytest.mark.parametrize("source", DOES_NOT)
def test_code_that_only_mentions_its_words_does_not_read_it(source):
    assert not reads(source)


def test_an_argument_may_name_standard_input():
    assert reads("import argparse", "--data", "-")
    assert reads("import argparse", "/dev/stdin")
    assert not reads("import argparse", "--data", "x", "--x", "-1")
