"""Defaults < config file < command line, for every option of run, create and resume."""

import argparse
import json
import os
import shutil
from dataclasses import dataclass, fields

import pytest

from annotate.errors import AnnotateError
from runtime.cli import create, resume, run, settings
from runtime.core.config import OPTIONS, Config
from runtime.core.options import CREATE, RESUME, RUN
from runtime.store import Store

COMMANDS = {RUN: run, CREATE: create, RESUME: resume}
#: Options that are not settings of an experiment, so they are not merged.
OTHERS = {
    RUN: {
        *("--help", "--config", "--port", "--background", "--debug", "--json"),
        *("--search-space", "--enqueue", "--warm-start", "--module", "--code-folder"),
    },
    CREATE: {"--help", "--config", "--port", "--foreground", "--debug", "--json"},
    RESUME: {
        *("--help", "--search-space", "--annotations", "--json", "--foreground", "--background"),
        *("--driver", "--settings", "--logins", "--port", "--debug"),
    },
}


@dataclass
class Case:
    """`words` set the field to `value`; the file's field, or section of an algorithm, holds `file`,
    which the setting has as `other`."""

    words: str
    value: object
    file: object = None
    other: object = None


def section(role, name, **args):
    return {role: {"name": name, "classArgs": args}}


#: By setting. If possible, a case types the default, which must override the file too.
CASES = {
    "python": [Case("--python python3", None)],  # becomes the path of the interpreter
    "name": [Case("--name mine", "mine", "theirs", "theirs"), Case("--name ''", "train", "x", "x")],
    "tuner": [
        Case("--tuner auto", "auto", section("tuner", "Random"), "random"),
        Case("--tuner TPE", "tpe", section("advisor", "Hyperband"), "hyperband"),
    ],
    "tuner_args": [
        Case("--tuner-args gamma=0.5", {"gamma": 0.5}),
        Case(
            "--tuner-args gamma=0.5 n=1",
            {"gamma": 0.5, "n": 1, "m": 3},
            section("tuner", "TPE", gamma=0.25, m=3),
            {"gamma": 0.25, "m": 3},
        ),
        Case("--tuner TPE", {"m": 3}, section("tuner", "tpe", m=3), {"m": 3}),
        Case(
            "--seed 0",
            {"seed": 0, "m": 3},
            section("tuner", "tpe", seed=5, m=3),
            {"seed": 5, "m": 3},
        ),
        Case("--tuner random", {}, section("tuner", "tpe", m=3), {"m": 3}),
        Case("--tuner random --tuner-args n=1", {"n": 1}, section("tuner", "tpe", m=3), {"m": 3}),
    ],
    "env": [
        Case("--env A=1 --env B --env C= --env A=2", {"A": "2", "B": None, "C": ""}),
    ],
    "assessor": [
        Case("--assessor none", "", section("assessor", "Medianstop"), "medianstop"),
        Case("--assessor ''", "", section("assessor", "Medianstop"), "medianstop"),
        Case("--assessor asha", "asha", section("assessor", "Medianstop"), "medianstop"),
    ],
    "assessor_args": [
        Case(
            "--assessor-args start_step=2",
            {"start_step": 2, "n": 1},
            section("assessor", "Medianstop", start_step=3, n=1),
            {"start_step": 3, "n": 1},
        ),
        Case("--assessor none", {}, section("assessor", "Medianstop", n=1), {"n": 1}),
    ],
    "maximize": [
        Case("--maximize", True, section("tuner", "tpe", optimize_mode="minimize"), False),
        Case("--maximize", True, section("assessor", "asha", optimize_mode="minimize"), False),
        Case("--minimize", False, section("tuner", "tpe", optimize_mode="maximize"), True),
        Case("--minimize", False, section("advisor", "bohb", optimize_mode="maximize"), True),
        Case("--tuner-args optimize_mode=minimize", False, section("tuner", "tpe"), True),
    ],
    "seed": [
        Case("--seed 0", 0, section("tuner", "tpe", seed=5), 5),
        Case("--tuner-args seed=7", 7, section("tuner", "tpe", seed=5), 5),
    ],
    "max_trials": [Case("--max-trials 1", 1, 5, 5), Case("--max-trials none", None, 5, 5)],
    "max_duration": [
        Case("--max-duration 2m", 120, "1h", 3600),
        Case("--max-duration none", None, "1h", 3600),
    ],
    "concurrency": [
        Case("--concurrency 1", 1, 2, 2),
        Case("--concurrency auto", "auto", 2, 2),
        Case("--concurrency 1", 1, "auto", "auto"),
    ],
    "executor": [Case("--executor local", "local"), Case("--executor ssh --hosts a", "ssh")],
    "hosts": [Case("--hosts a,me@b:2222*2", "a,me@b:2222*2")],
    "slurm": [Case("--slurm partition=short,time=10", "partition=short,time=10")],
    "ray": [Case("--ray auto,cpus=2", "auto,cpus=2")],
    "baseline": [Case("--no-baseline", False), Case("--baseline", True)],
    "trial_timeout": [Case("--trial-timeout 3", 3, 60, 60)],
    "stall_timeout": [Case("--stall-timeout 3m", 180)],
    "ask_timeout": [Case("--ask-timeout 30s", 30)],
    "max_failures": [
        Case("--max-failures 4", 4, 2, 2),
        Case("--max-failures 3", 3),
        Case("--max-failures none", None, 2, 2),
    ],
    "retries": [Case("--retries 2", 2), Case("--retries 0", 0)],
    "memory": [Case("--memory 1GiB", 2**30)],
    "fresh_process": [Case("--fresh-process", True), Case("--no-fresh-process", False)],
    "isolate": [
        Case("--isolate", True, False, False),
        Case("--no-isolate", False, True, True),
    ],
    "gpus": [Case("--gpus 0", 0, 1, 1), Case("--gpus 2", 2, 0, 0)],
    "gpu_indices": [
        Case("--gpu-indices 1,0:1 --gpus 1", ("1", "0:1"), "0,2", ("0", "2")),
        Case("--gpu-indices ''", (), [0, 2], ("0", "2")),
    ],
    "trials_per_gpu": [
        Case("--trials-per-gpu 1", 1, 3, 3),
        Case("--trials-per-gpu auto --gpus 1", "auto", 3, 3),
        Case("--trials-per-gpu 1", 1, "auto", "auto"),
    ],
    "use_active_gpu": [
        Case("--use-active-gpu --gpus 1", True, False, False),
        Case("--no-use-active-gpu", False, True, True),
    ],
}


