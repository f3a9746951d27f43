"""A code folder as a whole: which files are read, counted and skipped."""

import hashlib
import json
import os
import tempfile
from pathlib import Path, PurePosixPath

import pytest

from annotate import imports
from annotate.errors import AnnotateError, Mistakes
from annotate.formats import module_name
from annotate.project import expand_file, read_project
from annotate.snapshot import freeze

TUNED = "value = 1  # @nni.choice(1, 2)\n"


@pytest.fixture
def write(tmp_path):
    """`write({path: text})` writes files into a new folder and returns it."""
    root = tmp_path / "code"

    def write(files):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write


def keys(project):
    return sorted(project.space.to_json())


def modules(project):
    return sorted(parameter.parts[0] for parameter in project.space)


def test_a_keys_module_is_the_dotted_path_below_the_code_folder():
    names = {
        "train.py": "train",
        "pkg/model.py": "pkg.model",
        "pkg/__init__.py": "pkg",
        "src/pkg/a.py": "src.pkg.a",
        "__init__.py": "__init__",
        "script": "script",
    }
    assert {path: module_name(PurePosixPath(path)) for path in names} == names


def test_packages_relative_imports_and_src_layouts_are_followed(write):
    root = write(
        {
            "train.py": "from pkg import model\nimport lib.deep as d\n" + TUNED,
            "pkg/__init__.py": "from .start import *\n",
            "pkg/start.py": TUNED,
            "pkg/model.py": "def f():\n    from . import late\n"
            "    from .sub.x import (\n  a, # c\n  b)\n",
            "pkg/late.py": TUNED,
            "pkg/sub/__init__.py": "from .. import parent\n" + TUNED,
            "pkg/sub/x.py": TUNED,
            "pkg/parent.py": TUNED,
            "src/lib/__init__.py": "",
            "src/lib/deep.py": "if 1: import importlib; importlib.import_module('lib.named')\n",
            "src/lib/named.py": "__import__('lib.other')\n" + TUNED,
            "src/lib/other.py": "x = '''\nimport alone\n'''  # import alone\n" + TUNED,
            "alone.py": TUNED,
        }
    )
    project = read_project(root / "train.py", root)
    assert modules(project) == [
        "pkg.late", "pkg.parent", "pkg.start", "pkg.sub", "pkg.sub.x",
        "src.lib.named", "src.lib.other", "train",
    ]  # fmt: skip
    assert project.left_out == (PurePosixPath("alone.py"),)
    assert modules(read_project(None, root)) == sorted([*modules(project), "alone"])


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nimportlib.import_module(name)\n",
        "from importlib import import_module as load, import_module\nimport_module(f'{a}.b')\n",
        "__import__(name)\n",
    ],
)
def test_all_annotated_files_count_if_an_imports_name_is_known_only_at_run_time(write, text):
    root = write({"train.py": "import middle\n", "middle.py": text, "other.py": TUNED})
    project = read_project(root / "train.py", root)
    assert modules(project) == ["other"]
    assert project.left_out == ()


def test_a_script_in_a_subfolder_imports_from_its_folder_and_from_the_top(write):
    root = write(
        {"jobs/train.py": "import near, far\n", "jobs/near.py": TUNED, "far/__init__.py": TUNED}
    )
    assert modules(read_project(root / "jobs" / "train.py", root)) == ["far", "jobs.near"]


def test_modules_on_an_unknown_path_are_found_by_name(write):
    root = write({"train.py": "import helper\n", "vendor/deep/helper.py": TUNED})
    assert modules(read_project(root / "train.py", root)) == ["vendor.deep.helper"]


def test_ignored_generated_hidden_and_installed_files_are_skipped(write):
    kept = {"train.py": "", "pkg/a.py": "", "data/keep.py": "", "nested/b.py": ""}
    out = [
        "build/x.py", "x_gen.py", "nested/secret/x.py", "nested/c.py", ".hidden/x.py",
        ".venv/lib/x.py", "env/x.py", "conda/x.py", "site-packages/x.py", "node_modules/x.py",
        "pkg/__pycache__/x.py", "data/x.py",
    ]  # fmt: skip
    root = write({**kept, **dict.fromkeys(out, TUNED)})
    write(
        {
            ".gitignore": "/build/\n*_gen.py\ndata/*\n!data/keep.py\n# a comment\n\n",
            "nested/.gitignore": "secret\nc.py\n",
            "env/pyvenv.cfg": "",
            "conda/conda-meta/history": "",
        }
    )
    assert {str(f.path) for f in read_project(None, root).files} == set(kept)


def test_a_named_script_is_read_even_if_it_is_ignored(write):
    root = write({"train.py": TUNED, ".gitignore": "*.py\n", "other.py": TUNED})
    assert keys(read_project(root / "train.py", root)) == ["train/value/choice"]


def test_a_repository_that_ignores_the_code_folder_does_not_hide_its_files(write):
    root = write({"job/train.py": TUNED, "job/skip.py": TUNED, ".gitignore": "job/\nskip.py\n"})
    (root / ".git").mkdir()
    assert modules(read_project(None, root / "job")) == ["skip", "train"]
    write({".gitignore": "skip.py\n"})
    assert modules(read_project(None, root / "job")) == ["train"]


