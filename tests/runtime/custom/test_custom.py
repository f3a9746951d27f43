"""Custom tuners, assessors and advisors, written for our contract or NNI's."""

import json
import sys
import textwrap

import pytest

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.custom import CustomAssessor, CustomTuner
from tuners import Exhausted, Verdict

SPACE = SearchSpace.from_json(
    {
        "x": {"_type": "uniform", "_value": [0, 1]},
        "n": {"_type": "randint", "_value": [0, 9]},
        "c": {
            "_type": "choice",
            "_value": [
                {"_name": "a"},
                {"_name": "b", "k": {"_type": "quniform", "_value": [0, 4, 2]}},
            ],
        },
    }
)

NNI_TUNER = """
    import json
    import random
    import numpy as np
    import nni
    from nni.tuner import Tuner
    from nni.utils import (OptimizeMode, extract_scalar_reward, json2parameter, json2space,
                           split_index)
    import beside

    class Own(Tuner):
        def __init__(self, optimize_mode="maximize", most=5):
            self.most = most
            self.hear("mode", OptimizeMode(optimize_mode).value)

        def hear(self, *words):
            print(json.dumps(words), file=open("heard", "a"))

        def update_search_space(self, search_space):
            self.space = search_space

        def generate_parameters(self, parameter_id, **kwargs):
            if parameter_id >= self.most:
                raise nni.NoMoreTrialError("that was all")
            drawn = {name: True for name in json2space(self.space)}
            state = np.random.RandomState(random.randrange(2**31))
            whole = json2parameter(self.space, drawn, state)
            assert set(json2space(self.space, oldy=whole)) <= set(drawn)
            values = split_index(whole)
            values["mark"] = beside.MARK
            return values

        def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
            self.hear(parameter_id, extract_scalar_reward(value))

        def trial_end(self, parameter_id, success, **kwargs):
            self.hear(parameter_id, success)

        def import_data(self, data):
            self.hear("import", *(item["value"] for item in data))
"""


@pytest.fixture
def write(folder):
    def written(text, name="own.py"):
        (folder / "tuning").mkdir(exist_ok=True)
        (folder / "tuning" / name).write_text(textwrap.dedent(text))
        return f"{folder / 'tuning' / name}:Own"

    return written


@pytest.fixture
def config(folder):
    def made(**fields):
        return Config("train.py", str(folder), sys.executable, **{"seed": 3, **fields})

    return made


@pytest.fixture
def load(config):
    """Loads the tuner `name` in its own process, which ends with the test."""
    tuners = []

    def load(name, *, maximize=True, args=None):
        settings = config(tuner=name, tuner_args=args or {}, maximize=maximize)
        tuners.append(CustomTuner(settings, SPACE))
        return tuners[-1]

    yield load
    for tuner in tuners:
        tuner.close()


def heard(folder):
    """The calls that the algorithm recorded."""
    return [json.loads(line) for line in (folder / "heard").read_text().splitlines()]


def test_a_tuner_written_for_nni_is_asked_and_told_in_nnis_order(write, load, folder):
    write("MARK = 'm'", "beside.py")
    tuner = load(write(NNI_TUNER), maximize=False)
    asked = [tuner.ask() for _ in range(5)]
    for values in asked:
        own = {key: value for key, value in values.items() if key != "mark"}
        assert SPACE.locate(own) == own
        assert values["mark"] == "m"
    with pytest.raises(Exhausted, match=r"that was all|no more parameters"):
        tuner.ask()
    tuner.tell(asked[3], 0.5)
    tuner.tell(asked[1], None)
    tuner.tell({"x": 0.25, "n": 1, "c": {"_name": "a"}}, 0.75)
    results = [[3, 0.5], [3, True], [1, False]]
    assert heard(folder) == [["mode", "minimize"], *results, ["import", 0.75]]


def test_a_result_reaches_the_tuner_however_it_wrote_the_values(write, load, folder):
    text = """
        import json
        from nni.tuner import Tuner
        class Own(Tuner):
            def update_search_space(self, space):
                pass
            def generate_parameters(self, parameter_id, **kwargs):
                return {"x": 1, "n": 3.0, "c": {"k": 2.0, "_name": "b"}}
            def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
                print(json.dumps([parameter_id, value]), file=open("heard", "a"))
    """
    tuner = load(write(text))
    for result in (0.25, 0.5):
        tuner.tell(tuner.ask(), result)
    assert heard(folder) == [[0, 0.25], [1, 0.5]]


def test_a_tuner_that_draws_from_the_global_generators_repeats_itself(write, load):
    write("MARK = 'm'", "beside.py")
    runs = []
    for _ in range(2):
        tuner = load(write(NNI_TUNER))
        runs.append([tuner.ask() for _ in range(4)])
    assert runs[0] == runs[1]


