"""Which annotated data files count for a script."""

import pytest

from annotate.errors import Mistakes
from annotate.project import read_project

LINE = "lr: 0.1  # @nni.uniform(0, 1)\n"
FILES = ["conf/a.yaml", "conf/b.yaml", "conf/deep/c.yml", "d.toml", "train.yaml"]


@pytest.fixture
def project(tmp_path):
    def make(script, arguments=(), **more):
        texts = dict.fromkeys(FILES, LINE) | {"d.toml": LINE.replace(":", " =")}
        for name, text in {**texts, "train.py": script, **more}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        read = read_project(tmp_path / "train.py", tmp_path, arguments)
        counting = {str(f.path) for f in read.files if f.counts} - {"train.py"}
        assert {str(f.path) for f in read.files} - {"train.py"} >= set(FILES)
        assert {p.key.partition("/")[0].replace(".", "/") for p in read.space} == {
            name.replace(".", "/") for name in counting & set(FILES)
        }
        return sorted(counting - {"train.yaml"})

    return make


@pytest.mark.parametrize(
    ("script", "arguments", "counting"),
    [
        ("open('conf/a.yaml')", (), ["conf/a.yaml"]),
        ("open(join('conf', 'a.yaml'))", (), ["conf/a.yaml"]),
        ("main(config_path='conf', config_name='b')", (), ["conf/b.yaml"]),
        ("open(f'conf/{name}.yaml')", (), ["conf/a.yaml", "conf/b.yaml"]),
        ("read_all('conf')", (), ["conf/a.yaml", "conf/b.yaml", "conf/deep/c.yml"]),
        ("a = b = c = d  # conf/a.yaml", (), []),
        ("open(argv[1])", ("--config=conf/deep/c.yml",), ["conf/deep/c.yml"]),
        ("open(argv[1])", ("d.toml", "-v"), ["d.toml"]),
    ],
)
def test_data_files_named_by_a_string_or_an_argument_count(project, script, arguments, counting):
    assert project(f"{script}\n", arguments) == counting


def test_a_data_file_with_the_scripts_name_counts(project, tmp_path):
    project("pass\n")
    keys = [p.key for p in read_project(tmp_path / "train.py", tmp_path).space]
    assert keys == ["train.yaml/lr/uniform"]


def test_imported_modules_and_counted_files_may_name_further_files(project):
    files = {"near.py": "open('base.yaml')\n", "base.yaml": "defaults: [deep: c]\n"}
    assert project("import near\n", **files) == ["conf/deep/c.yml", "near.py"]
    assert project("pass\n", **files) == []


def test_without_a_script_all_data_files_count(project, tmp_path):
    project("pass\n")
    assert len(read_project(None, tmp_path).space) == len(FILES)


def test_links_data_sets_and_ignored_files_are_skipped(tmp_path):
    for folder in ("few", "many", "ignored", "node_modules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "few" / "x.yaml").write_text(LINE)
    (tmp_path / "a.yaml").symlink_to(tmp_path / "few" / "x.yaml")
    (tmp_path / "ignored" / "y.yaml").write_text(LINE)
    (tmp_path / "node_modules" / "z.yaml").write_text(LINE)
    (tmp_path / ".gitignore").write_text("ignored\n")
    (tmp_path / "large.yaml").write_text(LINE + "#" * (1 << 20))
    for number in range(501):
        (tmp_path / "many" / f"{number}.yaml").write_text(LINE)
    assert [p.key for p in read_project(None, tmp_path).space] == ["few.x.yaml/lr/uniform"]


def test_a_mistake_in_a_data_file_that_counts_is_reported(project):
    with pytest.raises(Mistakes) as error:
        project("open('conf/b.yaml')\n", **{"conf/b.yaml": "lr: 0.1  # @nni.uniform(1, 0)\n"})
    (mistake,) = error.value.mistakes
    assert mistake.display().startswith("conf/b.yaml:1:25: A303")


def test_a_parameter_has_its_shortest_unambiguous_name(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "one: {lr: 1}  # @nni.uniform(0, 1)\n"
        "two: {lr: 1, n: 2}  # @nni.variable(nni.uniform(0, 1), name=lr)\n"
        "layers:\n- n: 3  # @nni.randint(0, 9)\n- m: 3  # @nni.randint(0, 9)\n"
    )
    space = read_project(None, tmp_path).space
    assert list(space.names.values()) == ["one.lr", "two.lr", "n", "m"]
    for name in ("layers.1.m", "m", "a.yaml/layers.1.m", "a.yaml/layers.1.m/randint"):
        assert space.resolve(name).key == "a.yaml/layers.1.m/randint"
