"""One damaged experiment is named and costs only itself, whatever is damaged."""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress

import pytest

from runtime.cli import main
from runtime.kept import lookup
from tests.runtime.server.conftest import new_experiment, serving, trial

BAD = "Bad11111"


def _sql(text):
    def damage(path):
        with closing(sqlite3.connect(path / "experiment.db")) as db, db:
            db.execute(text)

    return damage


def _store(text):
    return lambda path: (path / "experiment.db").write_bytes(text)


def _instead_of_store(make):
    def damage(path):
        (path / "experiment.db").unlink()
        make(path / "experiment.db")

    return damage


def _instead_of_folder(make):
    def damage(path):
        shutil.rmtree(path)
        make(path)

    return damage


def _cut(path):
    os.truncate(path / "experiment.db", 9000)


def _zeros(path):
    size = (path / "experiment.db").stat().st_size
    os.truncate(path / "experiment.db", 8192)
    os.truncate(path / "experiment.db", size)


DAMAGE = {
    "no store": _instead_of_store(lambda path: (path.parent / "driver.log").touch()),
    "an empty store": _store(b""),
    "a truncated store": _cut,
    "a store of zeros": _zeros,
    "another file as the store": _store(b"x" * 9000),
    "a dangling link as the store": _instead_of_store(lambda path: path.symlink_to("/nowhere")),
    "a pipe as the store": _instead_of_store(os.mkfifo),
    "a folder as the store": _instead_of_store(os.mkdir),
    "a dangling link": _instead_of_folder(lambda path: path.symlink_to("/nowhere")),
    "a file": _instead_of_folder(lambda path: path.write_text("x")),
    "no row": _sql("DELETE FROM experiment"),
    "no table": _sql("DROP TABLE experiment"),
    "a newer schema": _sql("PRAGMA user_version = 99"),
    "half a config": _sql("UPDATE experiment SET config = '{'"),
    "a list as config": _sql("UPDATE experiment SET config = '[]'"),
    "an invalid space": _sql("""UPDATE experiment SET space = '{"a": 3}'"""),
    "a time that is none": _sql("UPDATE experiment SET created = 1e300"),
}
#: Damage that only some commands meet.
PARTIAL = {
    "an empty config": _sql("UPDATE experiment SET config = '{}'"),
    "an unknown state": _sql("UPDATE trial SET state = 'OTHER'"),
    "no stage": lambda path: shutil.rmtree(path / "stage"),
    "half a value": _sql("""UPDATE trial SET "values" = '{'"""),
    "a text as time": _sql("UPDATE trial SET created = 'x'"),
    "no table of reports": _sql("DROP TABLE report"),
    "no trials": lambda path: shutil.rmtree(path / "trials"),
    "a pipe as lock": lambda path: os.mkfifo(path / "lock"),
    "a folder as lock": lambda path: (path / "lock").mkdir(),
    "a link as snapshot": lambda path: (path / "snapshot").symlink_to("/nowhere"),
}
ALL_COMMANDS = ("experiment list --all", "top --json", "stop --all", "config show", "trial ls")
COMMANDS = (
    "experiment show ID",
    "experiment status ID --json",
    "experiment export ID --filename -",
    "trial ls ID",
    "trial kill ID -T 0",
    "log trial ID",
    "apply ID",
    "export ID",
    "diff ID",
    "stop ID",
    "update trialnum ID --value 9",
    "experiment import ID --filename results.json",
    "resume ID --foreground --max-trials 9",
)
_OF_TRIALS = ("experiment export", "log trial")
PLACES = (
    *(f"/api/v1/experiments/ID{rest}" for rest in ("", "/trials", "/trials/0", "/values")),
    *(f"/api/v1/experiments/ID{rest}" for rest in ("/progress", "/results.csv", "/source")),
    "/api/v1/experiments/ID/curves?trial=0",
    *(f"/api/v1/nni/{name}?experiment=ID" for name in ("experiment", "trial-jobs")),
    *(f"/api/v1/nni/{name}?experiment=ID" for name in ("metric-data/0", "job-statistics")),
)


@pytest.fixture
def home_with(home, folder):
    """A home with an older good experiment, and a newer one with this damage."""
    (folder / "results.json").write_text("[]")

    def make(damage):
        new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
        bad = new_experiment(home, BAD, [(trial(0), [0.1], 0.5)])
        os.utime(home / "experiments" / "Good1111" / "stage", (1, 1))
        damage(bad.path)
        return bad

    return make