def rows(command):
    """Each case of the command's settings with each field of the file that can contradict it."""
    for field, cases in CASES.items():
        for case in cases if command in OPTIONS[field].commands else ():
            paths = OPTIONS[field].nni if case.file is not None else ()
            for path in paths or [""]:
                yield pytest.param(field, case, path, id=f"{case.words} {path}".strip())


def words(case):
    return [word.strip("'") for word in case.words.split()]


def parse(command, *words):
    parser = argparse.ArgumentParser()
    COMMANDS[command].arguments(parser)
    return parser.parse_args([str(word) for word in words])


@pytest.fixture
def config_file(folder):
    """Writes config.yml, with `value` at `path`, or as sections of the whole file."""
    (folder / "train.py").write_text("print(1)\n")

    def write(path="", value=None):
        document = {
            "trial": {"command": "python3 train.py"},
            "searchSpace": {"x": {"_type": "uniform", "_value": [0, 1]}},
        }
        if not path and value:
            document |= value
        elif path:
            *above, name = path.split(".")
            inside = document
            for part in above:
                inside = inside.setdefault(part, {})
            inside[name] = value
        (folder / "config.yml").write_text(json.dumps(document))
        return folder / "config.yml"

    return write


def test_every_option_has_a_case_here():
    for command, module in COMMANDS.items():
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        flags = {f for f in parser._option_string_actions if f.startswith("--")} - OTHERS[command]
        assert flags == {f for o in OPTIONS.values() if command in o.commands for f in o.flags}
    typed = {word for cases in CASES.values() for case in cases for word in words(case)}
    assert set(CASES) == set(OPTIONS)
    assert {flag for option in OPTIONS.values() for flag in option.flags} <= typed
    assert all(any(case.file is not None for case in CASES[f]) for f, o in OPTIONS.items() if o.nni)


def test_every_config_field_is_a_setting_or_describes_what_runs():
    fixed = {
        *("script", "module", "cwd", "arguments", "command", "background"),
        *("metric_name", "optimize_by", "python_there"),
        *("machines", "logins_file"),
    }
    assert {f.name for f in fields(Config)} == set(OPTIONS) | fixed


