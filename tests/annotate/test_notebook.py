"""Notebooks: code cells as one text, masked magics, and edits in place."""

import json
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.apply import apply
from annotate.edits import Edit
from annotate.errors import Mistakes
from annotate.export import export
from annotate.formats import decode, expand
from annotate.notebook import Notebook

BELOW = PurePosixPath("nb.ipynb")


def notebook(*cells, **options):
    """A notebook with a markdown cell, then code cells with outputs."""
    markdown = {"cell_type": "markdown", "metadata": {}, "source": "lr = 1  # @nni.choice(1)"}
    code = [
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {"source": ["lr = 0.1  # @nni.choice(1, 2)"]},
            "outputs": [{"output_type": "stream", "text": ["x = 1  # @nni.choice(1, 2)\n"]}],
            "source": cell,
        }
        for cell in cells
    ]
    content = {"cells": [markdown, *code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, **{"indent": 1, "ensure_ascii": False, **options}).encode()


def test_a_notebook_without_cells_has_nothing_to_tune():
    data = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    assert expand(data, "nb.ipynb", BELOW).parameters == ()


def sources(data):
    cells = json.loads(data)["cells"][1:]
    return ["".join(cell["source"]) for cell in cells]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1\n"),
        ("!pip install a \\\n  b\nx = 1", "# !pip install a \\\n#   b\nx = 1\n"),
        ("if a:\n    !ls {x}\n", "if a:\n    pass  # !ls {x}\n"),
        ("x?\nhelp", "# x?\nhelp\n"),
        ("?x", "# ?x\n"),
        ("%%time\nx = 1", "# %%time\nx = 1\n"),
        ("%time x = (1,\n  2)", "x = (1,\n  2)\n"),
        ("%timeit -n 10 f(x)", "f(x)\n"),
        ("%%html\n<b>\n  a\n\n</b>", "# %%html\n# <b>\n#   a\n\n# </b>\n"),
        ("s = '''\n%run x\n!ls\n'''", "s = '''\n%run x\n!ls\n'''\n"),
        ("x = (1\n  % 2)\ny = a \\\n  % 3", "x = (1\n  % 2)\ny = a \\\n  % 3\n"),
        ("x != y\nx = a if b else 'c?'", "x != y\nx = a if b else 'c?'\n"),
        ("df['a']?\n%timeit??\n*load*?", "# df['a']?\n# %timeit??\n# *load*?\n"),
        ("pip install a\nls = 1\nls -ls", "# pip install a\nls = 1\nls -ls\n"),
        ("x = %time f(1,\n 2)", "x = f(1,\n 2)\n"),
        ("#@title A\n\n%%time\n%%capture\nx", "#@title A\n\n# %%time\n# %%capture\nx\n"),
        ("%%bash\ncd a\nls", "# %%bash\n# cd a\n# ls\n"),
        ("%%script false\nx", "# %%script false\n# x\n"),
        ("%cd 'a b'", "get_ipython().run_line_magic('cd', \"'a b'\")\n"),
        ("if a:\n  %env A=1", "if a:\n  get_ipython().run_line_magic('env', 'A=1')\n"),
        ("x = %env A", "x = get_ipython().run_line_magic('env', 'A')\n"),
        ("x = !ls \\\n  -l\ny", "x = get_ipython().getoutput('ls    -l')\n#   -l\ny\n"),
        ("x[0] = %sx ls {y}", "x[0] = get_ipython().getoutput('ls {y}')\n"),
        (
            "%%writefile a.py\nx = 1",
            "get_ipython().run_cell_magic('writefile', 'a.py', 'x = 1\\n')\n# x = 1\n",
        ),
    ],
)
def test_only_the_parts_that_are_not_python_are_masked(cell, text):
    data = notebook(cell)
    read = Notebook.decode(data, "nb.ipynb")
    assert read.text == text
    compile(read.text, "nb", "exec")
    assert read.rewritten([]) == data


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("x = 1\n%run other.py", "%run"),
        ("x = %sql SELECT 1", "%sql"),
        ("x = %timeit -o f()", "%timeit"),
        ("%%bash --out x\nls", "%%bash"),
        ("%%capture a b\nx = 1", "%%capture"),
        ("%%capture --no-output\nx = 1", "%%capture"),
        ("%%time\n%%cython\nx = 1", "%%cython"),
        ("%%writefile -a x.py\nx = 1", "%%writefile"),
    ],
)
def test_a_magic_that_affects_the_code_is_a_mistake_with_its_cell_and_line(cell, name):
    with pytest.raises(Mistakes) as raised:
        expand(notebook("x = 1", cell), "nb.ipynb", BELOW)
    (mistake,) = raised.value.mistakes
    assert mistake.code == "N101"
    assert mistake.message.startswith(f"{name} ")
    assert mistake.path == "nb.ipynb:cell 3"
    assert mistake.source_line == cell.split("\n")[mistake.line - 1]


def test_capture_goes_to_the_cells_marker_in_the_snapshot():
    data = notebook("%%capture\nx = 1", "%%capture --no-stderr out\ny = 2", "z = out")
    code = expand(data, "nb.ipynb", BELOW).code.decode().split("\n")
    assert code == [
        *("# %%annotate cell 2 %%capture", "# %%capture", "x = 1"),
        *("# %%annotate cell 3 %%capture --no-stderr out", "# %%capture --no-stderr out", "y = 2"),
        *("# %%annotate cell 4", "z = out", ""),
    ]


