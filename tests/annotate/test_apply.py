"""Values written back into the source, in the author's style, with every other byte preserved."""

from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.apply import apply
from annotate.export import export
from annotate.instrument import expand
from annotate.kinds import (
    assignment,
    carrier,
    choice,
    default,
    entry,
    function_choice,
    keyword,
    numeric,
    option,
    variable,
)
from annotate.snippets import same_code
from annotate.source import Source
from annotate.space import SearchSpace

BELOW = PurePosixPath("train.py")


def written(source, values, then=None):
    data = source if isinstance(source, bytes) else source.encode()
    before = data if then is None else then.encode()
    return apply(data, before, values, path="train.py", below=BELOW)


def baked(source, values):
    return export(source.encode(), values, path="train.py", below=BELOW).decode()


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        pytest.param(
            "lr = 1e-3  # @nni.loguniform(1e-5, 1)  # usual\n",
            {"lr/loguniform": 0.0234},
            "lr = 2.34e-2  # @nni.loguniform(1e-5, 1)  # usual\n",
            id="a number in the author's style",
        ),
        pytest.param(
            "opt = \"adam\"  # @nni.choice('adam', 'sgd')\n",
            {"opt/choice": "sgd"},
            "opt = \"sgd\"  # @nni.choice('adam', 'sgd')\n",
            id="a string between the author's quotes",
        ),
        pytest.param(
            "act = relu  # @nni.choice(relu, nn.Tanh())\n",
            {"act/choice": "nn.Tanh()"},
            "act = nn.Tanh()  # @nni.choice(relu, nn.Tanh())\n",
            id="an option that is code",
        ),
        pytest.param(
            "drop = 0  # @nni.choice(0, nni.uniform(0.1, 1))\n",
            {"drop/choice": {"_name": "nni.uniform(0.1, 1)", "uniform": 0.25}},
            "drop = 0.25  # @nni.choice(0, nni.uniform(0.1, 1))\n",
            id="a domain inside a choice",
        ),
        pytest.param(
            "x = (\n    1 +\n    2  # @nni.uniform(0, 9)\n)\n",
            {"x/uniform": 3.5},
            "x = (\n    3.5  # @nni.uniform(0, 9)\n)\n",
            id="inside the value's own brackets",
        ),
        pytest.param(
            "m = f(h=(32,),  # @nni.variable(nni.choice((32,), (64, 8)), name=h)\n)\n",
            {"h/choice": "(64, 8)"},
            "m = f(h=(64, 8),  # @nni.variable(nni.choice((32,), (64, 8)), name=h)\n)\n",
            id="a tuple, with the brackets that make it one",
        ),
        pytest.param(
            "h = ((32, 8))  # @nni.choice((32, 8), 64)\nk = 1, 2  # @nni.choice((1, 2), (3, 4))\n",
            {"h/choice": 64, "k/choice": "(3, 4)"},
            "h = (64)  # @nni.choice((32, 8), 64)\nk = (3, 4)  # @nni.choice((1, 2), (3, 4))\n",
            id="a tuple in more brackets, or in none",
        ),
        pytest.param(
            "# @nni.function_choice(f(x), g(x), name=f)\ny = f(x) ** 2\n",
            {"f/function_choice": "g(x)"},
            "# @nni.function_choice(f(x), g(x), name=f)\ny = g(x) ** 2\n",
            id="a call",
        ),
        pytest.param(
            "# @nni.function_choice(f(x), -x, name=f)\ny = f(x) ** 2\n",
            {"f/function_choice": "-x"},
            "# @nni.function_choice(f(x), -x, name=f)\ny = (-x) ** 2\n",
            id="brackets where the code around would take it apart",
        ),
        pytest.param(
            "y = f(x)  # @nni.function_choice(f(x), g(x))\n",
            {"f/function_choice": "g(x)"},
            "y = g(x)  # @nni.function_choice(f(x), g(x), name=f)\n",
            id="the function's name is kept in the annotation",
        ),
        pytest.param(
            "y = f(x) + x  # @nni.function_choice(f(x), x, name=f)\n",
            {"f/function_choice": "x"},
            "y = (x) + x  # @nni.function_choice(f(x), x, name=f)\n",
            id="brackets where an option could not be told",
        ),
        pytest.param(
            "y = f(1) + f(2) + f(3)  # @nni.function_choice(f(2), g(2), name=f)\n",
            {"f/function_choice": "g(2)"},
            "y = f(1) + (g(2)) + f(3)  # @nni.function_choice(f(2), g(2), name=f)\n",
            id="one of several calls of the function",
        ),
        pytest.param(
            "opt = SGD(k=1)  # @nni.choice(SGD(k=1), Adam(k=2))\n",
            {"opt/choice": "Adam(k=2)"},
            "opt = Adam(k=2)  # @nni.choice(SGD(k=1), Adam(k=2))\n",
            id="an option with values of its own",
        ),
        pytest.param(
            "lr = 0.10  # @nni.uniform(0, 1)\n",
            {"lr/uniform": 0.1},
            "lr = 0.10  # @nni.uniform(0, 1)\n",
            id="the same value stays as it is written",
        ),
    ],
)
def test_a_value_is_written_back(before, values, after):
    given_ = {f"train/{key}": value for key, value in values.items()}
    done = written(before, given_)
    assert done.misfits == ()
    assert done.after.decode() == after
    second = written(done.after, given_)
    assert second.after == done.after, "what is written already is written again"


