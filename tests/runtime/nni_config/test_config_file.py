"""config.yml: the meaning of its fields, and every mistake with its position."""

import json
import os
import sys

import pytest

from annotate.errors import AnnotateError
from runtime import nni_config
from runtime.core.config import Config
from runtime.nni_config.checking import section
from runtime.nni_config.document import ConfigMistakes
from runtime.nni_config.fields import SAME, SCHEMA
from runtime.nni_config.space_file import read_space

SCRIPT = """\
import nni
values = nni.get_next_parameter()
nni.report_final_result(values["lr"])
"""
V1 = """\
authorName: somebody
experimentName: digits
trialConcurrency: 2
maxExecDuration: 1h30m
maxTrialNum: 4   # not many
trainingServicePlatform: local
searchSpacePath: search_space.json
useAnnotation: false
tuner:
  builtinTunerName: Random
  classArgs:
    optimize_mode: minimize
assessor:
  builtinAssessorName: Medianstop
  classArgs:
    start_step: 3
trial:
  command: python3 train.py --epochs 3
  codeDir: .
  gpuNum: 1
localConfig:
  gpuIndices: 0,2
  maxTrialNumPerGpu: 2
  useActiveGpu: yes
"""
V3 = """\
experimentName: digits
trialConcurrency: 2
maxExperimentDuration: 90m
maxTrialNumber: 4
searchSpace:
  lr: {_type: uniform, _value: [0, 1]}
trialCommand: python3 train.py --epochs 3
trialGpuNumber: 1
tuner: {name: random, classArgs: {optimize_mode: minimize}}
assessor: {name: Medianstop, classArgs: {start_step: 3}}
trainingService:
  platform: local
  gpuIndices: [0, 2]
  maxTrialNumberPerGpu: 2
  useActiveGpu: true
"""


@pytest.fixture
def project(folder):
    (folder / "train.py").write_text(SCRIPT)
    space = {"lr": {"_type": "uniform", "_value": [0, 1]}}
    (folder / "search_space.json").write_text(json.dumps(space))
    return folder


@pytest.fixture
def read(project):
    def read(text):
        path = project / "config.yml"
        path.write_text(text)
        return nni_config.read(path, os.environ)

    return read


def mistakes(read, text):
    with pytest.raises(ConfigMistakes) as caught:
        read(text)
    return [(m.line, m.message, m.hint) for m in caught.value.mistakes]


@pytest.mark.parametrize("text", [V1, V3], ids=["v1", "v3"])
def test_both_versions_of_the_config_describe_the_same_experiment(read, project, text):
    described = read(text)
    config = Config.new(described.settings)
    assert (config.script, config.arguments) == ("train.py", ("--epochs", "3"))
    assert config.cwd == str(project)
    assert (config.name, config.concurrency, config.max_trials) == ("digits", 2, 4)
    assert config.max_duration == 5400
    assert (config.tuner, config.tuner_args, config.maximize) == ("random", {}, False)
    assert (config.assessor, config.assessor_args) == ("medianstop", {"start_step": 3})
    assert (config.gpus, config.gpu_indices) == (1, ("0", "2"))
    assert (config.trials_per_gpu, config.use_active_gpu) == (2, True)
    assert not config.baseline
    assert described.project.space.to_json() == {"lr": {"_type": "uniform", "_value": [0, 1]}}


def test_a_field_without_effect_is_accepted_with_a_note(read):
    (note,) = read(V1).notes
    assert "config.yml:1: authorName: No effect" in note


def test_multi_phase_is_refused(read):
    assert len(read(V1 + "multiPhase: false\n").notes) == 1
    ((_, message, _),) = mistakes(read, V1 + "multiPhase: true\n")
    assert message.startswith("multiPhase is not supported")


