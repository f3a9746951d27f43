"""`check`, `show` and `expand` from the command line; only `check --fix` writes a user's file."""

import json
import subprocess
import sys

from annotate.project import expand_file

BAD = "x = 1  # @nni.choice(1, , 2)\nlr = 1  # @nni.unifrom(0, 1)\n"
GOOD = "lr = 0.1  # @nni.loguniform(1e-5, 1)\n# @nni.report_final_result(lr)\n"


def test_check_lists_all_mistakes_and_exits_with_2(annotate, folder, unchanged):
    (folder / "bad.py").write_text(BAD)
    (folder / "good.py").write_text(GOOD)
    unchanged()
    done = annotate("check", ".", code=2)
    assert done.stdout.splitlines()[0].startswith("bad.py:1:25: A201 ")
    assert "bad.py:2:16: A203 there is no directive 'unifrom'" in done.stdout
    assert "hint: did you mean 'uniform'?" in done.stdout
    assert "2 files checked, 2 annotated, 1 parameter: 2 mistakes" in done.stderr
    assert annotate("check", "good.py").stdout == ""


def test_check_as_json_is_one_document(annotate, folder):
    (folder / "bad.py").write_text(BAD)
    document = json.loads(annotate("check", "bad.py", "--format", "json", code=2).stdout)
    assert [m["code"] for m in document["mistakes"]] == ["A201", "A203"]
    assert document["mistakes"][1]["source_line"] == BAD.splitlines()[1]


def test_check_for_github_prints_one_command_per_mistake(annotate, folder):
    (folder / "bad.py").write_text(BAD)
    lines = annotate("check", "bad.py", "--format", "github", code=2).stdout.splitlines()
    assert lines[1].startswith("::error file=bad.py,line=2,col=16,endColumn=23,title=A203::there")


def test_check_fixes_bare_annotations_and_run_names_them(annotate, folder):
    script = folder / "train.py"
    script.write_text(
        "@nni.variable(nni.choice(1, 2), name=x)\nx = 1\n@nni.report_final_resutl(x)\n"
    )
    assert "train.py:1:1: A208 " in annotate("run", "train.py", code=2).stderr
    done = annotate("check", "--fix", ".", code=2)
    assert "annotate: train.py: put 2 annotations in comments\n" in done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[:1]] == ["A203"]
    fixed = "# @nni.variable(nni.choice(1, 2), name=x)\nx = 1\n# @nni.report_final_resutl(x)\n"
    assert script.read_text() == fixed
    script.write_text(fixed.replace("resutl", "result"))
    assert "no mistakes" in annotate("check", "--fix", "train.py").stderr


def test_check_suggests_a_similar_name_for_a_missing_path(annotate, folder):
    (folder / "train.py").write_text(GOOD)
    assert "did you mean train.py?" in annotate("check", "trian.py", code=2).stderr


def test_check_reads_a_file_once_even_if_named_twice(annotate, folder):
    (folder / "a.py").write_text(GOOD)
    assert "1 file checked" in annotate("check", "a.py", ".", "./a.py").stderr


def test_show_prints_a_table_or_nnis_search_space(annotate, folder, unchanged):
    (folder / "train.py").write_text(GOOD)
    (folder / "other.py").write_text("k = 2  # @nni.choice(1, 2)\n")
    unchanged()
    done = annotate("show", "train.py")
    assert "loguniform(1e-05, 1)" in done.stdout
    assert "train.py:1" in done.stdout
    assert "other.py has annotations, but train.py does not import it: ignored" in done.stderr
    document = json.loads(annotate("show", "train.py", "--json").stdout)
    assert document == {"train/lr/loguniform": {"_type": "loguniform", "_value": [1e-05, 1]}}
    assert len(json.loads(annotate("show", ".", "--json").stdout)) == 2


def test_expand_prints_the_bytes_that_trials_run(annotate, folder, unchanged):
    source = b"# coding: latin-1\r\ns = '\xe9'  # @nni.choice('\xe9', 1)\r\n\x0c\r\nx = 1"
    (folder / "train.py").write_bytes(source)
    unchanged()
    command = [sys.executable, "-m", "annotate", "expand", "train.py"]
    code = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    assert code == expand_file(folder / "train.py", folder).code
    assert b"given" in code
    command.append("--diff")
    diff = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    assert diff.startswith(b"--- train.py (written)\n+++ train.py (expanded)\n@@ -1,4 +1,4 @@\n")
    assert b"\n-s = '\xe9'" in diff
    assert diff.endswith(b"x = 1\n\\ No newline at end of file\n")


def test_expand_shows_mistakes_with_their_places(annotate, folder):
    (folder / "bad.py").write_text(BAD)
    assert "bad.py:1:25: A201" in annotate("expand", "bad.py", code=2).stderr