@pytest.mark.parametrize("command", COMMANDS)
def test_options_that_were_not_typed_are_absent(command, config_file):
    needed = {RUN: [], CREATE: ["-c", "config.yml"], RESUME: []}[command]
    assert settings.typed(parse(command, *needed)) == {}


@pytest.mark.parametrize("command", [RUN, CREATE])
@pytest.mark.parametrize(("field", "case", "path"), list(rows(RUN)))
def test_typed_options_beat_the_file_and_the_file_beats_the_default(
    config_file, command, field, case, path
):
    def setting(*words):
        config, _, _ = settings.from_file(parse(command, "-c", file, *words))
        return getattr(config, field)

    file = config_file(path, case.file)
    if case.file is not None:
        assert setting() == case.other
    expected = case.value
    if field == "python":
        assert os.path.samefile(setting(*words(case)), shutil.which("python3"))  # noqa: PTH121
    else:
        assert setting(*words(case)) == expected
    file = config_file()
    # These depend on more than one field, or on whether there is a file.
    if field not in ("name", "seed", "baseline", "python", "max_failures"):
        assert setting() == OPTIONS[field].default


def test_a_file_has_no_baseline_no_limit_of_failures_and_a_random_seed(config_file):
    file = config_file()
    configs = [settings.from_file(parse(RUN, "-c", file))[0] for _ in range(2)]
    assert [config.baseline for config in configs] == [False, False]
    assert [config.max_failures for config in configs] == [None, None]
    assert configs[0].seed != configs[1].seed


@pytest.mark.parametrize(("field", "case", "path"), list(rows(RESUME)))
def test_resume_replaces_only_the_typed_settings(config_file, field, case, path):
    stored = settings.from_file(parse(RUN, "-c", config_file(path, case.file)))[0]
    typed = settings.typed(parse(RESUME, *words(case)))
    changed = resume.changed_config(json.loads(json.dumps(stored.to_json())), typed)
    assert getattr(changed, field) == case.value
    untouched = {f.name for f in fields(Config)} - set(typed)
    assert all(getattr(changed, name) == getattr(stored, name) for name in untouched)


def test_help_names_the_value_that_an_untyped_setting_gets():
    for command, module in COMMANDS.items():
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        for action in parser._actions:
            if action.dest not in OPTIONS or command not in OPTIONS[action.dest].commands:
                continue
            switch = next(
                (s for s in OPTIONS[action.dest].switches if s.flag in action.option_strings), None
            )
            if command != RESUME:
                assert action.help == (switch or OPTIONS[action.dest]).summary
            elif switch:
                assert "default" not in action.help
            else:
                assert action.help.endswith("(default: unchanged)")


def test_the_files_direction_outlives_the_tuner_that_it_names(config_file):
    file = config_file("", section("tuner", "TPE", gamma=0.5, optimize_mode="minimize"))
    config, _, notes = settings.from_file(parse(RUN, "-c", file, "--tuner", "random"))
    assert (config.tuner, config.tuner_args, config.maximize) == ("random", {}, False)
    reason = "because --tuner names another tuner"
    assert notes == [f"{file}: the tuner's classArgs except optimize_mode are ignored, {reason}"]


def test_arguments_of_the_files_tuner_are_ignored_with_a_note(config_file):
    file = config_file("", section("tuner", "TPE", gamma=0.5))
    _, _, notes = settings.from_file(parse(RUN, "-c", file, "--tuner", "random"))
    reason = "because --tuner names another tuner"
    assert notes == [f"{file}: the tuner's classArgs are ignored, {reason}"]
    assert settings.from_file(parse(RUN, "-c", file, "--tuner", "tpe"))[2] == []


def test_a_note_names_the_files_assessor_that_is_turned_off(config_file):
    file = config_file("", section("assessor", "Medianstop", start_step=2))
    _, _, notes = settings.from_file(parse(RUN, "-c", file, "--assessor", "none"))
    reason = "because --assessor none turns it off"
    assert notes == [f"{file}: the assessor's classArgs are ignored, {reason}"]


def test_only_one_option_says_where_trials_run():
    with pytest.raises(AnnotateError, match="--hosts and --ray both say where trials run"):
        settings.typed(parse(RUN, "train.py", "--ray", "auto", "--hosts", "a"))