def test_all_mistakes_are_reported_at_once_with_lines_and_suggestions(read):
    text = """\
trialConcurency: 1
maxTrialNum: many
maxExecDuration: 1 hour
gpuNum: 1
searchSpacePath: search_space.json
tuner:
  builtinTunerName: TPF
trial:
  command: python3 train.py
  codedir: .
"""
    listed = mistakes(read, text)
    assert [line for line, _, _ in listed] == [1, 2, 3, 4, 10]
    hints = {line: hint for line, _, hint in listed}
    assert hints[1] == "did you mean trialConcurrency?"
    assert hints[4] == "gpuNum belongs in the section trial"
    assert hints[10] == "did you mean codeDir?"
    # The meaning of fields is checked only if no field is missing.
    listed = mistakes(read, V1.replace("Random", "Ramdom").replace("minimize", "minimise"))
    assert [(line, hint) for line, _, hint in listed] == [(10, "did you mean 'random'?"), (12, "")]


def test_annotations_together_with_a_space_file_are_a_mistake_with_an_explanation(read):
    ((line, message, hint),) = mistakes(
        read, V1.replace("useAnnotation: false", "useAnnotation: true")
    )
    assert line == 7
    assert "the annotations are the search space" in message
    assert hint == "remove searchSpacePath, or write useAnnotation: false"


def test_neither_a_space_nor_annotations_is_a_mistake(read):
    ((_, message, hint),) = mistakes(read, "trial: {command: python3 train.py}\n")
    assert message == "there is no search space"
    assert "useAnnotation: true" in hint


def test_use_annotation_takes_the_space_from_the_annotations(read, project):
    (project / "train.py").write_text(
        "lr = 0.1  # @nni.uniform(0, 1)\n# @nni.report_final_result(lr)\n"
    )
    (project / "other.py").write_text("size = 3  # @nni.choice(3, 5)\n")
    text = "useAnnotation: true\ntrial:\n  command: {}\n"
    alone = read(text.format("python3 train.py"))
    assert [p.name for p in alone.project.space] == ["lr"]
    assert any("other.py" in note for note in alone.notes)
    # It is unknown which files a shell command uses, so all annotated files count.
    by_shell = read(text.format("bash run.sh"))
    assert sorted(p.name for p in by_shell.project.space) == ["lr", "size"]


def test_without_use_annotation_annotations_are_ignored(read, project):
    (project / "train.py").write_text("lr = 0.1  # @nni.unifrom(0, 1)\n")
    assert not read(V1).project.places


@pytest.mark.parametrize(
    "text", ["a: [1", "a: 1\na: 2\n", "a: !!python/object:os.system {}\n", "\t a: 1", "- a\n", ""]
)
def test_anything_but_plain_yaml_is_refused_with_its_place(read, text):
    with pytest.raises(AnnotateError):
        read(text)


def test_a_search_space_file_is_yaml_or_json_by_its_name(tmp_path):
    spaces = []
    for name in ("space.json", "space.yml", "SPACE.YAML", "space"):
        path = tmp_path / name
        path.write_text('{"lr": {"_type": "loguniform", "_value": [1e-5, 1]}}')
        spaces.append(read_space(path))
    (tmp_path / "lines.yml").write_text("lr:\n  _type: loguniform\n  _value:\n  - 1e-5\n  - 1\n")
    assert {str(space["lr"].domain) for space in spaces} == {"loguniform(1e-05, 1)"}
    assert read_space(tmp_path / "lines.yml") == spaces[0]


@pytest.mark.parametrize("text", ["x: 1", "x: {_type: unifrom, _value: [0, 1]}", "- x", "x: ["])
def test_a_broken_yaml_search_space_is_named(tmp_path, text):
    (tmp_path / "space.yml").write_text(text)
    with pytest.raises(AnnotateError) as caught:
        read_space(tmp_path / "space.yml")
    mistakes = getattr(caught.value, "mistakes", [])
    assert "space.yml" in "\n".join([caught.value.message, *(m.display() for m in mistakes)])


@pytest.mark.parametrize("text", ["x: " + "[" * 300, "- " * 300 + "x: [", "x: " + "{a: " * 300])
def test_a_deep_file_is_refused_before_all_of_it_is_parsed(tmp_path, text):
    (tmp_path / "deep.yml").write_text(text)  # its syntax error is further on
    with pytest.raises(AnnotateError, match=r"deep.yml is nested more than 100 levels deep"):
        read_space(tmp_path / "deep.yml")


