"""Commands about Slurm itself: what is there, and what is left there."""

import json
import re
from pathlib import Path

import pytest

from runtime.cli import engines_slurm, main
from runtime.executors.slurm.look import minutes


@pytest.fixture
def check(cluster, project, monkeypatch, capsys):
    """Runs `annotate engines check --slurm`; returns its document."""
    monkeypatch.chdir(project.folder)

    def check(options, *words, code=0):
        assert main(["engines", "check", "--slurm", options, "--json", *words]) == code
        (document,) = json.loads(capsys.readouterr().out)
        return document

    return check


def test_engines_check_says_what_slurm_has_and_what_a_trial_would_see(check, cluster):
    found = check("time=10,gres=gpu:1", "--run-job")
    job = found["job"]
    assert (found["partition"], found["time_limit"], found["gres"]) == (
        "work",
        "1:00:00",
        ["gpu:2"],
    )
    assert sum(found["nodes"].values()) == 2
    assert job["folder"].startswith(str(cluster.home(found["start"]["nodes"])))
    assert (job["visible"], job["shares_folder"]) == ("0", True)
    assert _words(engines_slurm.shown(found)) == _words(_transcript())


def _transcript():
    """What docs/slurm.md says that the command prints."""
    page = (Path(__file__).parents[4] / "docs" / "slurm.md").read_text()
    (block,) = re.findall(r"\$ annotate engines check .*\n((?:.|\n)+?)```", page)
    return block.rstrip()


def _words(text):
    """The text without what differs between clusters."""
    rows = [line.strip().partition("  ") for line in text.splitlines()]
    rows = [row for row in rows if not row[0].startswith("GPU")]
    same = ("nodes", "this folder", "a job", "CUDA devices", "")
    return [(row[0], row[2].strip() if row[0] in same else "") for row in rows]


@pytest.mark.parametrize(
    ("options", "words", "reason", "hint"),
    [
        ("partition=nowhere", (), "there is no partition nowhere", "partitions: work, cheap"),
        ("time=61", (), "a job may take 1:00:00 in partition work", "change --slurm"),
        ("gres=gpu:9", (), "Requested node configuration is not available", "change --slurm"),
        ("time=1", ("--run-job", "--python", "/no/py"), "there is no /no/py", "--python"),
    ],
)
def test_engines_check_says_what_to_mend(check, options, words, reason, hint):
    found = check(options, *words, code=2)
    assert reason in found["reason"]
    assert hint in found["hint"]
    assert "to mend it" in engines_slurm.shown(found)


@pytest.mark.engines
def test_a_slurm_that_does_not_answer_is_named(check, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", "/nowhere/slurm.conf")
    assert "Unable to process configuration file" in check("time=1", code=2)["reason"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30),
        ("30:30", 30.5),
        ("1:30:00", 90),
        ("1-0", 1440),
        ("2-12:30", 3630),
        ("infinite", None),
        ("", None),
    ],
)
def test_time_limits_are_read_as_slurm_reads_them(text, expected):
    assert minutes(text) == expected


def test_platform_clean_ends_jobs_without_a_driver_and_cleans_nodes(
    cluster, project, monkeypatch, capsys
):
    monkeypatch.setenv("ANNOTATE_HOME", str(project.home))
    (project.home / "experiments" / "Forsaken").mkdir(parents=True)
    words = ("--parsable", "--output=/dev/null", "--time=10", "--nodelist=n1", "--wrap=sleep 500")
    jobs = {
        name: cluster.ask("sbatch", f"--job-name=annotate-{name}", *words).strip()
        for name in ("Forsaken", "Stranger")
    }
    left = cluster.home("n2") / ".local/share/annotate/agent/experiments"
    for name in ("Forsaken-1", f"Stranger-{jobs['Stranger']}"):
        (left / name).mkdir(parents=True)
        (left / name / "data").write_bytes(b"." * 2_000_000)
    try:
        assert main(["platform", "clean", "--slurm", "time=1,nodelist=n[1-2]"]) == 0
        out = capsys.readouterr().out
        assert "cancelled 1 job of experiment Forsaken, which has no driver" in out
        assert f"kept. To end them: scancel {jobs['Stranger']}" in out
        assert "n2: removed 1 experiment (Forsaken-1), 2.0 MB in all." in out
        assert "n1: removed" in out
        ours = ",".join(f"annotate-{name}" for name in jobs)
        assert cluster.ask("squeue", "-h", "-n", ours, "-o", "%i").split() == [jobs["Stranger"]]
        assert [path.name for path in left.iterdir()] == [f"Stranger-{jobs['Stranger']}"]
    finally:
        cluster.ask("scancel", *jobs.values(), check=False)
