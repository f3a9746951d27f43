"""Annotated data files: trials read their copies, and commands handle them like scripts."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "files.md").read_text()
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
ORIGINAL = "x: 1  # @nni.randint(0, 9)\n"


@pytest.fixture
def project(folder):
    (folder / "conf").mkdir()
    (folder / "conf" / "train.yaml").write_text(BLOCKS["before"])
    (folder / "train.py").write_text(BLOCKS["script"])
    return folder


def test_the_page_shows_what_the_commands_do(project, annotate):
    annotate("check", ".")
    command = re.search(r"annotate (run train.py .*)", PAGE)[1]
    result = json.loads(annotate(*command.split(), "--json").stdout)
    assert {trial["state"] for trial in result["trials"]} == {"SUCCEEDED"}
    assert (project / "conf" / "train.yaml").read_text() == BLOCKS["before"]
    assert annotate("apply", "train.py").stdout == BLOCKS["diff"]
    space = annotate("show", "train.py", "--json").stdout
    annotate("apply", "train.py", "--write")
    assert (project / "conf" / "train.yaml").read_text() == BLOCKS["after"]
    assert annotate("show", "train.py", "--json").stdout == space
    first = result["trials"][0]["values"]
    assert first["conf.train.yaml/optimizer.lr/loguniform"] == 1e-3
    annotate("apply", "train.py", "--trial", "0", "--write")
    assert (project / "conf" / "train.yaml").read_text() == BLOCKS["before"]


@pytest.fixture
def copies(staged):
    """Has trials of the staged folder read `changed` instead of conf/x.yaml."""

    def make(changed="x: 7\n", written=()):
        snapshot = staged.experiment.snapshot
        snapshot.mkdir(parents=True, exist_ok=True)
        (staged.folder / "conf").mkdir()
        (staged.folder / "conf" / "x.yaml").write_text(ORIGINAL)
        (snapshot / "source" / "conf").mkdir(parents=True)
        (snapshot / "source" / "conf" / "x.yaml").write_text(changed)
        (snapshot / "data.json").write_text('["conf/x.yaml"]')

    return make


READS = """\
import codecs, io, mmap, os, pathlib, sys
from pathlib import Path
here = os.path.dirname(os.path.abspath(__file__))
whole = os.path.join(here, "conf", "x.yaml")
os.symlink(whole, "link.yaml")
folder = os.open("conf", os.O_RDONLY)

class Holder:
    method = open
    low = os.open

def low(path, **more):
    return os.fdopen(os.open(path, os.O_RDONLY, **more)).read()

with open(whole) as file, open(whole, "rb") as raw:
    assert file.name == whole
    mapped = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ)[:].decode()
