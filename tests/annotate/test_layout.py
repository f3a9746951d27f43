"""A comment's column decides which block it belongs to."""

import textwrap

import pytest

from annotate.errors import Mistakes
from annotate.instrument import expand

CALL = '__import__("nni").report_final_result(1)'


def expanded(source):
    return expand(source.encode(), path="m.py", module="m").code.decode()


@pytest.mark.parametrize(
    ("before", "column", "after", "indent"),
    [
        ("for a in b:\n    for c in d:\n        e", 8, "f", "        "),
        ("for a in b:\n    for c in d:\n        e", 4, "f", "    "),
        ("for a in b:\n    for c in d:\n        e", 0, "f", ""),
        ("for a in b:\n    for c in d:\n        e", 6, "f", "    "),
        ("for a in b:\n    for c in d:\n        e", 20, "f", "        "),
        ("for a in b:\n    for c in d:\n        e", 8, None, "        "),
        ("if a:\n    b", 4, "else:\n    c", "    "),
        ("if a:\n    b", 2, "else:\n    c", None),
        ("if a:\n    b", 0, "elif c:\n    d", None),
        ("if a: b", 0, "else: c", None),
        ("if a: b", 0, "c", ""),
        ("if a:", 0, "    b", "    "),
        ("if a:", 8, "    b", "    "),
        ("if a:\n\tb", 8, "c", "\t"),
        ("if a:\n\tb", 4, "c", ""),
        ("def f():\n    a", 0, "    b", "    "),
        ("@a", 0, "def f(): pass", None),
        ("match a:", 4, "    case 1: pass", None),
        ("match a:\n    case 1:\n        b", 8, "    case 2: pass", "        "),
        ("match a:\n    case 1:\n        b", 4, "    case 2: pass", None),
        ("try:\n    a", 4, "except B:\n    c", "    "),
        ("try:\n    a", 0, "finally:\n    c", None),
        ("a = [", 0, "]", None),
        ("a = (\n  1,", 2, "  # c\n  2)", None),
        ("class A:\n    '''doc'''", 4, "    a = 1", "    "),
        ("class A:", 4, "    '''doc'''", None),
        ("if a:", 4, "    '''no doc'''", "    "),
    ],
)
def test_a_report_belongs_to_the_block_of_its_column(before, column, after, indent):
    lines = [before, " " * column + "# @nni.report_final_result(1)", *([after] if after else [])]
    source = "\n".join(lines) + "\n"
    if indent is None:
        with pytest.raises(Mistakes) as error:
            expanded(source)
        assert error.value.mistakes[0].code in ("A410", "A413")
        return
    lines[1] = indent + CALL
    assert expanded(source) == "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "source",
    [
        """
        # @nni.variable(nni.choice(1, 2), name=x)
        # a remark

        # @nni.function_choice(f(1), f(2))
        x = f(1)
        """,
        """
        '''@nni.variable(nni.choice(1, 2), name=x)'''
        '''@nni.function_choice(f(1), f(2))'''
        # a remark
        x = f(1)
        """,
        """
        '''@nni.variable(nni.choice(1, 2), name=x)'''
        # @nni.function_choice(f(1), f(2), name=f)
        '''@nni.report_intermediate_result(1)'''
        x = f(1)
        """,
        """
        def g():
            '''@nni.variable(nni.choice(1, 2), name=x)'''
            x = f(1)  # @nni.function_choice(f(1), f(2))
        """,
    ],
)
def test_several_annotations_may_precede_one_statement(source):
    code = expanded(textwrap.dedent(source))
    assert code.count(".written(") == 2


def test_all_mistakes_of_a_file_are_reported_at_once_in_order():
    source = (
        "x = 1  # @nni.choice()\n# @nni.foo()\n'''@nni.report_final_result()'''\ny = 1  # @nni\n"
    )
    with pytest.raises(Mistakes) as error:
        expanded(source)
    assert [(m.line, m.code) for m in error.value.mistakes] == [
        (1, "A305"), (2, "A203"), (3, "A204"), (4, "A201"),
    ]  # fmt: skip


def test_a_mistake_is_shown_with_its_line_caret_and_hint():
    with pytest.raises(Mistakes) as error:
        expanded("if x:\n\ty = 'é'  # @nni.unifrom(0, 1)\n")
    assert error.value.mistakes[0].display() == (
        "m.py:2:18: A203 there is no directive 'unifrom'\n"
        "    \ty = 'é'  # @nni.unifrom(0, 1)\n"
        "    \t                ^^^^^^^\n"
        "    hint: did you mean 'uniform'?"
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("uniform(0, 1)", "uniform(0.0, 1.0)", True),
        ("choice(1, f(1))", "choice( 1,  f(1) )", True),
        ("choice(1, 2)", "choice(True, 2)", False),
        ("choice(1, 2)", "choice(1.0, 2)", False),
        ("choice(1, 2)", "choice(2, 1)", False),
        ("quniform(0, 4, 1)", "quniform(0, 4, 1.0)", False),
        ("choice(0, nni.uniform(0, 1))", "choice(0, nni.uniform(0, 2))", False),
    ],
)
def test_equal_keys_are_one_parameter_only_if_their_domains_have_the_same_values(
    first, second, same
):
    source = f"x = 1  # @nni.{first}\nx = 2  # @nni.{second}\n".encode()
    if same:
        assert len(expand(source, path="m.py", module="m").parameters) == 1
        return
    with pytest.raises(Mistakes) as error:
        expand(source, path="m.py", module="m")
    assert [(m.line, m.code) for m in error.value.mistakes] == [(2, "A501")]
