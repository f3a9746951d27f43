"""The command nnictl, and what its commands say that mean nothing here."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from runtime.cli import nni_only
from runtime.cli.nni_only import INSTEAD
from runtime.kept import archives

TRAIN = "x = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x)\n"


def run(*words, code=0, **environment):
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def test_annotate_makes_the_command_nnictl_and_removes_it(annotate, folder):
    assert "nnictl now starts annotate" in annotate("nnictl", folder).stdout
    nnictl = folder / "nnictl"
    assert run(nnictl, "--version").stdout.startswith("annotate ")
    annotate("nnictl", folder)  # it is ours already
    annotate("nnictl", folder, "--remove")
    assert not nnictl.exists()
    nnictl.write_text("something else\n")
    for option in ((), ("--remove",)):
        annotate("nnictl", folder, *option, code=2)
    assert nnictl.read_text() == "something else\n"


def test_no_command_is_made_where_nni_is_installed(annotate, folder):
    annotate("nnictl", folder)
    installed = folder / "packages"
    about = installed / "nni-3.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nni\nVersion: 3.0\n")
    done = run(folder / "nnictl", "nnictl", installed, code=2, PYTHONPATH=str(installed))
    assert "NNI 3.0 is installed in this environment, and nnictl is its command" in done.stderr
    assert not (installed / "nnictl").exists()


@pytest.mark.parametrize("name", INSTEAD)
def test_a_command_that_means_nothing_here_says_what_to_do(name):
    why, instead = INSTEAD[name]
    with pytest.raises(AnnotateError, match=f"no command '{name}': {why}") as caught:
        nni_only.check([*name.split(), "show"])
    assert caught.value.hint == instead


def test_that_sentence_is_printed(annotate):
    done = annotate("webui", "nas", code=2)
    assert "annotate has no command 'webui nas': there is no search for network" in done.stderr


def test_a_saved_experiment_is_loaded_and_resumed(annotate, folder, home):
    (folder / "train.py").write_text(
        "x = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x)\n"
    )
    ended = json.loads(annotate("run", "train.py", "--max-trials", "2", "--json").stdout)
    name = ended["experiment"]
    before = {p: p.read_bytes() for p in (home / "experiments" / name).rglob("*.py")}
    annotate("experiment", "save", name)
    saved = folder / f"{name}.tar.gz"
    assert "exists already" in annotate("experiment", "save", name, code=2).stderr
    assert "is here already" in annotate("experiment", "load", "-p", saved, code=2).stderr
    annotate("experiment", "delete", name)
    assert f"Loaded experiment {name}" in annotate("experiment", "load", "-p", saved).stdout
    assert {p: p.read_bytes() for p in before} == before
    resumed = json.loads(annotate("resume", name, "--max-trials", "3", "--json").stdout)
    assert resumed["trials"][:2] == ended["trials"]


def packed(path, *members):
    """An archive of (name, type, target of the link)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return path


def test_an_archive_writes_nothing_outside_its_experiment(folder, home):
    file, link = tarfile.REGTYPE, tarfile.SYMTYPE
    outside = str(folder / "outside")
    Path(outside).mkdir()
    results = ("abc/experiment.db", file, "")
    for members in (
        [],
        [("abc/other", file, "")],
        [results, ("other/file", file, "")],
        [results, ("abc/../../file", file, "")],
        [("../abc/experiment.db", file, "")],
        [results, ("abc/device", tarfile.CHRTYPE, "")],
        [results, ("abc/there", link, outside), ("abc/there/file", file, "")],
    ):
        with pytest.raises((AnnotateError, OSError)):
            archives.load(packed(folder / "a.tar.gz", *members))
        assert list((home / "experiments").iterdir()) == []
        assert list(Path(outside).iterdir()) == []
    (folder / "a.tar.gz").write_text("no archive")
    with pytest.raises(AnnotateError, match="is no saved experiment"):
        archives.load(folder / "a.tar.gz")