read = {
    "open": open("conf/x.yaml").read(),
    "keywords": open(file="./conf/../conf/x.yaml", mode="r", encoding="utf-8").read(),
    "bytes": open(b"conf/x.yaml", "rb").read().decode(),
    "positions": open(whole, "r", -1, "utf-8", None, None, True, None).read(),
    "io": io.open(Path("conf/x.yaml")).read(),
    "path": Path(whole).read_text(),
    "path.open": Path("conf/x.yaml").open().read(),
    "codecs": codecs.open("conf/x.yaml", encoding="utf-8").read(),
    "os": low("conf/x.yaml"),
    "dir_fd": low("x.yaml", dir_fd=folder),
    "link": open("link.yaml").read(),
    "held": Holder().method("conf/x.yaml").read(),
    "held low": os.fdopen(Holder().low("conf/x.yaml", os.O_RDONLY)).read(),
    "mmap": mapped,
}
os.chdir("conf")
read["relative"] = open("x.yaml").read()
print({name: text for name, text in read.items() if text != "x: 7\\n"})
print(repr(open), open.__name__, isinstance(open(0, closefd=False).fileno(), int))
"""


def test_every_way_to_open_the_file_in_python_reads_the_copy(run_script, copies, folder):
    copies()
    done = run_script({"train.py": READS}, {})
    plain = "<built-in function open> open True\n"
    assert done.stdout.replace("<built-in function io.open>", "") == "{}\n" + plain
    assert (folder / "conf" / "x.yaml").read_text() == ORIGINAL


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_child_processes_of_a_trial_read_the_copy(run_script, copies, method):
    copies()
    script = f"""\
    import multiprocessing, subprocess, sys

    def work(n):
        return open("conf/x.yaml").read()

    if __name__ == "__main__":
        with multiprocessing.get_context("{method}").Pool(1) as pool:
            print(pool.map(work, [1]))
        code = "print(open('conf/x.yaml').read(), end='')"
        subprocess.run(["sh", "-c", '"$0" -c "$1"', sys.executable, code], check=True)
        subprocess.run([sys.executable, "child.py"], check=True)
    """
    child = "print(open('conf/x.yaml').read(), end='')\n"
    done = run_script({"train.py": script, "child.py": child}, {})
    assert done.stdout == "['x: 7\\n']\nx: 7\nx: 7\n"


def test_writes_go_to_the_original_which_is_read_from_then_on(run_script, copies, folder):
    copies()
    script = """\
    open("conf/x.yaml", "a").close()
    print(open("conf/x.yaml").read(), end="")
    with open("conf/x.yaml", "w") as file:
        file.write("mine")
    print(open("conf/x.yaml").read())
    """
    done = run_script({"train.py": script}, {})
    assert done.stdout == f"{ORIGINAL}mine\n"
    assert (folder / "conf" / "x.yaml").read_text() == "mine"


def test_editing_or_deleting_the_file_does_not_affect_the_copy(run_script, copies, folder):
    copies()
    script = "print(open('conf/x.yaml').read(), end='')\n"
    (folder / "conf" / "x.yaml").rename(folder / "conf" / "y.yaml")
    done = run_script({"train.py": script}, {})
    assert done.stdout == "x: 7\n"


def test_other_files_are_opened_as_usual(run_script, copies, folder):
    copies()
    script = """\
    import os
    open("conf/other.yaml", "w").write("other")
    print(open("conf/other.yaml").read(), os.path.getsize("conf/x.yaml"))
    for path, mode in (("no.yaml", "r"), ("no.txt", "r"), ("conf/x.yaml", "no mode"), (1.5, "r")):
        try:
            open(path, mode)
        except (OSError, ValueError, TypeError) as error:
            print(type(error).__name__, end=" ")
    """
    done = run_script({"train.py": script}, {})
    errors = "FileNotFoundError FileNotFoundError ValueError TypeError "
    assert done.stdout == f"other {len(ORIGINAL)}\n{errors}"


def test_opening_a_missing_file_has_the_traceback_of_a_plain_run(run_script, copies):
    copies()
    done = run_script({"train.py": "import os\nopen('conf/no.yaml')\n"}, {}, code=1)
    assert "No such file or directory: 'conf/no.yaml'" in done.stderr
    assert "annotate_data" not in done.stderr


def test_pkgutil_reads_the_copy(run_script, copies, folder):
    copies()
    files = {"train.py": "import pkgutil\nprint(pkgutil.get_data('conf', 'x.yaml'))\n"}
    done = run_script({**files, "conf/__init__.py": ""}, {})
    assert done.stdout == "b'x: 7\\n'\n"


READER = """\
import json, sys
from pathlib import Path
import json5, omegaconf, ruamel.yaml, tomlkit, yaml
loaders = {
    "c.toml": [lambda p: tomlkit.parse(p.read_text()).unwrap()],
    "c.json": [lambda p: json5.loads(p.read_text())],
    "c.yaml": [
        lambda p: yaml.safe_load(p.open()),
        lambda p: yaml.load(p.open(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
        lambda p: ruamel.yaml.YAML(typ="safe").load(p),
        lambda p: omegaconf.OmegaConf.to_container(omegaconf.OmegaConf.load(p)),
    ],
}
print(json.dumps([load(Path(name)) for name, several in loaders.items() for load in several]))
# @nni.report_final_result(1)
"""


def test_every_library_reads_the_trials_values(folder, annotate):
    (folder / "train.py").write_text(READER)
    (folder / "c.yaml").write_text(
        "base: &base\n  lr: 1e-3  # @nni.loguniform(1e-5, 1)\n"
        "use:\n  <<: *base\n  flag: yes  # @nni.choice(true, false)\n"
    )
    (folder / "c.toml").write_text("[a]\nlr = 1e-3  # @nni.loguniform(1e-5, 1)\n")
    (folder / "c.json").write_text('{\n  "a": {"lr": 1e-3}, // @nni.loguniform(1e-5, 1)\n}\n')
    values = ["base.lr=0.002", "flag=false", "c.toml/a.lr=0.003", "c.json/a.lr=4e-4"]
    done = annotate("try", "train.py", *values)
    of_yaml = {"base": {"lr": 0.002}, "use": {"lr": 0.002, "flag": False}}
    toml, of_json = {"a": {"lr": 0.003}}, {"a": {"lr": 0.0004}}
    assert json.loads(done.stdout) == [toml, of_json, *[of_yaml] * 4]


def test_mistakes_in_data_files_stop_the_run_and_are_shown_with_a_caret(project, annotate):
    path = project / "conf" / "train.yaml"
    path.write_text(BLOCKS["before"].replace("(1e-5, 1)", "(0, 1)"))
    for words in (["check", "."], ["run", "train.py"], ["check", "conf/train.yaml"]):
        done = annotate(*words, code=2)
        errors = done.stdout + done.stderr
        assert "conf/train.yaml:3:38: A303" in errors
        assert re.search(r"^ +lr: 1e-3 .*\n {41}\^$", errors, re.MULTILINE)


def test_annotations_without_effect_are_reported(project, annotate, tmp_path):
    annotated = "x: 1  # @nni.randint(0, 9)\n"
    (project / "left.yaml").write_text(annotated)
    (tmp_path / "far.yaml").write_text(annotated)
    (project / "unread.yaml").write_text(annotated)
    script = BLOCKS["script"].replace("conf/train.yaml", "conf/train.yaml", 1)
    script += "import sys\nopen(sys.argv[1])\nopen('left.' + 'yaml')\nname = 'unread.yaml'\n"
    script = script.replace("import sys", "import sys  # left", 1)
    (project / "train.py").write_text(script)
    done = annotate("run", "train.py", "--max-trials", "1", "--", tmp_path / "far.yaml")
    errors = done.stderr
    assert f"{tmp_path / 'far.yaml'} has annotations, but is not in" in errors
    assert f"{tmp_path / 'far.yaml'} was read unchanged: its annotations had no effect" in errors
    assert "unread.yaml was not read: its parameters had no effect" in errors
    assert "conf/train.yaml was" not in errors


def test_a_data_file_cannot_be_run_as_a_script(project, annotate):
    for command in ("run", "try"):
        done = annotate(command, "conf/train.yaml", code=2)
        assert "conf/train.yaml is not a script" in done.stderr
    assert "optimizer.lr" not in annotate("show", "conf/train.yaml").stdout
    assert " lr " in annotate("show", "conf/train.yaml").stdout
    assert annotate("expand", "conf/train.yaml").stdout == BLOCKS["before"]


def test_an_export_includes_data_files_with_the_values(project, annotate):
    annotate("run", "train.py", "--max-trials", "2", "--tuner", "random", "--seed", "3")
    annotate("export", "--trial", "1", "--output", "best")
    text = (project / "best" / "conf" / "train.yaml").read_text()
    assert "@nni" not in text
    assert text.startswith("optimizer:\n  name: ")
    assert "         # the usual range\n# as in the paper\nlayers: [" in text
    assert 'data: "digits"\n' in text
    subprocess.run([sys.executable, "train.py"], cwd=project / "best", check=True)


def test_a_diff_includes_data_files(project, annotate):
    annotate("run", "train.py", "--max-trials", "2", "--tuner", "random", "--seed", "3")
    path = project / "conf" / "train.yaml"
    path.write_text(path.read_text().replace("digits", "letters"))
    document = json.loads(annotate("diff", "0", "--json").stdout)
    (file,) = document["files"]
    assert (file["path"], file["code"], file["annotations"]) == ("conf/train.yaml", True, False)
    assert not any(row["differs"] for row in document["parameters"])
