"""Notebooks with all commands, and in trials of every Python without Jupyter."""

import json
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "notebooks.md").read_text()
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def notebook(folder):
    path = folder / "train.ipynb"
    path.write_text(BLOCKS["before"])
    return path


def test_cells_run_in_order_and_tracebacks_name_the_cell(run_script):
    frozen = (
        "# %%annotate cell 2\nfrom __future__ import annotations\nx = [1]\n"
        "# %%annotate cell 5\ndef f(a: nothing):\n    display(a)\n    return 1 / 0\n"
        "f(x)\n# %%annotate cell 6\nprint('never')\n"
    )
    done = run_script({"nb.ipynb": "{}"}, {"nb.ipynb": frozen}, ("nb.ipynb",), code=1)
    assert done.stdout == "[1]\n"
    assert 'nb.ipynb, cell 5", line 4, in <module>\n    f(x)\n' in done.stderr
    assert 'nb.ipynb, cell 5", line 3, in f\n    return 1 / 0\n' in done.stderr
    assert "annotate_" not in done.stderr


def test_awaiting_cells_share_one_event_loop(run_script):
    frozen = (
        "# %%annotate cell 1\nimport asyncio\nx = await asyncio.sleep(0, 1)\n"
        "loop = asyncio.get_running_loop()\n"
        "# %%annotate cell 2\nprint(x, loop is asyncio.get_running_loop())\n"
        "await asyncio.sleep(0)\nprint(1)\nawait nothing()\n"
    )
    done = run_script({"nb.ipynb": "{}"}, {"nb.ipynb": frozen}, ("nb.ipynb",), code=1)
    assert done.stdout == "1 True\n1\n"
    assert 'nb.ipynb, cell 2", line 4, in <module>\n    await nothing()\n' in done.stderr


CELLS = """\
# %%annotate cell 1 %%capture --no-stderr out
import sys
print("in out")
print("in stderr", file=sys.stderr)
display("shown")
7
# %%annotate cell 2
print(repr(out.stdout), out.stderr == "", out.outputs, str(out) == out.stdout, _, Out[1], In[1][:6])
out.show()
# %%annotate cell 3
from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, clear_output, display
from IPython.utils.io import capture_output
shell = get_ipython()
InteractiveShell.ast_node_interactivity = "all"
clear_output(wait=True)
with capture_output() as inner:
    display(HTML("<b>"), display_id="a").update(1)
print(inner.outputs, "google.colab" in str(shell), shell.config, type(shell).__name__)
# %%annotate cell 4
def listed(name):
    return get_ipython().getoutput("echo {name.upper()} $name '$HOME'; echo b")
get_ipython().run_line_magic("env", "A={1 + 1}")
get_ipython().run_line_magic("matplotlib", "inline")
get_ipython().magic("cd -q ..")
get_ipython().magic("time timed = 2")
get_ipython().run_cell_magic("timeit", "-n 3", "import math\\ntimed += 1")
print(timed + get_ipython().run_line_magic("timeit", "-n 10 -r 2 timed * 2"))
get_ipython().run_line_magic("cd", "-")
get_ipython().run_cell_magic("writefile", "'helper one.py'", "x = 1\\n")
import os
print(listed("a"), listed("a").s, os.environ["A"], os.environ["MPLBACKEND"], await asyncio_sleep())
# %%annotate cell 5
for ask in (
    lambda: shell.run_line_magic("sql", "SELECT 1"),
    lambda: shell.run_cell_magic("cython", "", ""),
    lambda: shell.kernel,
    lambda: HTML.of_nothing,
    lambda: __import__("IPython.display").display.of_nothing,
):
    try:
        ask()
    except Exception as error:
        print(type(error).__name__, error)
shell.system("make")
# %%annotate cell 6 %%capture
print("shown, because the cell fails")
import google.colab
"""


def test_cells_find_what_jupyter_gives_them_or_its_name(run_script, folder):
    frozen = CELLS.replace("await asyncio_sleep()", "await __import__('asyncio').sleep(0, 5)")
    done = run_script({"nb.ipynb": "{}"}, {"nb.ipynb": frozen}, ("nb.ipynb",), code=1)
    *lines, last = done.stdout.splitlines()
    assert lines[:3] == ["'in out\\n' True ['shown', 7] True 7 7 import", "in out", "'shown'"]
    assert lines[3:9] == [
        "7",
        "[<IPython.core.display.HTML object>, 1] False {} InteractiveShell",
        "env: A=2",
        "9",
        str(folder),
        "['A a $HOME', 'b'] A a $HOME b 2 agg 5",
    ]
    assert (folder / "helper one.py").read_text() == "x = 1\n"
    assert lines[9:12] == [
        "NeedsJupyter %sql needs Jupyter, which trials do not use",
        "NeedsJupyter %%cython needs Jupyter, which trials do not use",
        "AttributeError get_ipython().kernel needs Jupyter, which trials do not use",
    ]
    assert lines[12] == "AttributeError type object 'HTML' has no attribute 'of_nothing'"
    assert lines[13].startswith("AttributeError IPython.display.of_nothing is not available, bec")
    assert last == "shown, because the cell fails"
    assert done.stderr.startswith("in stderr\nannotate: trials skip !make\nTraceback")
    assert "(only Colab has google.colab; catch ImportError where you import it)" in done.stderr