KINDS = [
    assignment, carrier, choice, default, entry, function_choice, keyword, numeric, option, variable
]  # fmt: skip
CASES = [
    pytest.param(case.source, id=f"{kind.__name__.rpartition('.')[2]}: {case.id}")
    for kind in KINDS
    for case in kind.VALID
    if case.space
]


@pytest.mark.parametrize(
    "encode", [str.encode, lambda s: s.replace("\n", "\r\n").encode("utf-8-sig")]
)
@pytest.mark.parametrize("source", CASES)
def test_the_written_file_has_the_same_space_and_the_new_values(source, encode):
    data = encode(source)
    space = SearchSpace(expand(data, path="train.py", module="train").parameters)
    for seed in range(2):
        values = space.sample(np.random.default_rng(seed))
        done = written(data, values)
        if not done.misfits:
            after = expand(done.after, path="train.py", module="train")
            assert [p.to_json() for p in (q.domain for q in after.parameters)] == [
                p.domain.to_json() for p in space
            ]
            codes = {p.key: p.code(values[p.key]) for p in after.places}
            assert all(same_code(p.inner_code, codes[p.key]) for p in after.places)
            assert _outside(done.after) == _outside(data)
        assert not [m for m in done.misfits if "would be ambiguous" not in m.reason]


def _outside(data):
    """Every byte outside values and annotations."""
    places = expand(data, path="train.py", module="train").places
    text, end, parts = Source.decode(data, "train.py").text, 0, [data[:3]]
    spans = {s for p in places for s in (p.span, p.annotation)}
    for start, last in sorted(spans):
        parts.append(text[end:start] if start >= end else "")
        end = max(end, last)
    return [*parts, text[end:]][1:]


@settings(max_examples=30)
@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    share=st.floats(0, 1),
    now=st.sampled_from(["1e-3", "0.5", ".5", "1_000.0", "-1E+05", "2", "(3.)", "a + b"]),
)
def test_the_written_script_computes_the_exact_value(low, width, share, now):
    source = f"a = b = 1\nx = {now}  # @nni.uniform({low!r}, {low + width!r})\n"
    value = min(max(low + share * width, low), low + width)
    done = written(source, {"train/x/uniform": value})
    names = {}
    exec(done.after, names)
    assert (names["x"], type(names["x"])) == (value, float)


THEN = "lr = 0.1  # @nni.uniform(0, 1)\nwd = 0.2  # @nni.uniform(0, 1)\n"
VALUES = {"train/lr/uniform": 0.5, "train/wd/uniform": 0.75}