@pytest.mark.parametrize(
    ("line", "skips"),
    [
        ("!pip install -q a && python -m pip list", False),
        ("!{sys.executable} -m pip install a", False),
        ("!sudo apt-get install a | tail", False),
        ("!nvidia-smi", False),
        ("!pip install 'a>=1' \"b[c]<2\" --quiet > /dev/null 2>&1  # here & there", False),
        ("!uv pip install \\\n  a", False),
        ("%pip install a", False),
        ("!pip freeze > a.txt", True),
        ("!wget -q a", True),
        ("!ls; unzip a", True),
        ("!python train.py --lr {lr}", True),
        ("%mkdir a", True),
        ("%%bash\n# a comment\nls", False),
        ("%%bash\nls\nmake", True),
    ],
)
def test_a_skipped_command_counts_if_a_later_cell_may_need_it(line, skips):
    read = Notebook.decode(notebook("x = 1", line), "nb.ipynb")
    assert [read.place(skipped.line) for skipped in read.skipped] == (
        [("nb.ipynb:cell 3", 1)] if skips else []
    )


def test_a_mistake_in_a_notebook_names_the_cell_and_line():
    data = notebook("%pip install x", "y = 1\nlr = 0.1  # @nni.unifrom(0, 1)")
    with pytest.raises(Mistakes) as raised:
        expand(data, "nb.ipynb", BELOW)
    shown = raised.value.mistakes[0].display()
    assert shown.startswith("nb.ipynb:cell 3:2:18: A203 there is no directive 'unifrom'\n")


@pytest.mark.parametrize(
    "options", [{}, {"indent": None}, {"ensure_ascii": True}, {"separators": (" ,", "\t:  ")}]
)
@pytest.mark.parametrize("split", [False, True], ids=["one string", "a list of lines"])
def test_apply_changes_only_the_value_whatever_the_files_formatting(options, split):
    cell = "s = 'é\\n\U0001f600\"'\r\nlr = 1e-3  # @nni.uniform(0, 1)\n\ty = (\n 'a',\n)"
    cell = cell.replace("\n\ty", "\ny")
    data = notebook(cell.splitlines(keepends=True) if split else cell, "z = 1", **options)
    done = apply(data, data, {"nb/lr/uniform": 0.25}, path="nb.ipynb", below=BELOW)
    assert not done.misfits
    assert done.after == data.replace(b"1e-3", b"2.5e-1")


def test_a_multi_line_value_becomes_one_line_and_the_json_stays_valid():
    cell = ["x = f(\n", "    1,\n", "    2)  # @nni.choice(3, f(1, 2))\n", "y = 2"]
    done = apply(notebook(cell), notebook(cell), {"nb/x/choice": 3}, path="nb.ipynb", below=BELOW)
    assert sources(done.after) == ["x = 3  # @nni.choice(3, f(1, 2))\ny = 2"]
    assert json.loads(done.after)["cells"][0] == json.loads(notebook(cell))["cells"][0]


def test_apply_and_export_keep_what_trials_replace():
    cell = "x = !ls \\\n  -l\n%env A=1\nlr = %time 0.1  # @nni.uniform(0, 1)\n%cd a\n!ls"
    data = notebook("%%writefile a.py\nlr = 0.1\n", cell, "%%capture a\npip install x")
    values = {"nb/lr/uniform": 0.25}
    done = apply(data, data, values, path="nb.ipynb", below=BELOW)
    assert done.after == data.replace(b"%time 0.1", b"%time 0.25")
    written = export(data, values, path="nb.ipynb", below=BELOW)
    assert written == data.replace(b"%time 0.1  # @nni.uniform(0, 1)", b"%time 0.25")


LINES = st.lists(st.text(st.characters(exclude_categories=[]), max_size=8), max_size=4)


@settings(max_examples=80)
@given(st.lists(LINES.map("\n".join), min_size=1, max_size=3), st.data(), st.booleans())
def test_edits_of_arbitrary_text_are_applied_to_the_cell(cells, data, ascii_only):
    cells = [f"'{cell.encode('unicode_escape').decode()}'\n#{cell!r}" for cell in cells]
    raw = notebook(*cells, ensure_ascii=ascii_only)
    read = Notebook.decode(raw, "nb.ipynb")
    assert read.rewritten([]) == raw
    number = data.draw(st.integers(0, len(cells) - 1))
    first = sum(len(cell) + 1 for cell in cells[:number])
    start, end = sorted(data.draw(st.integers(0, len(cells[number]))) for _ in range(2))
    new = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
    written = read.rewritten([Edit((first + start, first + end), instead=new)])
    expected = list(cells)
    expected[number] = cells[number][:start] + new + cells[number][end:]
    assert sources(written) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "the file is not a notebook"),
        (b'{"lr": 0.1}', "it has no list of cells"),
        (b"[]", "the file is not a notebook"),
        (b"\xff", "the file is not a notebook"),
        (
            b'{"cells": [], "metadata": {"language_info": {"name": "R"}}}',
            "the notebook's language is 'r'",
        ),
    ],
)
def test_a_file_that_is_not_a_python_notebook_is_a_mistake(data, message):
    with pytest.raises(Mistakes) as raised:
        decode(data, "nb.ipynb")
    assert message in raised.value.mistakes[0].message