def test_values_become_json_and_invalid_ones_are_reported(write, load):
    text = """
        import numpy as np
        from tuners import Tuner
        class Own(Tuner):
            left = [{"x": np.float32(0.5), "n": np.int64(3)}, {"x": 7}, 5, {"x": {1}}]
            def ask(self):
                return self.left.pop(0)
            def tell(self, values, metric):
                pass
    """
    tuner = load(write(text))
    assert json.dumps(tuner.ask()) == '{"x": 0.5, "n": 3}'
    with pytest.raises(AnnotateError, match="returned x = 7: 7 is not between 0 and 1"):
        tuner.ask()
    with pytest.raises(AnnotateError, match="returned 5, not a dict"):
        tuner.ask()
    with pytest.raises(AnnotateError, match=r"own.py: the tuner returned \{1\}; set is not a type"):
        tuner.ask()


NNI_SET = """
    from nni.tuner import Tuner
    class Own(Tuner):
        def __init__(self, values):
            self.values = values
        def update_search_space(self, search_space):
            pass
        def generate_parameters(self, parameter_id, **kwargs):
            return {"x": {1}} if self.values is None else self.values
"""


def test_a_short_name_and_a_value_outside_json_name_the_file(write, config):
    def error(values):
        settings = config(tuner=write(NNI_SET), tuner_args={"values": values})
        tuner = CustomTuner(settings, space)
        with pytest.raises(AnnotateError) as raised:
            tuner.ask()
        tuner.close()
        return raised.value

    space = SearchSpace.from_json({"train/lr/uniform": {"_type": "uniform", "_value": [0, 1]}})
    short = error({"lr": 55})
    assert "returned 'lr', which is not a key of the search space" in short.message
    assert short.hint == "use train/lr/uniform"
    assert error(None).message.endswith("own.py: the tuner returned {1}; set is not a type of JSON")


ADVISOR = """
    import json
    from nni.runtime.msg_dispatcher_base import MsgDispatcherBase
    from nni.runtime.protocol import CommandType, send

    class Own(MsgDispatcherBase):
        def __init__(self):
            super().__init__()
            self.count = 0
        def hear(self, *words):
            print(json.dumps(words), file=open("heard", "a"))
        def handle_initialize(self, data):
            self.space = data
        def handle_request_trial_jobs(self, data):
            for _ in range(data):
                if self.count == 3:
                    send(CommandType.NoMoreTrialJobs, "")
                    return
                values = {"x": self.count / 4, "TRIAL_BUDGET": 2}
                job = {"parameter_id": self.count, "parameter_source": "algorithm",
                       "parameters": values}
                self.send(CommandType.NewTrialJob, json.dumps(job))
                self.count += 1
        def handle_report_metric_data(self, data):
            self.hear(data["type"], data["parameter_id"], json.loads(data["value"]))
            if data["type"] == "PERIODICAL" and data["sequence"] >= 1:
                send(CommandType.KillTrialJob, json.dumps(data["trial_job_id"]))
        def handle_trial_end(self, data):
            self.hear(data["event"], json.loads(data["hyper_params"])["parameter_id"])
"""


def test_an_advisor_written_for_nni_is_tuner_and_assessor(write, load, folder):
    tuner = load(write(ADVISOR))
    asked = [tuner.ask() for _ in range(3)]
    assert asked[2] == {"x": 0.5, "TRIAL_BUDGET": 2}
    with pytest.raises(Exhausted):
        tuner.ask()
    assessor = tuner.assessor
    assessor.started(7, {})
    assessor.started(8, asked[1])
    assert assessor.judge(7, [1.0] * 5) is Verdict.KEEP, "it is none of the advisor's"
    assert assessor.judge(8, [0.5]) is Verdict.KEEP
    assert assessor.judge(8, [0.5, 0.6]) is Verdict.STOP
    tuner.tell(asked[1], 0.6)
    tuner.tell(asked[0], None)
    assert heard(folder) == [
        ["PERIODICAL", 1, 0.5],
        ["PERIODICAL", 1, 0.6],
        ["FINAL", 1, 0.6],
        ["EARLY_STOPPED", 1],
        ["FAILED", 0],
    ]


def test_an_assessor_written_for_nni_judges(write, config, folder):
    text = """
        import json
        from nni.assessor import Assessor, AssessResult
        class Own(Assessor):
            def __init__(self, least):
                self.least = least
            def assess_trial(self, trial_job_id, trial_history):
                good = trial_history[-1] >= self.least
                return AssessResult.Good if good else AssessResult.Bad
            def trial_end(self, trial_job_id, success):
                print(json.dumps([trial_job_id, success]), file=open("heard", "a"))
    """
    assessor = CustomAssessor.load(config(assessor=write(text), assessor_args={"least": 0.5}))
    assert assessor.judge(4, [0.1, 0.6]) is Verdict.KEEP
    assert assessor.judge(4, [0.6, 0.1]) is Verdict.STOP
    assessor.finished(4, [0.6, 0.1], ok=False)
    assessor.close()
    assert heard(folder) == [["4", False]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nclass Own(:\n", r"own\.py:2: SyntaxError"),
        ("\nimport nothing_of_this_name\n", r"own\.py:2: ModuleNotFoundError"),
        ("class Owl: pass\n", r"own\.py has no class 'Own'"),
        ("\nclass Own: pass\n", r"own\.py:2: Own is not a tuner"),
        (
            "from nni.tuner import Tuner\nclass Own(Tuner):\n  def __init__(self):\n    1 / 0\n",
            r"own\.py:4: ZeroDivisionError: division by zero",
        ),
        ("from nni.tuner import Tuner\nclass Own(Tuner): pass\n", "has no update_search_space"),
    ],
)
def test_mistakes_in_the_file_are_reported_with_their_line(write, load, text, message):
    with pytest.raises(AnnotateError, match=message):
        load(write(text))