def test_on_a_ray_cluster_as_many_trials_run_as_fit_unless_somebody_says_it(config_file):
    assert settings.typed(parse(RUN, "train.py", "--ray", "auto"))["concurrency"] == "auto"
    file = config_file("", {"trainingServicePlatform": "ray"})
    assert settings.from_file(parse(RUN, "-c", file))[0].concurrency == "auto"
    file = config_file("", {"trainingServicePlatform": "ray", "trialConcurrency": 3})
    assert settings.from_file(parse(RUN, "-c", file, "--ray", "local"))[0].concurrency == 3
    config, _, _ = settings.from_file(parse(RUN, "-c", file, "--executor", "local"))
    assert (config.executor, config.ray) == ("local", "")


def test_gpu_settings_of_the_file_without_gpus_are_named(config_file):
    file = config_file("localConfig.gpuIndices", "0")
    _, _, notes = settings.from_file(parse(RUN, "-c", file))
    assert notes == [
        f"{file}: localConfig.gpuIndices has no effect, because trials reserve no GPU (gpuNum)"
    ]
    assert settings.from_file(parse(RUN, "-c", file, "--gpus", "1"))[2] == []


def test_gpu_settings_of_a_machine_without_gpus_are_named(config_file):
    machines = [{"ip": "alpha", "useActiveGpu": True}]
    file = config_file("", {"trainingServicePlatform": "remote", "machineList": machines})
    _, _, notes = settings.from_file(parse(RUN, "-c", file))
    reason = "has no effect, because trials reserve no GPU (gpuNum)"
    assert notes == [f"{file}: useActiveGpu of alpha {reason}"]
    assert settings.from_file(parse(RUN, "-c", file, "--gpus", "1"))[2] == []


BAD = [
    ("--env 1A=2", "'1A' is not the name of a variable"),
    ("--env NNI_PLATFORM=local", "NNI_PLATFORM is set by Annotate"),
    ("--use-active-gpu", "--use-active-gpu has no effect without --gpus"),
    ("--gpu-indices 0 --gpus 0", "--gpu-indices has no effect without --gpus"),
    ("--gpu-indices zero --gpus 1", "--gpu-indices takes numbers such as 0,1 or 0:1, not zero"),
    ("--trials-per-gpu auto", "--trials-per-gpu has no effect without --gpus"),
    (
        "--gpus -1 --concurrency 0",
        "--concurrency must be at least 1, not 0\n--gpus must be at least 0, not",
    ),
    ("--concurrency many", "'many' is neither a whole number nor auto"),
    ("--maximize --minimize", "not allowed with argument"),
    (
        "--minimize --tuner-args optimize_mode=maximize",
        "contradicts --minimize",
    ),
    ("--seed 9 --tuner-args seed=7", "--tuner-args seed=7 contradicts --seed 9"),
    ("--assessor-args n=1", "--assessor-args has no effect without an assessor"),
    ("--search-space other.json", "--search-space has no effect with a config file"),
    ("--tuner-args gama=1 --tuner tpe", "did you mean 'gamma'?"),
]


