"""The command nnictl, and what its commands say that mean nothing here."""

import os
import subprocess

import pytest

from annotate.errors import AnnotateError
from runtime.cli import nni_only
from runtime.cli.nni_only import INSTEAD


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
    done = annotate("experiment", "save", "-p", ".", code=2)
    assert "annotate has no command 'experiment save': an experiment is one folder" in done.stderr
    assert "did you mean 'annotate experiment show'?" not in done.stderr
