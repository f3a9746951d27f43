"""Wrong input gets a clear message and exit code 2, and nothing is lost."""

import json

import pytest

GOOD = "lr = 0.1  # @nni.uniform(0, 1)\n# @nni.report_final_result(lr)\n"


@pytest.fixture
def good(folder):
    (folder / "train.py").write_text(GOOD)


def refused(annotate, *words, **more):
    """The message; checks that nothing was stored or printed to standard output."""
    done = annotate(*words, code=2, **more)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_missing_script_is_reported(annotate, good, home):
    errors = refused(annotate, "run", "trian.py", "--max-trials", 3)
    assert errors == "annotate: trian.py does not exist\nhint: did you mean train.py?\n"
    assert not home.exists()


def test_a_folder_instead_of_a_script_is_reported(annotate, folder):
    assert "is a folder" in refused(annotate, "run", ".")
    assert "is not a regular file" in refused(annotate, "run", "/dev/zero")


def test_a_script_without_annotations_is_explained(annotate, folder, home):
    (folder / "plain.py").write_text("x = 1\nprint(x)\n")
    errors = refused(annotate, "run", "plain.py", "--max-trials", 3)
    assert "plain.py has no annotation" in errors
    assert "lr = 0.01  # @nni.loguniform(1e-5, 1e-1)" in errors
    assert "annotate suggest plain.py" in errors
    assert not home.exists()


def test_every_mistake_of_every_file_is_listed_with_its_place(annotate, folder, home):
    (folder / "train.py").write_text("import other\nx = 1  # @nni.unifrom(0, 1)\n")
    (folder / "other.py").write_text("y = 1  # @nni.randint(5, 1)\n")
    errors = refused(annotate, "run", "train.py", "--max-trials", 3)
    assert "train.py:2:" in errors
    assert "other.py:1:" in errors
    assert "    x = 1  # @nni.unifrom(0, 1)\n" in errors
    assert "did you mean" in errors
    assert "2 mistakes" in errors
    assert not home.exists()


def test_every_invalid_option_is_named(annotate, good, home):
    errors = refused(
        annotate,
        *("run", "train.py", "--max-trials", 0, "--concurrency", -1, "--trial-timeout", 0),
    )
    assert "--max-trials must be at least 1, not 0" in errors
    assert "--concurrency must be at least 1, not -1" in errors
    assert "--trial-timeout must be above 0, not 0" in errors
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--tuner", "tpee"], "did you mean"),
        (["--tuner", "tpe", "--tuner-args", "gama=1"], "gamma"),
        (["--max-trials", "ten"], "'ten' is not a whole number"),
        (["--max-duration", "soon"], "'soon' is not a duration (write, for example, 90s"),
        (["--tuner-args", "gamma"], "'gamma' is not name=value"),
        (["--python", "/no/python"], "--python /no/python: interpreter not found"),
        (["--max-trails", "3"], "unrecognized arguments: --max-trails 3"),
        (["--epochs=3"], "put the script's own arguments after --"),
    ],
)
def test_an_option_with_a_wrong_value_is_reported(annotate, good, home, words, text):
    assert text in refused(annotate, "run", "train.py", *words)
    assert not home.exists()


def test_a_script_that_crashes_in_every_trial_is_stopped_after_a_few(annotate, folder):
    (folder / "train.py").write_text("x = 1  # @nni.randint(0, 99)\nraise OSError('no disk')\n")
    done = annotate("run", "train.py", "--max-trials", 50, "--json", code=1)
    document = json.loads(done.stdout)
    assert document["state"] == "ERROR"
    assert document["best"] is None
    assert [t["reason"] for t in document["trials"]] == ["exit code 1: OSError: no disk"] * len(
        document["trials"]
    )
    assert 1 <= len(document["trials"]) <= 3
    assert f'File "{folder / "train.py"}", line 2, in <module>' in done.stderr
    assert "OSError: no disk" in done.stderr
    second = annotate("run", "train.py", "--max-trials", 50, code=1)
    assert "No trial gave a result: the first" in second.stdout


def test_a_script_that_never_reports_is_stopped_and_explained(annotate, folder):
    (folder / "train.py").write_text("x = 1  # @nni.randint(0, 99)\n")
    done = annotate("run", "train.py", "--max-trials", 50, code=1)
    assert "ended without a result: the script reported nothing" in done.stderr
    assert "# @nni.report_final_result(" in done.stderr
    assert len(json.loads(annotate("trial", "ls", "--json").stdout)) == 1


def test_intermediate_results_alone_do_not_count_as_a_result(annotate, folder):
    (folder / "train.py").write_text(
        "x = 1  # @nni.randint(0, 99)\n# @nni.report_intermediate_result(0.75)\n"
        "if x > 100:\n    pass\n    # @nni.report_final_result(x)\n"
    )
    done = annotate("run", "train.py", "--max-trials", 50, "--json", code=1)
    trial = json.loads(done.stdout)["trials"][0]
    assert trial["state"] == "FAILED"
    assert "without a final result, after 1 intermediate results (last: 0.75)" in trial["reason"]


def test_a_result_that_is_not_a_number_is_an_error_in_the_trial(annotate, folder):
    (folder / "train.py").write_text(
        "x = 1  # @nni.randint(0, 99)\n# @nni.report_final_result('0.9')\n"
    )
    done = annotate("run", "train.py", "--max-trials", 5, code=1)
    assert "TypeError: a result must be a number" in done.stderr


def test_an_unwritable_home_is_reported(annotate, good, tmp_path):
    (tmp_path / "file").write_text("")
    errors = refused(annotate, "run", "train.py", ANNOTATE_HOME=str(tmp_path / "file"))
    assert "cannot be created" in errors
    assert "ANNOTATE_HOME" in errors


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["rnu", "train.py"], "there is no command 'rnu'\nhint: did you mean 'annotate run'?"),
        (
            ["trial", "lss"],
            "there is no command 'trial lss'\nhint: did you mean 'annotate trial ls'",
        ),
        (["zzzzzz"], "annotate --help lists them"),
        (["trial", "ls"], "there is no experiment"),
        (["trial", "ls", "../../etc"], "there is no experiment"),
        (["trial", "ls", "--", "x"], "takes no arguments after --"),
    ],
)
def test_a_missing_command_or_argument_is_reported(annotate, words, text):
    assert text in refused(annotate, *words)


def test_an_unknown_id_is_reported(annotate, good):
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    assert "there is no experiment 'zzzzzzzzz'" in refused(annotate, "trial", "ls", "zzzzzzzzz")
    assert "is not an experiment id" in refused(annotate, "trial", "ls", "../x")


def test_modules_of_the_user_with_our_names_do_no_harm(annotate, good, folder):
    for name in ("runtime", "tuners", "numpy", "libcst"):
        (folder / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    (folder / "train.py").write_text("import os\n" + GOOD)
    annotate("run", "train.py", "--max-trials", 2, "--tuner", "random")
