"""Values written into data files: every parser reads them, and no other byte changes."""

import io
import json
from pathlib import PurePosixPath

import json5
import omegaconf
import pytest
import tomlkit
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from annotate.apply import apply
from annotate.data.data_file import render
from annotate.export import export

NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or abs(x) > 1e-300),
)
WORDS = st.sampled_from(
    ["yes", "No", "null", "~", "1e-3", "0x1", "1_0", "2020-01-01", "a: b", "a #b", "- a", "[", ""]
)
SCALARS = st.one_of(NUMBERS, st.booleans(), st.none(), WORDS, st.text(max_size=12))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4))


def ruamel(text):
    return YAML(typ="safe", pure=True).load(text)


def omega(text):
    config = omegaconf.OmegaConf.load(io.StringIO(text))
    return omegaconf.OmegaConf.to_container(config, resolve=False)


def same(a, b):
    return json.dumps(a) == json.dumps(b)


YAML_LIKE = [
    "1",
    "1e-3",
    "0.5",
    ".5",
    "plain",
    "'single'",
    '"double"',
    "yes",
    "~",
    "[1, a]",
    "{a: 1}",
]
TOML_LIKE = ["1", "1e-3", "1_000", "0x1f", "'literal'", '"basic"', "true", "[1, 2]", "2020-01-01"]
JSON_LIKE = ["1", "1e-3", "0.5", '"text"', "true", "null", "[1, 2]", '{"a": 1}']
NEWLINES = st.sampled_from(["\n", "\r\n"])


def check(name, text, value, readers, *, bom=False):
    """Write `value` into the annotated `x` of the text, and read the text with each parser."""
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    option = value if isinstance(value, (int, float, str, type(None))) else repr(value)
    key = f"{name}/x/choice"
    below = PurePosixPath(name)
    new, kept = render(data, {key: option}, path=name, module=name)
    assert kept == {}
    start = data.index(b"x") + 1
    rest = data.index(b"  # @nni") if b"  # @nni" in data else data.index(b" // @nni")
    assert new[:start] == data[:start]
    assert new[-(len(data) - rest) :] == data[rest:]
    for read in readers:
        parsed = read(new.decode("utf-8-sig"))
        assert same(parsed["x"], value), (read, new)
        assert parsed["y"] == "end"
    done = apply(data, data, {key: option}, path=name, below=below)
    assert not done.misfits
    assert done.after in (new, data), "what stands there already is not touched"
    alone = export(data, {key: option}, path=name, below=below).decode("utf-8-sig")
    assert "@nni" not in alone
    assert done.after == data or same(readers[0](alone)["x"], value)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from(YAML_LIKE), NEWLINES, st.booleans())
def test_every_yaml_parser_reads_the_written_value(value, like, newline, bom):
    lines = [
        "# é top",
        f"x: {like}  # @nni.variable(nni.choice({value!r}, 'other one'), name=x)  # why",
        "y:  end  # é",
    ]
    readers = [ruamel, yaml.safe_load, omega] if not bom else [ruamel]
    check("a.yaml", newline.join([*lines, ""]), value, readers, bom=bom)


def has_none(value):
    return value is None or (isinstance(value, list) and None in value)


@settings(max_examples=100, deadline=None)
@given(VALUES.filter(lambda v: not has_none(v)), st.sampled_from(TOML_LIKE), NEWLINES)
def test_every_toml_parser_reads_the_written_value(value, like, newline):
    if like.startswith("2020") and isinstance(value, str) and value.startswith("2020"):
        return  # a date takes a date's place
    lines = [
        "# é top",
        f"x = {like}  # @nni.variable(nni.choice({value!r}, 'other one'), name=x)  # why",
        "y='end'  # é",
    ]
    check("a.toml", newline.join([*lines, ""]), value, [lambda t: tomlkit.parse(t).unwrap()])


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from(JSON_LIKE), NEWLINES)
def test_every_json_parser_reads_the_written_value(value, like, newline):
    line = f'  "x": {like}, // @nni.variable(nni.choice({value!r}, "other one"), name=x) // why'
    lines = ["{ // é top", line, '  "y":"end" /* é */ }']
    check("a.json", newline.join(lines), value, [json5.loads])


@pytest.mark.parametrize(
    ("name", "old", "option", "new"),
    [
        ("a.yaml", "1e-3", 0.002, "2.0e-3"),
        ("a.yaml", "1.5E+3", 2000.0, "2.0E+3"),
        ("a.yaml", "0.10", 0.25, "0.25"),
        ("a.yaml", "0o17", 9, "9"),
        ("a.yaml", "yes", False, "false"),
        ("a.yaml", "True", False, "False"),
        ("a.yaml", "TRUE", False, "FALSE"),
        ("a.yaml", "~", "a", "a"),
        ("a.yaml", "'a'", "it's", "'it''s'"),
        ("a.yaml", '"a"', "é", '"é"'),
        ("a.yaml", "adam", "no", "'no'"),
        ("a.yaml", "2020-01-31", "2021-02-28", "2021-02-28"),
        ("a.toml", "1e-3", 0.002, "2e-3"),
        ("a.toml", "1_000", 20000, "20_000"),
        ("a.toml", "'a'", "b", "'b'"),
        ("a.toml", "2020-01-31", "2021-02-28", "2021-02-28"),
        ("a.json", "1E-3", 0.002, "2E-3"),
        ("a.json", "1.0", 2.0, "2.0"),
        ("a.json5", "'a'", "b", "'b'"),
        ("a.json5", ".5", 0.25, ".25"),
    ],
)
def test_a_new_value_is_written_in_the_style_of_the_old_one(name, old, option, new):
    lines = {"yaml": "x: {}  # @nni.{}\n", "toml": "x = {}  # @nni.{}\n"}
    line = lines.get(name[2:], '{{"x": {}, // @nni.{}\n}}\n')
    domains = {int: "randint(0, 99999)", float: "uniform(0, 9999)"}
    domain = domains.get(type(option), f"choice({option!r}, 'other')")
    value = {f"{name}/x/{domain.partition('(')[0]}": option}
    source = line.format(old, domain).encode()
    rendered, _ = render(source, value, path=name, module=name)
    assert rendered.decode() == line.format(new, domain)