OURS = """
    from tuners import Tuner
    class Own(Tuner):
        def __init__(self, space, *, seed, maximize, name="", size=1):
            super().__init__(space, seed=seed, maximize=maximize)
            self.arguments = {"seed": seed, "name": name, "size": size}
        def ask(self):
            return self.arguments
        def tell(self, values, metric):
            pass
"""


@pytest.mark.parametrize("argument", ["space", "maximize"])
def test_arguments_that_the_experiment_passes_are_refused(write, load, argument):
    with pytest.raises(AnnotateError) as caught:
        load(write(OURS), args={argument: 1})
    assert caught.value.message.endswith(f"own.py:3: Own gets {argument!r} from the experiment")
    assert caught.value.hint == f"leave {argument} out of its arguments"


def test_all_other_arguments_reach_the_users_class(write, load):
    given = {"seed": 9, "name": "mine", "size": 2}
    assert load(write(OURS), args=given).ask() == given


def test_a_syntax_error_is_shown_with_its_line(write, load):
    with pytest.raises(AnnotateError) as caught:
        load(write("class Own:\n    def ask(self:\n"))
    assert caught.value.hint == "def ask(self:"


def test_an_error_in_an_environment_below_the_users_folder_names_the_users_line(
    write, load, folder
):
    packages = folder / "tuning/.venv/lib/python3/site-packages"
    packages.mkdir(parents=True)
    (packages / "library.py").write_text("def fail():\n    raise ValueError('from within')\n")
    text = f"import sys\nsys.path.append({str(packages)!r})\nimport library\nlibrary.fail()\n"
    with pytest.raises(AnnotateError, match=r"own\.py:4: ValueError: from within"):
        load(write(text))


def test_the_experiment_limits_the_loading_of_a_class_for_a_new_space(write, config):
    duration = 0.001  # has passed; the experiment may have a later limit since
    CustomTuner(config(tuner=write(OURS), max_duration=duration), SPACE).close()


def test_a_users_module_never_hides_an_installed_one(write, load):
    write("raise SystemExit('the wrong one')", "statistics.py")
    write("raise SystemExit('the wrong one')", "json.py")
    text = """
        import json, statistics
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                return {"x": statistics.mean(json.loads("[0.5]"))}
            def tell(self, values, metric):
                pass
    """
    assert load(write(text)).ask() == {"x": 0.5}


SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
for step in range(3):
    # @nni.report_intermediate_result(x)
    pass
# @nni.report_final_result(x)
"""

COUNTS = """
    from nni.tuner import Tuner
    class Own(Tuner):
        def __init__(self, parts, breaks_at=99):
            self.parts, self.breaks_at = parts, breaks_at
        def update_search_space(self, space):
            (self.key,) = space
        def generate_parameters(self, parameter_id, **kwargs):
            return {self.key: parameter_id / self.parts}
        def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
            assert parameters[self.key] == value
            if parameter_id == self.breaks_at:
                {}["no such key"]
"""


def test_a_run_with_a_custom_tuner(annotate, folder, write):
    (folder / "train.py").write_text(SCRIPT)
    write(COUNTS)
    words = ["run", "train.py", "--tuner", "tuning/own.py:Own", "--max-trials", 4, "--json"]
    document = json.loads(annotate(*words, "--tuner-args", "parts=8").stdout)
    assert [t["metric"] for t in document["trials"]] == [0.5, 0.0, 0.125, 0.25]


def test_a_bug_during_a_run_keeps_the_results_and_a_fixed_tuner_continues(annotate, folder, write):
    (folder / "train.py").write_text(SCRIPT)
    write(COUNTS)
    words = ["run", "train.py", "--tuner", "tuning/own.py:Own", "--max-trials", 6]
    done = annotate(*words, "--tuner-args", "parts=8", "breaks_at=2", code=2)
    assert "own.py:13: KeyError: 'no such key'" in done.stderr
    assert "receive_trial_result" in done.stderr
    assert "annotate resume" in done.stderr
    write(COUNTS.replace('{}["no such key"]', "pass"))
    document = json.loads(annotate("resume", "--json").stdout)
    assert [t["metric"] for t in document["trials"]] == [0.5, 0.0, 0.125, 0.25, 0.375, 0.5]
    assert document["state"] == "DONE"
