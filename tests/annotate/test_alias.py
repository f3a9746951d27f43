"""The alias of a function_choice: the name that the script gives its value, if that is certain."""

import json
from pathlib import PurePosixPath

import pytest

from annotate import formats
from annotate.apply import apply
from annotate.errors import SpaceError
from annotate.parameter import Parameter
from annotate.space import SearchSpace

NOTE = "# @nni.function_choice(A(1), B(1), name=A)\n"
SCALER = "# @nni.function_choice(MinMaxScaler(), StandardScaler())\nscaler = MinMaxScaler()\n"


def space_of(code):
    expansion = formats.expand(code.encode(), "train.py", PurePosixPath("train.py"))
    return SearchSpace(expansion.parameters)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (NOTE + "scaler = A(1)\n", "scaler"),
        (NOTE + "scaler: Any = A(1)\nuse(scaler=scaler)\n", "scaler"),
        (NOTE + "scaler = (A(1))\nscaler == 2\n", "scaler"),
        (NOTE + "self.scaler = A(1)\n", "self.scaler"),
        ("scaler = A(1)  # @nni.function_choice(A(1), B(1))\n", "scaler"),
        ("f(\n    # @nni.function_choice(A(1), B(1))\n    scaler=A(1), x=2)\n", "scaler"),
        ("f(scaler=A(1))  # @nni.function_choice(A(1), B(1))\n", "scaler"),
        ('d = {"scaler": A(1)}  # @nni.function_choice(A(1), B(1))\n', "scaler"),
        (NOTE + "scaler = B(1), A(1)\n", "A"),
        (NOTE + "scaler = f(A(1))\n", "A"),
        (NOTE + "scaler = A(1)\nscaler = f(scaler)\n", "A"),
        (NOTE + "scaler = A(1)\nscaler += 1\n", "A"),
        (NOTE + "a, b = A(1), A(2)\n", "A"),
        (NOTE.replace("(1)", "(x)") + "x = A(x)\n", "A"),
        (NOTE + "a = A(1)\n" + NOTE + "b = A(1)\n", "A"),
        (NOTE + "A(1)\n", "A"),
    ],
)
def test_a_function_choice_is_called_what_its_value_is_called(code, name):
    space = space_of(code)
    assert space.names == {"train/A/function_choice": name}
    for typed in {name, "A", "train/A", f"train/{name}", "train/A/function_choice"}:
        assert space.resolve(typed).key == "train/A/function_choice"


def test_a_parameter_of_that_name_takes_precedence():
    first = "scaler = 3  # @nni.randint(1, 9)\n"
    space = space_of(
        first + SCALER.replace("scaler = Min", "f(scaler=Min").replace("()\n", "())\n")
    )
    assert list(space.names.values()) == ["scaler", "MinMaxScaler"]
    assert space.resolve("scaler").key == "train/scaler/randint"


def test_an_alias_that_two_parameters_share_is_dropped():
    a, b = (
        Parameter(
            f"{module}/{callee}/function_choice", space_of(SCALER).parameters[0].domain, "scaler"
        )
        for module, callee in (("a", "Min"), ("b", "Max"))
    )
    space = SearchSpace((a, b))
    assert list(space.names.values()) == ["a/scaler", "b/scaler"]
    with pytest.raises(SpaceError, match="several parameters are named"):
        space.resolve("scaler")


def test_only_the_stored_format_has_aliases():
    space = space_of(SCALER)
    (nni,) = space.to_json().values()
    assert set(nni) == {"_type", "_value"}
    stored = SearchSpace.from_json(json.loads(json.dumps(space.to_stored())))
    assert stored.names == space.names
    plain = SearchSpace.from_json(space.to_json())
    assert plain == space
    assert list(plain.names.values()) == ["MinMaxScaler"]
    assert plain.with_names_of(space).names == space.names
    typed = SearchSpace.from_json({"scaler": nni})
    assert typed.with_names_of(space) == space
    with pytest.raises(SpaceError, match="defined twice"):
        SearchSpace.from_json({"scaler": nni, **space.to_json()}).with_names_of(space)


def test_a_choice_that_was_written_back_is_listed_by_its_alias():
    code = SCALER.encode()
    values = {"train/MinMaxScaler/function_choice": "StandardScaler()"}
    done = apply(code, code, values, path="train.py", below=PurePosixPath("train.py"))
    assert [fit.name for fit in done.fits] == ["scaler"]
    assert b"scaler = StandardScaler()" in done.after
    second = space_of(done.after.decode())
    assert second.names == {"train/MinMaxScaler/function_choice": "scaler"}