@pytest.mark.parametrize(("typed", "message"), BAD, ids=[typed for typed, _ in BAD])
def test_a_bad_combination_leaves_no_experiment_behind(annotate, config_file, home, typed, message):
    config_file()
    done = annotate("run", "-c", "config.yml", *typed.split(), code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(home.glob("experiments/*"))


SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_final_result(x)
"""


def test_missing_gpus_are_reported_before_a_background_driver_starts(annotate, folder, home):
    (folder / "train.py").write_text(SCRIPT)
    words = ("--background", "--gpus", 99)
    assert "--gpus 99" in annotate("run", "train.py", *words, code=2).stderr
    assert not list(home.glob("experiments/*"))
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    assert "--gpus 99" in annotate("resume", "--max-trials", 2, *words, code=2).stderr
    (path,) = home.glob("experiments/*/experiment.db")
    with Store.open(path) as store:
        assert store.experiment().config["max_trials"] == 1


def test_auto_concurrency_and_the_default_direction_beat_a_file(annotate, folder, home):
    (folder / "train.py").write_text(SCRIPT)
    (folder / "config.yml").write_text(
        "trialConcurrency: 1\nmaxTrialNum: 9\nuseAnnotation: true\n"
        "trial: {command: python3 train.py}\n"
        "tuner: {name: random, classArgs: {optimize_mode: minimize}}\n"
    )
    typed = ("--maximize", "--concurrency", "auto", "--max-trials", 2)
    document = json.loads(annotate("run", "-c", "config.yml", *typed, "--json").stdout)
    assert document["optimize"] == "maximize"
    assert len(document["trials"]) == 2
    (path,) = home.glob("experiments/*/experiment.db")
    with Store.open(path) as store:
        assert store.experiment().config["concurrency"] == "auto"


def test_a_limit_of_a_finished_experiment_is_kept_for_resume(annotate, folder):
    (folder / "train.py").write_text(SCRIPT)
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    errors = annotate("update", "duration", "--value", "2", code=2).stderr
    assert "'2' has no unit (write 2s, 2m, 2h or 2d)" in errors
    stored = annotate("update", "duration", "--value", "1h").stdout
    assert "is not running. Stored --max-duration 1h00m for: annotate resume " in stored
    assert "--max-trials N runs more trials" in annotate("resume", code=2).stderr
    assert "Stored --max-trials 2 for" in annotate("update", "trialnum", "--value", 2).stdout
    changed = "now --max-trials 2 (was 1), --max-duration 1h00m (was none)"
    assert f"; resumed after 1 of 2 trials, {changed}\n" in annotate("resume").stderr
    errors = annotate("update", "trialnum", "--value", 2, code=2).stderr
    assert "has run 2 trials already\nhint: give a number above 2\n" in errors
    errors = annotate("resume", "--max-trials", 2, code=2).stderr
    assert "--max-trials N, above 2, runs more" in errors
    errors = annotate("resume", "--max-trials", 3, "--isolate").stderr
    assert "; resumed after 2 of 3 trials, now --max-trials 3 (was 2), --isolate\n" in errors
    output = annotate("resume", "--max-trials", 4, "--background").stdout
    assert "; resumed after 3 of 4 trials, now --max-trials 4 (was 3).\n" in output


def test_resume_with_more_trials_extends_a_finished_experiment(annotate, folder, home):
    (folder / "train.py").write_text(SCRIPT)
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    refused = annotate("resume", code=2).stderr
    assert "--max-trials N runs more trials" in refused
    document = json.loads(annotate("resume", "--max-trials", 3, "--json").stdout)
    assert [trial["state"] for trial in document["trials"]] == ["SUCCEEDED"] * 3
    (path,) = home.glob("experiments/*/experiment.db")
    with Store.open(path) as store:
        assert store.experiment().config["max_trials"] == 3


OLD = {"script": "train.py", "cwd": "/", "python": "python3", "arguments": ["-v"]}


@pytest.mark.parametrize(
    ("old", "concurrency", "trials_per_gpu"),
    [
        ({"concurrency": 1, "auto_concurrency": True, "trials_per_gpu": 1}, "auto", 1),
        ({"concurrency": 4, "auto_concurrency": False, "trials_per_gpu": None}, 4, "auto"),
        ({}, 1, 1),
    ],
)
def test_auto_in_configs_of_earlier_versions_is_read(old, concurrency, trials_per_gpu):
    config = Config.from_json(OLD | old)
    assert (config.concurrency, config.trials_per_gpu) == (concurrency, trials_per_gpu)
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_experiment_of_an_earlier_version_resumes(annotate, folder, home):
    (folder / "train.py").write_text(SCRIPT)
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    (path,) = home.glob("experiments/*/experiment.db")
    with Store.open(path, write=True) as store:
        old = store.experiment().config | {"trials_per_gpu": None, "max_trials": 2}
        store.set_config(old | {"concurrency": 1, "auto_concurrency": True})
        store.set_state("STOPPED", None, None)
    document = json.loads(annotate("resume", "--json").stdout)
    assert len(document["trials"]) == 2


def test_limits_of_a_running_experiment_have_the_same_checks():
    from runtime.core.requests import checked

    assert checked("duration", {"seconds": "1h"}) == {"seconds": 3600}
    assert checked("trials", {"value": None}) == {"value": None}
    assert checked("concurrency", {"value": "auto"}) == {"value": "auto"}
    for kind, arguments, message in (
        ("concurrency", {"value": 0}, "concurrency must be at least 1, not 0"),
        ("concurrency", {"value": None}, "concurrency"),
        ("concurrency", {"value": True}, "concurrency"),
        ("trials", {"value": 2.5}, "max-trials: '2.5' is not a whole number"),
        ("duration", {"seconds": 0}, "max-duration must be above 0, not 0"),
        ("duration", {"seconds": "soon"}, "'soon' is not a duration"),
    ):
        with pytest.raises(AnnotateError, match=message):
            checked(kind, arguments)
