"""Trials that misbehave are contained and named, and the experiment goes on."""

import json
import textwrap

import pytest

SCRIPT = """\
import os, sys
x = 0  # @nni.randint(0, 3)
where = os.environ["NNI_SYS_DIR"]
if x == 1:
{misdeed}
# @nni.report_final_result(x)
"""


@pytest.fixture(params=[[], ["--fresh-process"]], ids=["fork", "process"])
def three(request, annotate, folder):
    """Run three trials, of which the one with x = 1 does something; returns it and the others."""

    def run(misdeed, *words):
        script = SCRIPT.format(misdeed=textwrap.indent(textwrap.dedent(misdeed), "    "))
        (folder / "train.py").write_text(script)
        how = ["--tuner", "grid", "--max-trials", 3, "--json", *words, *request.param]
        done = annotate("run", "train.py", *how)
        trials = json.loads(done.stdout)["trials"]
        (bad,) = [t for t in trials if t["values"].get("train/x/randint") == 1]
        others = [t for t in trials if t is not bad]
        assert [(t["state"], t["metric"]) for t in others] == [("SUCCEEDED", 0), ("SUCCEEDED", 2)]
        return bad, done.stderr

    return run


def test_one_that_closes_its_descriptors(three):
    bad, _ = three("os.closerange(0, 256)")
    assert bad["state"] in ("SUCCEEDED", "FAILED")


def test_one_that_breaks_its_metrics_file(three):
    bad, _ = three("""
        with open(os.path.join(where, "metrics.jsonl"), "wb") as file:
            file.write(b'{"type": "final", "value": 7, "time": NaN}\\n[1]\\nnull\\n\\xff')
            file.write(b'\\n{"type": "intermediate", "value": 1, "time": "x"}\\n' + b"[" * 99999)
            file.write(b'\\n{"type": 1}\\n' + b"junk\\n" * 999)
    """)
    assert (bad["state"], bad["metric"], bad["intermediate"]) == ("SUCCEEDED", 1, [])


def test_one_that_puts_a_pipe_in_place_of_its_metrics_file(three):
    bad, _ = three("""
        path = os.path.join(where, "metrics.jsonl")
        if os.path.exists(path):
            os.remove(path)
        os.mkfifo(path)
        os._exit(0)
    """)
    assert bad["state"] == "FAILED"
    assert "without a result" in bad["reason"]


def test_one_that_leaves_its_folder_and_deletes_it(three):
    bad, _ = three("import shutil; os.chdir(where); shutil.rmtree(where)")
    assert bad["state"] == "FAILED"
    assert bad["reason"]


def test_one_that_will_not_be_ended(three):
    bad, _ = three(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)",
        "--trial-timeout",
        "2s",
    )
    assert bad["state"] == "FAILED"
    assert bad["reason"] == "ran longer than --trial-timeout 2s"


def test_one_that_replaces_itself(three):
    bad, _ = three("""
        line = '{"type": "final", "value": 5, "time": 1}'
        path = os.path.join(where, "metrics.jsonl")
        os.execv("/bin/sh", ["sh", "-c", 'echo "$0" >> "$1"', line, path])
    """)
    assert (bad["state"], bad["metric"]) == ("SUCCEEDED", 5)


def test_one_that_clears_its_environment(three):
    bad, _ = three("os.environ.clear()")
    assert bad["state"] == "FAILED"
    assert "without a result" in bad["reason"]
