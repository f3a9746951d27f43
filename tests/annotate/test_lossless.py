# ruff: noqa: E501  (sources on one line)
"""Line numbers, and every byte outside annotated values, are preserved."""

import re
import sys

import pytest

from annotate import deep
from annotate.errors import Mistakes
from annotate.instrument import expand


def lines(data):
    return re.split(rb"(?<=\n)|(?<=\r)(?!\n)", data)


def changed(source):
    """The lines (from 1) that expanding changes; the number of lines is the same."""
    code = expand(source, path="m.py", module="m").code
    before, after = lines(source), lines(code)
    assert len(before) == len(after)
    compile(code, "m.py", "exec", dont_inherit=True)
    return [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]


LR = b"lr = 0.1  # @nni.uniform(0, 1)"

CASES = {
    "CRLF": (b"import os\r\n" + LR + b"\r\nif os:\r\n    pass\r\n", [2]),
    "lone carriage returns": (b"import os\r" + LR + b"\rx = 2\r", [2]),
    "mixed newlines": (b"a = 1\r\n" + LR + b"\nb = 2\rc = '''\r\n\n\r'''\n", [2]),
    "no final newline": (b"a = 1\n" + LR, [2]),
    "no final newline after a report": (b"a = 1\n# @nni.report_final_result(a)", [2]),
    "space before a colon": (
        b"try:\n    pass\nexcept OSError :\n    " + LR + b"\nexcept (A, B)  as e  :\n    pass\n"
        b"class C ( D ) :\n  def f ( self , a = 1 ) -> int :  # @nni.choice(1, 2)\n    pass\n",
        [4, 8],
    ),
    "BOM": (b"\xef\xbb\xbf" + LR + b"\n", [1]),
    "BOM and cookie": (b"\xef\xbb\xbf# coding: utf-8\n" + LR + b"\n", [2]),
    "latin-1": (b"# coding: latin-1\ns = '\xe9\xff'\n" + LR + b"\n", [3]),
    "cookie in line 2": (b"#!/usr/bin/python\n# -*- coding: cp1252 -*-\ns = '\x80'\n" + LR, [4]),
    "koi8 option": (
        b"# coding: koi8-r\nx = 1  # @nni.choice('\xc2', \xc1, 1)\n\xc1 = 2\n",
        [2],
    ),
    "shift_jis": ("# coding: shift_jis\ns = '表'\n".encode("shift_jis") + LR + b"\n", [3]),
    "gbk": ("# coding: gbk\ns = '表'\n".encode("gbk") + LR + b"\n", [3]),
    "form feed between": (b"a = 1\n\x0c\n" + LR + b"\n\x0c\n", [3]),
    "form feed before a statement": (
        b"if 1:\n    a = 1\n\x0c    " + LR + b"\n\x0c    b = 2\n",
        [3],
    ),
    "form feed and a comment report": (
        b"if 1:\n    a = 1\n\x0c    # @nni.report_final_result(a)\n",
        [3],
    ),
    "form feed in a string": (b"a = '''\n\x0c\n'''\n" + LR + b"\n", [4]),
    "tabs": (b"if 1:\n\tif 2:\n\t\t" + LR + b"\n\t\t# @nni.report_final_result(lr)\n", [3, 4]),
    "tabs and spaces": (b"if 1:\n \tif 2:\n \t \t" + LR + b"\n", [3]),
    "trailing space": (b"a = 1   \n" + LR + b"   \t \n", [2]),
    "vertical tab and other odd spaces in strings": (
        b"a = '\x0b\x1c\xc2\x85\xe2\x80\xa8'\n" + LR,
        [2],
    ),
    "backslash": (b"a = \\\n  1\nlr = \\\n  0.1  # @nni.uniform(0, 1)\n", [4]),
    "decorators": (
        b"def d(**k): return lambda f: f\n@d(a=1)  # @nni.uniform(0, 1)\n@d(b=2)\n"
        b"# c\n@d(c=3)  # @nni.choice(3, 4)\ndef f(\n    x=1,  # @nni.choice(1, 2)\n): pass\n",
        [2, 5, 7],
    ),
    "one-line suites": (
        b"if 1: " + LR + b"\nelse: a = 1; b = 2  # @nni.variable(nni.choice(1, 2), name=b)\n"
        b"class A: x = 1  # @nni.choice(1, 2)\nfor i in []: pass\nelse: y = 1  # @nni.choice(1, 2)\n"
        b"try: z = 1  # @nni.choice(1, 2)\nexcept A: w = 1  # @nni.choice(1, 2)\n"
        b"finally: v = 1  # @nni.choice(1, 2)\nwhile 0: u = 1  # @nni.choice(1, 2)\n",
        [1, 2, 3, 5, 6, 7, 8, 9],
    ),
    "a value over lines": (
        b"x = [\n    1,  # one\n\n    2,\n]  # @nni.choice([1], [2])\n",
        [1, 5],
    ),
    "a multi-line string as value": (b"x = '''\r\na\r\n'''  # @nni.choice('a', 'b')\r\n", [1, 3]),
    "match": (
        b"match 1:\n    # first\n    case int(real=1):\n        # in\n        x = 1  # @nni.choice(1, 2)\n"
        b"        # @nni.report_final_result(x)\n    case _: y = 2  # @nni.choice(1, 2)\n",
        [5, 6, 7],
    ),
    "async": (
        b"async def f(a=1):  # @nni.choice(1, 2)\n    async with g(b=2) as h:  # @nni.choice(1, 2)\n"
        b"        async for i in g(c=3):  # @nni.choice(1, 2)\n"
        b"            x = await i  # @nni.choice(await i, i)\n"
        b"        # @nni.report_final_result(await x)\n",
        [1, 2, 3, 4, 5],
    ),
    "homes of a comment": (
        b"# @nni.get_next_parameter()\nimport os\nif os:\n    # @nni.report_intermediate_result(1)\n"
        b"    a = (\n        # @nni.variable(nni.choice(1, 2), name=a)\n        1)\n"
        b"    # @nni.report_intermediate_result(2)\nelse:\n    # @nni.report_intermediate_result(3)\n"
        b"    a = 2  # @nni.choice(1, 2)\n    # @nni.report_intermediate_result(4)\n\n"
        b"# @nni.report_final_result(5)\n\n# end",
        [1, 4, 5, 7, 8, 10, 11, 12, 14],
    ),
    "except, else, finally": (
        b"try:\n    x = 1\n    # @nni.report_intermediate_result(1)\nexcept OSError:\n    pass\n"
        b"    # @nni.report_intermediate_result(2)\nelse:\n    pass\n"
        b"    # @nni.report_intermediate_result(3)\nfinally:\n    pass\n"
        b"    # @nni.report_final_result(4)\n",
        [3, 6, 9, 12],
    ),
    "a report over several lines": (
        b"x = 1\n# @nni.report_final_result(\n#   {'default': x,  # a remark\n#    'more': 2})\ny = 2\n",
        [2],
    ),
    "a string report over several lines": (
        b"def f():\r\n    '''@nni.report_final_result(\r\n    1\r\n    )'''\r\n",
        [2, 3, 4],
    ),
    "a remark stays": (b"x = 1\n# @nni.report_final_result(x)  # a remark\n", [2]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_only_the_lines_of_annotated_values_and_reports_change(case):
    source, expected = case
    assert changed(source) == expected


def test_a_comment_after_a_report_is_kept():
    code = expand(b"# @nni.report_final_result(x)  # r\n", path="m.py", module="m").code
    assert code == b'__import__("nni").report_final_result(x)  # r\n'


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n",
        b"\xef\xbb\xbf",
        b"x = 1",
        b"no python at all {{{ \xff\xfe",
        b"x = '# @nni.variable(1)'\n",
        b"print 'hello'  # mail me@nni.org\n",
        b'"""Docs say\n@nni.variable(nni.choice(1, 2), name=x)\n"""\nx = 1\n',
        b"x = f'@nni.{1}'\nb'@nni.variable'\nf('@nni.variable(1)')\nf'@nni.x'\n",
        b"# @nnie\n# @nni_foo(1)\n# see @nni.variable\n## @nni.variable(1)\n",
        b"s = '''\n# @nni.uniform(0, 1)\n'''\n",
        b"def f(:\n  '@nnix'\n",
    ],
)
def test_a_source_without_annotations_is_returned_unchanged(source):
    assert expand(source, path="m.py", module="m").code == source