def test_links_that_leave_or_loop_are_not_followed(write, tmp_path):
    root = write({"train.py": TUNED, "pkg/a.py": TUNED})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.py").write_text("lr = nonsense(  # @nni.choice(")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "x.py").symlink_to(tmp_path / "outside" / "x.py")
    (root / "pkg" / "loop").symlink_to(root)
    (root / "again").symlink_to(root / "pkg")
    (root / "broken.py").symlink_to(root / "nowhere")
    (root / "self").symlink_to(root / "self")
    assert modules(read_project(None, root)) == ["pkg.a", "train"]


def test_all_mistakes_of_all_files_are_reported_at_once_in_order(write):
    root = write(
        {
            "b.py": "x = 1  # @nni.choce(1)\n",
            "a.py": "y = 1  # @nni.choice()\nz = 1  # @nni.uniform(1, 0)\n",
            "c.py": "x = (  # @nni.choice(1, 2)\n",
            "good.py": TUNED,
        }
    )
    with pytest.raises(Mistakes) as error:
        read_project(None, root)
    places = [(m.path, m.line, m.code) for m in error.value.mistakes]
    assert places == [
        ("a.py", 1, "A305"),
        ("a.py", 2, "A303"),
        ("b.py", 1, "A203"),
        ("c.py", 1, "A102"),
    ]


def test_a_key_with_different_domains_in_two_files_is_a_mistake_that_names_both(write):
    root = write({"pkg.py": TUNED, "pkg/__init__.py": "value = 3  # @nni.choice(3, 4)\n"})
    with pytest.raises(Mistakes) as error:
        read_project(None, root)
    (mistake,) = error.value.mistakes
    assert mistake.code == "A501"
    assert {mistake.path, mistake.message.split(" in ")[1].split(":")[0]} == {
        "pkg.py",
        "pkg/__init__.py",
    }


def test_an_unreadable_path_is_reported_with_a_suggestion(write, tmp_path):
    root = write({"train.py": TUNED})
    with pytest.raises(AnnotateError) as error:
        read_project(root / "trian.py", root)
    assert "train.py" in error.value.hint
    with pytest.raises(AnnotateError):
        read_project(None, root / "nowhere")
    with pytest.raises(AnnotateError):
        read_project(root / "train.py", tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b as c, d\n", [("a.b", 0, ()), ("d", 0, ())]),
        ("x = 1; import a\n", [("a", 0, ())]),
        ("if x: from a import b\n", [("a", 0, ("b",))]),
        ("from ...a.b import (c as d,\n  e,  # f\n)\n", [("a.b", 3, ("c", "e"))]),
        ("from . import a, \\\n  b\n", [("", 1, ("a", "b"))]),
        ("import_module('.x', package='p.q')\n", [("p.q.x", 0, ())]),
        ("import_module('.x', __package__)\n", [("x", 1, ())]),
        ("import_module(x)\n", [(None, 0, ())]),
        ("# import a\n'import b'\n'''\nimport c\n'''\nimportant = 1\nfrom_ = 2\n", []),
        ("def import_module(name): pass\n", []),
    ],
)
def test_imports_are_found_without_parsing(text, expected):
    assert [(i.module, i.level, i.names) for i in imports.find(text.encode())] == expected


def test_freezing_writes_code_sources_and_a_manifest(write, tmp_path):
    root = write({"train.py": "import os\n" + TUNED, "plain.py": "x = 1\n"})
    project = read_project(root / "train.py", root)
    freeze(project, tmp_path / "snapshot")
    code = tmp_path / "snapshot" / "code"
    assert (code / "plain.py").read_bytes() == b"x = 1\n"
    assert (code / "train.py").read_bytes() == expand_file(root / "train.py", root).code
    source = tmp_path / "snapshot" / "source"
    assert [p.name for p in source.iterdir()] == ["train.py"]
    assert (source / "train.py").read_bytes() == (root / "train.py").read_bytes()
    manifest = json.loads((tmp_path / "snapshot" / "snapshot.json").read_text())
    assert manifest["root"] == str(root.resolve())
    assert manifest["files"]["train.py"] == {
        "annotated": True,
        "counts": True,
        "sha256": hashlib.sha256((root / "train.py").read_bytes()).hexdigest(),
    }
    assert not manifest["files"]["plain.py"]["annotated"]
    assert not list((tmp_path / "snapshot").rglob(".*"))


def test_a_file_without_read_permission_is_reported():
    with tempfile.TemporaryDirectory() as folder:  # a folder that any user may enter
        root = Path(folder)
        root.chmod(0o755)
        (root / "train.py").write_text(TUNED)
        (root / "train.py").chmod(0)
        user = os.geteuid()
        os.seteuid(user or 65534)  # root may read every file
        try:
            with pytest.raises(AnnotateError, match=r"train\.py cannot be read: Permission denied"):
                read_project(None, root)
        finally:
            os.seteuid(user)


def test_a_place_has_its_position_and_writes_another_value(write):
    root = write(
        {"train.py": "é = 'ü'\nf(lr=g( 1 ))  # @nni.choice(g(1), g(2), 'x', nni.uniform(0, 1))\n"}
    )
    (place,) = read_project(None, root).places
    source = Path(root / "train.py").read_bytes()
    assert (place.path, place.line, place.col, place.kind) == ("train.py", 2, 6, "keyword")
    assert source[slice(*place.bytes)].decode() == place.written == "g( 1 )"
    assert source.decode()[slice(*place.annotation)].startswith("# @nni")
    assert place.code("g(2)") == "g(2)"
    assert place.code("x") == "'x'"
    assert place.code({"_name": "nni.uniform(0, 1)", "uniform": 0.25}) == "0.25"