@pytest.mark.parametrize(
    ("now", "after", "reasons"),
    [
        pytest.param(
            "import x\nwd = 0.3  # @nni.uniform(0, 1)\nf(x)\nlr = 0.1  # @nni.uniform(0, 1)\n",
            "import x\nwd = 0.75  # @nni.uniform(0, 1)\nf(x)\nlr = 0.5  # @nni.uniform(0, 1)\n",
            [],
            id="moved, and other code around",
        ),
        pytest.param(
            "lr = 0.1\nwd = 0.2  # @nni.uniform(0, 1)\n",
            "lr = 0.1\nwd = 0.75  # @nni.uniform(0, 1)\n",
            ["it is no longer annotated"],
            id="an annotation gone",
        ),
        pytest.param(
            "lr = 0.1  # @nni.loguniform(0.1, 1)\nwd = 0.2  # @nni.uniform(0, 1)\n",
            "lr = 0.1  # @nni.loguniform(0.1, 1)\nwd = 0.75  # @nni.uniform(0, 1)\n",
            [
                "it is new, so the trial has no value for it",
                "its domain was uniform(0, 1) and is now loguniform(0.1, 1)",
            ],
            id="another domain",
        ),
        pytest.param(
            "lr = 0.1  # @nni.uniform(0, 0.2)\nwd = 0.2  # @nni.uniform(0, 9)\n",
            "lr = 0.1  # @nni.uniform(0, 0.2)\nwd = 0.75  # @nni.uniform(0, 9)\n",
            [
                "its domain was uniform(0, 1) and is now uniform(0, 0.2): "
                "0.5 is not between 0 and 0.2"
            ],
            id="other bounds: what lies in them fits",
        ),
        pytest.param(
            "lr = 0.1  # @nni.unifrom(0, 1)\n",
            "lr = 0.1  # @nni.unifrom(0, 1)\n",
            ["the file now has mistakes: line 1, A203 there is no directive 'unifrom'"] * 2,
            id="a mistake",
        ),
    ],
)
def test_values_that_fit_a_changed_source_are_written_and_the_others_named(now, after, reasons):
    done = written(now, VALUES, then=THEN)
    assert done.after.decode() == after
    assert [misfit.reason for misfit in done.misfits] == reasons


def test_a_deleted_file_names_all_its_parameters():
    done = apply(None, THEN.encode(), VALUES, path="train.py", below=BELOW)
    assert [(m.name, m.reason) for m in done.misfits] == [
        ("lr", "the file no longer exists"),
        ("wd", "the file no longer exists"),
    ]


def test_parameters_without_a_value_get_their_code_from_the_snapshot():
    assert written("lr = 9  # @nni.uniform(0, 1)\n", {}, THEN.partition("\n")[0] + "\n").after == (
        b"lr = 0.1  # @nni.uniform(0, 1)\n"
    )


def test_an_annotation_inside_the_value_is_never_lost():
    source = "y = f(  # @nni.function_choice(f(x), g(x))\n    x)\n"
    done = written(source, {"train/f/function_choice": "g(x)"})
    assert done.after.decode() == source
    assert "is inside the value" in done.misfits[0].reason


def test_latin_1_and_a_missing_final_newline_are_preserved():
    source = "# coding: latin-1\n# é\nlr = 0.1  # @nni.uniform(0, 1)".encode("latin-1")
    done = apply(source, source, {"train/lr/uniform": 0.5}, path="train.py", below=BELOW)
    assert done.after == source.replace(b"0.1", b"0.5")


EVERYTHING = """\
'''What it does.'''
# @nni.get_next_parameter()
lr = 1e-3  # @nni.loguniform(1e-5, 1)  # usual
# a remark
# @nni.function_choice(relu(x),
#     -x, name=relu)
y = relu(x) ** 2
def f(x):
    '''@nni.report_final_result(x)'''
for i in x:
    g(i)
    # @nni.report_intermediate_result(i)
'''@nni.report_final_result(y)'''
z = (
    2  # @nni.choice(2, 3)
)"""


def test_an_export_has_values_instead_of_annotations_and_is_otherwise_unchanged():
    values = {"train/lr/loguniform": 0.02, "train/relu/function_choice": "-x"}
    assert (
        baked(EVERYTHING, values)
        == """\
'''What it does.'''
lr = 2e-2  # usual
# a remark
y = (-x) ** 2
def f(x):
    pass
for i in x:
    g(i)
z = (
    2
)"""
    )


@pytest.mark.parametrize("source", CASES)
def test_an_export_has_no_annotations_of_any_kind(source):
    space = SearchSpace(expand(source.encode(), path="train.py", module="train").parameters)
    values = space.sample(np.random.default_rng(1))
    code = baked(source, values)
    assert not expand(code.encode(), path="train.py", module="train").annotated
    compile(code, "train.py", "exec")