COLAB = {
    "google/colab/__init__.py": "",
    "google/colab/_message.py": "def blocking_request(*words): raise SystemExit('asked')\n",
    "google/colab/drive.py": "def mount(mountpoint): raise SystemExit('mounted')\n",
    "google/colab/files.py": "from google.colab import _message\n"
    "def upload(): return _message.blocking_request('upload')\n",
    "IPython/__init__.py": "def get_ipython(): pass\n",
    "library.py": "from IPython import get_ipython\nshell = get_ipython()\n",
    "tqdm/__init__.py": "from . import std\n",
    "tqdm/std.py": "tqdm = trange = 'text'\n",
    "tqdm/notebook.py": "tqdm = trange = 'widget'\n",
    "drive/My Drive/data.csv": "1",
}
ON_COLAB = [
    ["try:\n", "  import google.colab\n", "except: pass\n", "else:\n", "  print('here')\n"],
    ["from google.colab import drive, files\n", "drive.mount('drive')\n"],
    ["print('google.colab' in str(get_ipython()), type(get_ipython()).__name__)\n"],
    [
        "from IPython import get_ipython\n",
        "import library\n",
        "print(library.shell, get_ipython())",
    ],
    ["from tqdm.notebook import tqdm, trange\n", "print(tqdm, trange)"],
    [
        *("!wget data\n", "!unzip data\n", "for ask in lambda: drive.mount('no'), files.upload:\n"),
        *("  try: ask()\n", "  except Exception as error: print(error)\n"),
    ],
]


def test_colabs_own_modules_work_as_far_as_they_need_no_page(folder, annotate, monkeypatch):
    for name, text in COLAB.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    cells = [{"cell_type": "code", "source": source} for source in ON_COLAB]
    (folder / "nb.ipynb").write_text(json.dumps({"cells": cells}))
    monkeypatch.setenv("COLAB_RELEASE_TAG", "1")
    done = annotate("try", "nb.ipynb")
    assert re.sub(" at 0x[0-9a-f]+", "", done.stdout).splitlines()[:7] == [
        "here",
        "Drive already mounted at drive",
        "True Shell",
        "None <google.colab._shell.Shell object>",
        "text text",
        "drive.mount('no') needs Jupyter, which trials do not use",
        "Colab's request 'upload' needs Jupyter, which trials do not use",
    ]
    first = "annotate: nb.ipynb:cell 6:1: trials skip !wget data and 1 other shell command\n"
    assert done.stderr.startswith(first)


def test_the_page_shows_what_the_commands_do(notebook, annotate):
    annotate("check", "train.ipynb")
    command = re.search(r"annotate (run train.ipynb .*)", PAGE)[1]
    result = json.loads(annotate(*command.split(), "--json").stdout)
    assert {trial["state"] for trial in result["trials"]} == {"SUCCEEDED"}
    assert annotate("apply", "train.ipynb").stdout == BLOCKS["diff"]
    before = json.loads(notebook.read_text())
    annotate("apply", "train.ipynb", "--write")
    after = json.loads(notebook.read_text())
    for old, new in zip(before["cells"], after["cells"], strict=True):
        assert {**old, "source": ""} == {**new, "source": ""}
        assert (old["source"] == new["source"]) == ("lr = " not in "".join(old["source"]))
    assert "train.ipynb:cell 2:3" in annotate("show", "train.ipynb").stdout


def test_try_takes_values_and_suggest_writes_into_cells(notebook, annotate, folder):
    done = annotate("try", "train.ipynb", "lr=0.5")
    assert "rate 0.5" in done.stdout
    plain = BLOCKS["before"].replace("  # @nni.loguniform(1e-4, 1)", "")
    notebook.write_text(plain)
    (proposal,) = json.loads(annotate("suggest", "train.ipynb", "--json").stdout)["proposals"]
    assert (proposal["cell"], proposal["line"]) == (2, 3)
    shown = annotate("suggest", "train.ipynb", "--write").stdout
    assert shown.startswith("train.ipynb:cell 2:3 lr: a learning rate")
    assert '"lr = 1e-2  # @nni.loguniform(1e-4, 1.0)\\n"' in notebook.read_text()
    assert json.loads(annotate("suggest", "train.ipynb", "--json").stdout)["proposals"] == []


def test_an_export_is_a_notebook_with_the_values_and_no_annotation(notebook, annotate, folder):
    annotate("run", "train.ipynb", "--max-trials", "2", "--tuner", "random", "--seed", "1")
    annotate("export", "--trial", "1", "--output", "best.ipynb")
    text = (folder / "best.ipynb").read_text()
    assert "@nni" not in text.replace("@nni in words", "")
    (folder / "train.ipynb").unlink()
    assert "rate 0.01" not in annotate("try", "best.ipynb").stdout