#: Expressions with this many links, each of a shape for which libcst takes seconds or overflows.
DEEP = {
    "a sum": lambda n: "1" + " + 1" * n,
    "a sum over lines": lambda n: "(1" + " +\n1" * n + ")",
    "conditions": lambda n: "a" + " and a" * n,
    "attributes": lambda n: "a" + ".b" * n,
    "calls": lambda n: "a" + ".b()" * (n // 2),
    "subscripts": lambda n: "a" + "[0]" * n,
    "negations": lambda n: "not " * n + "a",
    "choices": lambda n: "a if b else " * n + "c",
    "texts side by side": lambda n: "(" + "\n'a'" * (n + 1) + ")",
}


@pytest.mark.parametrize("shape", DEEP)
def test_a_deep_expression_in_a_file_without_annotations_is_accepted(shape):
    value = DEEP[shape](1500).encode()
    source = b"a = 1  # mail@nni.org\nx = " + value + b"\nif " + value + b": pass\n"
    assert expand(source, path="m.py", module="m").code == source
    annotated = source + b"# @nni.report_final_result(x)\n"
    code = expand(annotated, path="m.py", module="m").code
    assert code == source + b'__import__("nni").report_final_result(x)\n'


@pytest.mark.parametrize("shape", DEEP)
def test_a_deep_expression_in_an_annotated_statement_is_a_mistake_on_its_line(shape):
    deep_one = DEEP[shape](1500)
    for source, line in (
        (f"a = 1\nx = {deep_one}  # @nni.choice(1, 2)\n", 2),
        (f"# @nni.function_choice(f(1), f(2))\ny = f(1)({deep_one})\n", 2),
        (f'"""@nni.variable(nni.choice(1, 2), name=x)"""\nx = {deep_one}\n', 2),
        (f"print 'not ours'\nx = {deep_one}  # @nni.choice(1, 2)\n", 2),
    ):
        with pytest.raises(Mistakes) as error:
            expand(source.encode(), path="m.py", module="m")
        (mistake,) = error.value.mistakes
        assert (mistake.code, mistake.line) == ("A102", line)
        assert "more than 1,000 operations deep" in mistake.message
        assert "split it into several statements" in mistake.hint


def test_more_clauses_than_libcst_supports_are_a_mistake_on_the_line_of_the_if():
    clauses = "elif a: pass\n" * 2100
    source = f"a = 1\nif a: pass\n{clauses}b = 1  # @nni.choice(1, 2)\n"
    with pytest.raises(Mistakes) as error:
        expand(source.encode(), path="m.py", module="m")
    (mistake,) = error.value.mistakes
    assert (mistake.code, mistake.line) == ("A102", 2)
    assert "more than 2,000 `elif` clauses" in mistake.message


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_replacing_a_deep_expression_by_a_name_changes_nothing_else(case, monkeypatch):
    source = case[0]
    plain = expand(source, path="m.py", module="m")
    monkeypatch.setattr(deep, "DEEP", 2)
    assert expand(source, path="m.py", module="m") == plain


def test_long_sums_and_many_concatenated_strings_are_accepted():
    for value in (" + ".join(["1"] * 1000), "(" + "\n'a'" * 1000 + ")"):
        source = f"x = {value}  # @nni.variable(nni.choice(1, 2), name=x)\n"
        code = expand(source.encode(), path="m.py", module="m").code
        assert code.count(b"\n") == source.count("\n")


@pytest.mark.parametrize("text", ["(" * 9000, "-" * 60000, "not " * 9000, "x" + ".a" * 60000])
def test_code_that_would_overflow_a_parsers_stack_is_a_mistake(text):
    closing = ")" * text.count("(")
    source = f"x = {text}1{closing}\ny = 1  # @nni.choice(1, 2)\n".encode()
    with pytest.raises(Mistakes):
        expand(source, path="m.py", module="m")
    with pytest.raises(Mistakes):
        expand(f"y = 1  # @nni.choice(1, {text}1{closing})\n".encode(), path="m.py", module="m")


@pytest.mark.parametrize(
    "source",
    [
        "class A[T: int = str]:\n    x = 1  # @nni.choice(1, 2)\n",
        "type X[*T, **P] = list[T]\ny = 1  # @nni.choice(1, 2)\n",
        "def f[T](a: T, b=1) -> T: ...  # @nni.choice(1, 2)\n",
        "x = f'{d[\"a\"]!r:>{w}} {'#'}'\ny = 1  # @nni.choice(f'{d['a']}', 2)\n",
        "y = 1  # @nni.choice(f'{d['a)']}', f'{{', 2, f'{f'{')'}'}')\n",
        "x = f'''{\n1  # comment\n}'''\ny = 1  # @nni.choice(1, 2)\n",
        "try: pass\nexcept* OSError: y = 1  # @nni.choice(1, 2)\n",
        "with (open(a) as b, open(c) as d):\n    y = 1  # @nni.choice(1, 2)\n",
    ],
)
def test_new_syntax_keeps_its_lines_even_if_the_running_python_is_older(source):
    code = expand(source.encode(), path="m.py", module="m").code.decode()
    before, after = source.split("\n"), code.split("\n")
    assert [a for a, b in zip(before, after, strict=True) if a != b] == [
        line for line in before if "@nni" in line
    ]
    if sys.version_info >= (3, 13):
        compile(code, "m.py", "exec", dont_inherit=True)


def test_a_call_before_the_encoding_line_is_a_mistake():
    source = b"# @nni.get_next_parameter()\n# coding: latin-1\ns = '\xe9'\n"
    with pytest.raises(Mistakes) as error:
        expand(source, path="m.py", module="m")
    assert [m.code for m in error.value.mistakes] == ["A413"]


@pytest.mark.parametrize("source", [b"# coding: nonsense\n", b"\xff# @nni.x\n", b"# coding: hex\n"])
def test_a_file_that_cannot_be_decoded_is_a_mistake_with_its_place(source):
    with pytest.raises(Mistakes) as error:
        expand(source + b"x = 1  # @nni.choice(1, 2)\n", path="m.py", module="m")
    assert [m.code for m in error.value.mistakes] == ["A101"]