def run(capsys, command):
    code = main(command.replace("ID", BAD).split())
    done = capsys.readouterr()
    return code, done.out, done.err


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_experiment_is_named_and_the_others_go_on(home_with, capsys, damage):
    bad = home_with(DAMAGE[damage])
    assert sorted(folder.id for folder in lookup.folders()) == [BAD, "Good1111"]
    for command in ALL_COMMANDS:
        code, out, err = run(capsys, command)
        assert code == 0, (command, err)
        assert "Good1111" in out + err or command in ("top --json", "stop --all", "config show")
    code, out, err = run(capsys, "experiment list --all --json")
    assert [row["id"] for row in json.loads(out)] == ["Good1111"]
    assert BAD in err
    assert run(capsys, "resume ID --background")[0] == 2
    for command in COMMANDS:
        code, _, err = run(capsys, command)
        # A whole table of trials can still be exported.
        assert code == 2 or command.startswith(_OF_TRIALS), command
        assert code == 0 or (err.startswith("annotate: ") and BAD in err), (command, err)
    assert main(["experiment", "delete", BAD, "--yes"]) == 0
    assert not os.path.lexists(bad.path)
    assert main(["trial", "ls", "Good1111"]) == 0


@pytest.mark.parametrize("damage", PARTIAL)
def test_damage_of_a_part_is_met_by_no_traceback(home_with, capsys, damage):
    home_with(PARTIAL[damage])
    for command in ALL_COMMANDS:
        assert run(capsys, command)[0] in (0, 2), command
    for command in COMMANDS[:-1]:
        assert run(capsys, command)[0] in (0, 2), command


def test_the_pages_answer_about_every_other_experiment(home):
    new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
    damages = {**DAMAGE, **PARTIAL}
    for number, damage in enumerate(damages.values()):
        damage(new_experiment(home, f"Bad{number}", [(trial(0), [0.1], 0.5)]).path)
    with serving(home) as site:
        listed = {row["id"]: row for row in site.json("/api/v1/experiments")}
        assert "error" not in listed.pop("Good1111")
        assert list(map(int, sorted((name[3:] for name in listed), key=int))) == [*range(27)]
        for number, damage in enumerate(damages):
            assert "error" in listed[f"Bad{number}"] or damage in PARTIAL, damage
            for place in PLACES if damage in PARTIAL else PLACES[:1]:
                status = site.ask(place.replace("ID", f"Bad{number}"))[0]
                assert status in (200, 409), (damage, place)
        for place in PLACES:
            site.json(place.replace("ID", "Good1111")) if "csv" not in place else None


def test_platform_clean_keeps_an_experiment_whose_store_is_gone(home_with, capsys):
    bad = home_with(DAMAGE["no store"])
    os.utime(bad.path, (1, 1))
    (bad.path.parent / "Half2222").mkdir()
    os.utime(bad.path.parent / "Half2222", (1, 1))
    assert run(capsys, "platform clean")[:2] == (0, "Removed 1 folder.\n")
    assert bad.path.is_dir()


def test_a_read_only_experiment_can_be_listed_and_shown(home, capsys):
    new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
    mount = ["mount", "--bind", "-o", "ro", home, home]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        for command in ("experiment list --all", "experiment show", "trial ls", "config show"):
            assert run(capsys, command)[0] == 0
        for command in ("stop", "experiment delete Good1111", "resume --max-trials 9", "view"):
            code, _, err = run(capsys, command)
            assert code == 2, command
            assert "annotate: " in err
        assert main(["experiment", "import", "Good1111", "--filename", "/dev/zero"]) == 2
    finally:
        subprocess.run(["umount", home], check=True)


def test_an_experiment_on_a_full_disk_can_be_shown(home, capsys):
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", home]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
        with suppress(OSError), (home / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)
        for command in ("experiment list --all", "experiment show", "trial ls"):
            code, out, err = run(capsys, command)
            assert (code, "Good1111" in out + err) == (0, True), (command, err)
        (home.parent / "results.json").write_text("[]")
        results = home.parent / "results.json"
        assert main(["experiment", "import", "Good1111", "--filename", str(results)]) == 2
        assert "cannot be written: the disk is full" in capsys.readouterr().err
    finally:
        subprocess.run(["umount", home], check=True)