def test_an_anchor_that_is_used_again_means_the_later_one(tmp_path, recwarn):
    domain = "{_type: choice, _value: [%d]}"
    text = f"a: &x {domain % 1}\nb: &x {domain % 2}\nc: *x\n"
    (tmp_path / "space.yml").write_text(text)
    values = [p.domain.to_json()["_value"] for p in read_space(tmp_path / "space.yml")]
    assert (values, list(recwarn)) == ([[1], [2], [2]], [])


def test_another_training_service_is_one_clear_mistake(read):
    text = V1.replace("Platform: local", "Platform: pai") + "paiConfig: {userName: me}\n"
    ((line, message, hint),) = mistakes(read, text)
    assert (line, message) == (6, "trainingServicePlatform 'pai' is not supported yet")
    assert hint == "write local, remote, slurm or ray"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("trainingService", "trainingService: [{platform: remote, machineList: [{ip: a}]}]"),
        ("trainingServicePlatform", "trainingServicePlatform: [local, remote]"),
        ("trainingServicePlatform", "trainingServicePlatform: hybrid"),
    ],
)
def test_a_hybrid_of_platforms_is_refused_for_what_it_is(read, field, text):
    file = V1.replace("trainingServicePlatform: local", text)
    ((_, message, hint),) = mistakes(read, file)
    assert message.startswith(field)
    assert "platforms (NNI's hybrid), but an experiment runs on one" in message
    assert hint == "write local, remote, slurm or ray"


def test_two_names_of_one_field_are_a_mistake(read):
    ((_, message, _),) = mistakes(read, V1 + "maxTrialNumber: 5\n")
    assert message == "maxTrialNumber and maxTrialNum are the same setting"


def test_a_custom_tuner_is_found_relative_to_the_config_file(read, project):
    (project / "mine.py").write_text("class Mine: pass\n")
    own = "tuner: {codeDir: ., classFileName: mine.py, className: Mine}\n"
    text = "searchSpacePath: search_space.json\ntrial: {command: python3 train.py}\n"
    assert read(text + own).settings["tuner"] == f"{project / 'mine.py'}:Mine"
    named = read(text + "tuner: {className: mine.Mine}").settings["tuner"]
    assert named == f"{project / 'mine.py'}:Mine"
    ((line, message, _),) = mistakes(read, text + own.replace("mine.py", "nine.py"))
    assert line == 3
    assert "there is no file" in message


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python3 train.py", "train.py"),
        (f"{sys.executable} train.py 'a b'", "train.py"),
        ("FOO=1 python3 train.py", ""),
        ("python3 -u train.py", ""),
        ("python3 -m train", "train.py"),
        ("python3 train.py && echo done", ""),
        ("python3 train.py $HOME", ""),
        ("python3 nowhere.py", ""),
        ("bash run.sh", ""),
    ],
)
def test_only_a_plain_script_is_run_without_a_shell(read, command, script):
    settings = read(V1.replace("python3 train.py --epochs 3", json.dumps(command))).settings
    assert settings["script"] == script
    assert settings.get("command", "") == ("" if script else command)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("python -I train.py", "-I"),
        ("cd src && python3.10 -u -W ignore -uE train.py", "-uE"),
        ("OMP_NUM_THREADS=1 python -S -m train", "-S"),
    ],
)
def test_a_python_that_ignores_the_path_of_trials_is_a_mistake(read, command, option):
    ((line, message, hint),) = mistakes(read, V1.replace("python3 train.py --epochs 3", command))
    assert V1.splitlines()[line - 1].strip().startswith("command:")
    assert f"with {option}, Python ignores the path" in message
    assert hint == f"remove {option} from the command"


@pytest.mark.parametrize(
    "command", ["python -u train.py -I", "python -m train -E", "mypython -I x"]
)
def test_options_in_the_trial_command_belong_to_the_script(read, command):
    read(V1.replace("python3 train.py --epochs 3", command))


def test_each_duplicate_name_is_an_existing_field():
    for name in (name for names in SAME for name in names):
        model = SCHEMA
        for part in name.split("."):
            info = next(i for i in model.model_fields.values() if i.alias == part)
            model = section(info.annotation)
