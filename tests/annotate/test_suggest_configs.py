"""Which values of YAML, TOML and JSON files get a proposal, and how it is placed."""

import pytest

from annotate.errors import AnnotateError
from annotate.formats import expand_module
from annotate.suggest import insert, suggest

YAML = """\
seed: 1
model: {hidden: 64, dropout: 0.1}   # wide
optimizer:
  lr: 1e-3
  weight_decay: 0.0
  nesterov: true
scheduler:
  _target_: torch.optim.lr_scheduler.StepLR
  gamma: 0.1
  min_lr: 1e-5
heads:
  - dropout: 0.1
val: {batch_size: 32}
"""
ANNOTATED_YAML = """\
seed: 1
model: {hidden: 64, dropout: 0.1}   # @nni.variable(nni.uniform(0.0, 0.5), name=dropout)  # wide
optimizer:
  lr: 1e-3  # @nni.loguniform(1e-5, 0.1)
  weight_decay: 0.0  # @nni.choice(0.0, nni.loguniform(1e-6, 0.01))
  nesterov: true  # @nni.choice(true, false)
scheduler:
  _target_: torch.optim.lr_scheduler.StepLR
  gamma: 0.1  # @nni.uniform(0.1, 0.9)
  min_lr: 1e-5  # @nni.loguniform(1e-7, 1e-5)
heads:
  - dropout: 0.1  # @nni.uniform(0.0, 0.5)
val: {batch_size: 32}
"""
TOML = """\
[xgb]
eta = 0.1
max_depth = 6  # deep
booster = "gbtree"
"""
ANNOTATED_TOML = """\
[xgb]
eta = 0.1  # @nni.loguniform(0.01, 1.0)
max_depth = 6  # @nni.quniform(3, 12, 1)  # deep
booster = "gbtree"  # @nni.choice("gbtree", "dart")
"""
JSON = """\
{
  // for the paper
  "lr": 0.001,
  "hidden_sizes": [64, 32], // narrow
  "batch_size": 32
}
"""
ANNOTATED_JSON = """\
{
  // for the paper
  "lr": 0.001,  // @nni.loguniform(1e-5, 0.1)
  "hidden_sizes": [64, 32], // @nni.choice([32, 16], [64, 32], [128, 64])  // narrow
  "batch_size": 32  // @nni.choice(16, 32, 64)
}
"""


def proposed(text, path):
    return suggest(text.encode(), path=path, module=path)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param("c.yaml", YAML, ANNOTATED_YAML, id="YAML"),
        pytest.param("c.toml", TOML, ANNOTATED_TOML, id="TOML"),
        pytest.param("c.json", JSON, ANNOTATED_JSON, id="JSON"),
        pytest.param("c.toml", TOML.replace("\n", "\r\n"), None, id="CRLF"),
    ],
)
def test_a_configuration_gets_proposals_and_no_mistakes(path, text, expected):
    suggestions = proposed(text, path)
    new = insert(suggestions.source, suggestions.proposals, path=path)
    assert new.decode() == (expected or ANNOTATED_TOML.replace("\n", "\r\n"))
    assert len(expand_module(new, path, path).places) == len(suggestions.proposals)
    assert proposed(new.decode(), path).proposals == ()


FRIENDS = {
    "no training": ("c.yaml", "services:\n  web: {depth: 4, width: 3}\n"),
    "a package": ("package.json", '{"version": "1.0", "depth": 4}'),
    "a published model": (
        "config.json",
        '{"architectures": ["Bert"], "model_type": "bert", "hidden_size": 768,\n"dropout": 0.1}',
    ),
    "sizes of a model that is loaded": (
        "c.yaml",
        "epochs: 3\nmodel_name_or_path: bert-base-uncased\nhidden_size: 768\n",
    ),
    "sizes below the name of a published model": (
        "c.yaml",
        "epochs: 3\nmodels:\n  bert-base: {hidden_size: 768}\n  gpt2:\n    n_layer: 12\n",
    ),
    "the zero of a group": ("c.yaml", "epochs: 3\ng:\n- params: x\n  weight_decay: 0.0\n"),
    "rows of a database": ("c.toml", "epochs = 3\n[database]\nbatch_size = 500\n"),
    "the temperature of sampling": ("c.yaml", "epochs: 3\ntemperature: 0.7\ntop_p: 0.9\n"),
    "the temperature below sampling": ("c.yaml", "epochs: 3\nsampling:\n  temperature: 0.8\n"),
    "a population": ("c.yaml", "epochs: 3\npopulation_size: 100\n"),
    "measuring": ("c.yaml", "epochs: 3\neval:\n  dropout: 0.1\n"),
    "a value given elsewhere": ("c.yaml", "a: &x 3\ndropout: *x\nlr:\n"),
}


def test_base_lr_is_a_lower_bound_only_beside_max_lr():
    alone, beside = (
        proposed("base_lr: 0.01\n", "c.yaml"),
        proposed("base_lr: 0.01\nmax_lr: 0.1\n", "c.yaml"),
    )
    assert alone.proposals[0].annotation == "@nni.loguniform(1e-4, 1.0)"
    assert beside.proposals[0].annotation == "@nni.loguniform(1e-4, 0.01)"


@pytest.mark.parametrize(("path", "text"), FRIENDS.values(), ids=FRIENDS)
def test_a_false_friend_gets_no_proposal(path, text):
    assert proposed(text, path).proposals == ()


def test_json_without_comments_is_recognised():
    assert proposed('{"lr": 0.1}', "c.json").is_bare_json
    assert not proposed(JSON, "c.json").is_bare_json
    assert not proposed('{"lr": 0.1}', "c.json5").is_bare_json


def test_a_line_with_two_values_or_a_block_comment_has_no_room():
    suggestions = proposed('{"lr": 0.1, "momentum": 0.9,\n"dropout": 0.5 /* half */}', "c.json")
    assert [value.name for value in suggestions.proposals] == ["lr"]
    whys = [value.why.partition(";")[0] for value in suggestions.skipped]
    assert whys == ["a line can hold only one annotation", "the line has a block comment"]


def test_a_file_that_cannot_be_parsed_is_reported_with_its_line():
    with pytest.raises(AnnotateError, match=r"c.yaml:3: the file cannot be parsed"):
        proposed("lr: 0.1\na: [1\n", "c.yaml")
