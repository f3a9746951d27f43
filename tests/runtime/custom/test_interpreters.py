"""Which modules a custom algorithm imports, in each interpreter of this machine."""

import json
import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

import annotate
from annotate.domains import DOMAINS
from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.custom import CustomTuner

SPACE = SearchSpace.from_json(
    {
        f"{name}{number}": {"_type": name, "_value": arguments}
        for name, domain in DOMAINS.items()
        for number, arguments in enumerate(domain.examples)
    }
    | {
        "nested": {
            "_type": "choice",
            "_value": [{"_name": "a"}, {"_name": "b", "k": {"_type": "randint", "_value": [0, 9]}}],
        }
    }
)

EVERY_DOMAIN = """
    import sys
    from tuners import Tuner
    import only_there

    class Generator:
        # The part of numpy's that the domains draw from.
        def __init__(self, seed):
            import random
            self._state = random.Random(seed)
            self.random, self.normal = self._state.random, self._state.gauss
        def integers(self, low, high):
            return self._state.randrange(low, high)

    class Own(Tuner):
        def ask(self):
            values = self.space.sample(Generator(self.seed))
            assert self.space.locate(values) == values
            return {**values, "python": sys.executable, "there": only_there.NAME}
        def tell(self, values, metric):
            assert self.space.locate(values) == values
"""


@pytest.fixture
def load(folder):
    """Loads a tuner with this source in its own process, which ends with the test."""
    tuners = []

    def made(text, python, name="own.py", space=SPACE):
        (folder / name).write_text(textwrap.dedent(text))
        reference = f"{folder / name}:Own"
        tuners.append(CustomTuner(Config("t.py", str(folder), python, tuner=reference), space))
        return tuners[-1]

    yield made
    for tuner in tuners:
        tuner.close()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Packages (name, text) that only the user's processes find, through PYTHONPATH."""
    place = tmp_path / "packages of the user's"
    place.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(place))

    def write(name, text):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(textwrap.dedent(text))

    return write


def test_an_algorithm_runs_in_the_trials_interpreter_with_its_packages(load, package, python):
    package("only_there.py", "NAME = 'there'")
    tuner = load(EVERY_DOMAIN, python)
    values = tuner.ask()
    assert Path(values.pop("python")).samefile(python)
    assert values.pop("there") == "there"
    assert SPACE.locate(values) == values
    assert json.dumps(SPACE.locate(values)) == json.dumps(values), "ints stay ints"
    tuner.tell(values, None)
    tuner.tell(values, float("nan"))
    assert json.dumps(tuner.ask().keys() - values.keys(), default=sorted) == '["python", "there"]'


def test_modules_with_our_names_are_the_users_own(load, package, python):
    for name in ("annotate", "runtime", "tuners"):
        package(f"{name}/__init__.py", f"NAME = 'own {name}'")
    text = """
        import annotate, runtime, tuners, typing, random
        from nni.tuner import Tuner
        class Own(Tuner):
            def update_search_space(self, space):
                pass
            def generate_parameters(self, number, **kwargs):
                return {m.__name__: m.NAME for m in (annotate, runtime, tuners)}
    """
    values = load(text, python).ask()
    assert values == {n: f"own {n}" for n in ("annotate", "runtime", "tuners")}


def test_the_contract_is_found_even_if_the_user_has_a_tuners_module(load, folder, python):
    (folder / "tuners.py").write_text("from tuners import Tuner\nHALF = 0.5\n")
    text = """
        import tuners
        from tuners import HALF, Tuner
        from tuners.base import Verdict
        class Own(Tuner):
            def ask(self):
                return {"half": HALF, "place": tuners.__file__}
            def tell(self, values, metric):
                pass
    """
    values = load(text, python).ask()
    assert values == {"half": 0.5, "place": str(folder / "tuners.py")}


def test_an_algorithm_may_be_in_a_file_named_tuners(load, python):
    text = """
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                return {"x": 1}
            def tell(self, values, metric):
                pass
    """
    assert load(text, python, "tuners.py").ask() == {"x": 1}


def test_only_the_contract_of_our_modules_is_imported(load, python):
    text = """
        import sys
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                ours = {"annotate", "runtime", "tuners"}
                return {name: 1 for name in sys.modules if name.partition(".")[0] in ours}
            def tell(self, values, metric):
                pass
    """
    imported = load(text, python).ask()
    assert "runtime" not in imported
    assert "annotate" not in imported, "nothing of the user's asked for it"


def test_installed_copies_of_our_packages_hide_none_of_the_users_modules(
    load, package, folder, python
):
    root = Path(annotate.__file__).parent.parent
    for name in ("annotate", "runtime", "tuners"):
        shutil.copytree(root / name, Path(os.environ["PYTHONPATH"]) / name)
    (folder / "tuners.py").write_text("HALF = 0.5\n")
    text = """
        from tuners import HALF, Tuner
        class Own(Tuner):
            def ask(self):
                try:
                    import runtime
                except ModuleNotFoundError as error:
                    return {"half": HALF, "error": str(error)}
            def tell(self, values, metric):
                pass
    """
    assert load(text, python).ask() == {"half": 0.5, "error": "No module named 'runtime'"}


BUILT_ON_OURS = """
    from tuners.fresh import FreshTuner
    class Own(FreshTuner):
        def propose(self, rng):
            return self.space.sample(rng)
"""


def test_a_subclass_of_our_tuner_needs_that_tuners_packages(load, python):
    code = "import sys; assert sys.version_info >= (3, 10); import numpy"
    able = subprocess.run([python, "-c", code], check=False, stderr=subprocess.DEVNULL)
    if able.returncode == 0:
        values = load(BUILT_ON_OURS, python).ask()
        assert SPACE.locate(values) == values
        return
    words = "own.py:2: .*(needs Python 3.10 or newer; .* is 3|No module named 'numpy')"
    with pytest.raises(AnnotateError, match=words):
        load(BUILT_ON_OURS, python)
