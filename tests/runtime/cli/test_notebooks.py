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
