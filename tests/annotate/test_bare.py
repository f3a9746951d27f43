"""Annotations as bare lines, without comment sign or quotes: named, and mended by `check --fix`."""

from pathlib import Path, PurePosixPath

import pytest

from annotate import bare
from annotate.check import fixes
from annotate.errors import Mistakes
from annotate.formats import decode, expand
from tests.annotate.test_notebook import notebook, sources

#: The lines that a guide to NNI prints, in a script.
GUIDE = """\
@nni.get_next_parameter()  //从tuner中获取参数
class Model:
    def __init__(self):
        @nni.variable(nni.choice(2,3,5,7),name=self.conv_size)  //变量定义
        self.conv_size = 5
        self.pool_size = 2

    def train(self, h_conv1):
        @nni.function_choice(max_pool(h_conv1, self.pool_size),
            avg_pool(h_conv1, self.pool_size),name=max_pool) // it's a choice
        h = max_pool(h_conv1, self.pool_size)
        for test_acc in range(3):
            h += test_acc
            @nni.report_intermediate_result(test_acc)  //报告中间结果
        @nni.report_final_result(test_acc)  //报告最终结果
"""
MENDED = """\
# @nni.get_next_parameter()  # 从tuner中获取参数
class Model:
    def __init__(self):
        # @nni.variable(nni.choice(2,3,5,7),name=self.conv_size)  # 变量定义
        self.conv_size = 5
        self.pool_size = 2

    def train(self, h_conv1):
        # @nni.function_choice(max_pool(h_conv1, self.pool_size),
        #     avg_pool(h_conv1, self.pool_size),name=max_pool) # it's a choice
        h = max_pool(h_conv1, self.pool_size)
        for test_acc in range(3):
            h += test_acc
            # @nni.report_intermediate_result(test_acc)  # 报告中间结果
        # @nni.report_final_result(test_acc)  # 报告最终结果
"""


def mistakes(text, path="train.py"):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(Mistakes) as caught:
        expand(data, path, PurePosixPath(path))
    return caught.value.mistakes


def mended(text, path="train.py"):
    source = decode(text if isinstance(text, bytes) else text.encode(), path)
    return bare.mended(source, bare.find(source.text))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_guides_lines_are_named_and_mended(newline):
    text = GUIDE.replace("\n", newline)
    named = mistakes(text)
    assert [m.line for m in named] == [1, 4, 9, 14, 15]
    assert {m.code for m in named} == {"A208"}
    assert "write # before it" in named[0].hint
    fixed = mended(text)
    assert fixed.decode() == MENDED.replace("\n", newline)
    expansion = expand(fixed, "train.py", PurePosixPath("train.py"))
    assert [p.name for p in expansion.parameters] == ["self.conv_size", "max_pool"]
    assert len(expansion.reports) == 3


@pytest.mark.parametrize(
    "text",
    [
        "x = '''\n@nni.variable(nni.choice(1, 2), name=x)\n'''\n",
        "x = (a\n@nni.choice(1))\n",
        "x = a \\\n@nni.choice(1)\n",
        "@nni.trace\ndef f(): pass\n",
        "# @nni.get_next_parameter()\nx = 1\n",
        "@nnx.choice(1)\ndef f(): pass\n",
    ],
)
def test_strings_operators_and_other_decorators_are_left_alone(text):
    assert bare.find(text) == []
    assert mended(text).decode() == text


def test_a_bare_annotation_may_be_a_valid_decorator_or_misspelt():
    decorator, final = mistakes("@nni.variable(nni.choice(1), name=x)\ndef f(): pass\n")
    assert (decorator.code, final.code) == ("A208", "A401")
    both = mistakes("x = 1\n@nni.report_final_resutl(x)\n")
    assert [(m.line, m.col, m.code) for m in both] == [(2, 1, "A208"), (2, 6, "A203")]
    assert both[1].source_line == "@nni.report_final_resutl(x)"
    assert both[1].end_col - both[1].col == len("report_final_resutl")


def test_a_remark_may_follow_a_name_without_brackets():
    assert mended("@nni.get_next_parameter //(all)\nx = 1\n").startswith(
        b"# @nni.get_next_parameter # (all)\n"
    )


def test_other_mistakes_of_the_file_are_listed_too():
    text = "@nni.variable(nni.chioce(1), name=x)\nx = 1\ny = 1  # @nni.unifrom(0, 1)\n"
    listed = [(m.line, m.col, m.code) for m in mistakes(text)]
    assert listed == [(1, 1, "A208"), (1, 19, "A301"), (3, 15, "A203")]


def test_a_notebooks_cell_is_mended_in_place():
    data = notebook("@nni.variable(nni.choice(1, 2), name=x)  //x\nx = 1\n")
    (mistake,) = mistakes(data, "nb.ipynb")
    assert (mistake.path, mistake.line, mistake.code) == ("nb.ipynb:cell 2", 1, "A208")
    fixed = mended(data, "nb.ipynb")
    assert sources(fixed) == ["# @nni.variable(nni.choice(1, 2), name=x)  # x\nx = 1\n"]


def test_only_files_with_bare_annotations_are_fixed(tmp_path):
    files = {"a.py": "@nni.get_next_parameter()\nx = 1\n", "b.py": MENDED, "c.py": "x = (\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "d.py").write_bytes(b"\xff@nni.choice(1)\n@nni.get_next_parameter()\n")
    (fix,) = fixes([tmp_path, tmp_path / "a.py"])
    assert (fix.path, fix.count) == (Path(tmp_path / "a.py"), 1)
    assert fix.after == b"# @nni.get_next_parameter()\nx = 1\n"
