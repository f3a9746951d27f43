"""Random annotated programs run the same when expanded, and trials match a reference.

The reference is the same program with each chosen value written in the place of the annotated one.
"""

import os
import sys
import textwrap
import traceback
import types
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotate.instrument import expand

PRELUDE = """\
log = []
v0 = 1
def f(x): log.append(('f', repr(x))); return x
def g(x): log.append(('g', repr(x))); return [x]
def kw(**k): return sorted(k.items())
def shown(x): return 'function' if callable(x) else repr(x)
def drive(coroutine):
    try: coroutine.send(None)
    except StopIteration: pass
"""


@dataclass
class Piece:
    """Lines of a program as written, the same with a trial's values, and those values."""

    source: list
    reference: list
    values: dict = field(default_factory=dict)

    def __add__(self, other):
        return Piece(
            self.source + other.source,
            self.reference + other.reference,
            {**self.values, **other.values},
        )

    def under(self, *header):
        def indented(lines):
            return [*header, *textwrap.indent("\n".join(lines), "    ").split("\n")]

        return Piece(indented(self.source), indented(self.reference), self.values)


class Numbers:
    """Numbers that make names unique."""

    def __init__(self):
        self.last = 0

    def new(self):
        self.last += 1
        return self.last


NUMBERS = st.one_of(st.integers(-9, 9), st.floats(-1, 1, allow_subnormal=False))
EXPRESSIONS = st.sampled_from(
    ["v0", "v0 + 1", "-v0", "f(v0)", "g( 2 )", "[v0, 'a']", "(lambda: v0)()", "'#'", "None",
     "dict([(1, v0)])", "[i for i in range(3)]", "v0 if v0 else 2", "(w := 3)", "True",
     "f'{v0}'", "-1.5"]
)  # fmt: skip
#: How a value can be annotated: the lines, with {value}, {name} and {domain}.
TARGETS = st.sampled_from(
    [
        "{name} = {value}  # @nni.{short}",
        "{name} = {value}  # @nni.variable({domain}, name={name})  # remark",
        "# @nni.variable({domain}, name={name})\n\n{name} = {value}",
        "'''@nni.variable({domain}, name={name})'''\n{name} = {value}",
        "#@nni.variable(\n# {domain})\n{name}: object = {value}",
        "{name} = (\n    {value}\n)  # @nni.{short}",
        "a = 1; {name} = {value}  # @nni.variable({domain}, name={name})",
        "if v0 is not None: {name} = {value}  # @nni.{short}\nelse: {name} = 0",
        "d = {{\n    1: 2,\n    '{name}': {value},  # @nni.{short}\n}}\n{name} = d['{name}']",
        "k = kw(\n    # @nni.variable({domain}, name={name})\n    {name}={value},\n)\n{name} = k",
        "def h({name}={value}, *a):  # @nni.{short}\n    return {name}\n{name} = h()",
        "{name} = (lambda *, {name}={value}: {name})()  # @nni.variable({domain}, name={name}_)",
    ]
)


@st.composite
def variables(draw, numbers):
    template = draw(TARGETS)
    name = f"n{numbers.new()}"
    options = draw(st.lists(EXPRESSIONS, min_size=1, max_size=4, unique=True))
    written = draw(st.one_of(st.sampled_from(options), EXPRESSIONS, NUMBERS.map(repr)))
    if draw(st.booleans()):
        domain, value = "nni.uniform(-1, 2 ** 3)", draw(st.floats(-1, 8))
        chosen, key = repr(value), f"m/{name}/uniform"
    else:
        domain, chosen = f"nni.choice({', '.join(options)})", draw(st.sampled_from(options))
        key = f"m/{name}/choice"
        literals = {"'#'": "#", "None": None, "True": True, "-1.5": -1.5}
        value = literals.get(chosen, chosen)
    target = f"{name}_" if "{name}_" in template else name
    if target != name:  # two values end there, so the name selects the parameter of the lambda
        template = (
            template.replace("{name}_", "{name}").replace("{name} = (l", "z = (l") + "\n{name} = z"
        )
    form = {"name": name, "domain": domain, "short": domain.removeprefix("nni.")}
    given = draw(st.booleans())
    log = f"log.append(({name!r}, shown({name})))"
    source = template.format(value=written, **form).split("\n")
    reference = template.format(value=chosen if given else written, **form).split("\n")
    return Piece([*source, log], [*reference, log], {key: value} if given else {})


@st.composite
def calls(draw, numbers):
    """A call of a separate function, so that its key is unique."""
    callee = f"c{numbers.new()}"
    written = f"{callee}(v0, 1)"
    # A walrus is not allowed everywhere that a call is.
    option = draw(EXPRESSIONS.filter(lambda text: ":=" not in text))
    options = [f"{callee}( v0,1 )", option]
    chosen = draw(st.sampled_from(options))
    annotation = draw(
        st.sampled_from(
            [
                "# @nni.function_choice({}, {}, name={})\nz = [{call}]",
                "'''@nni.function_choice(\n{}, {},\nname={})'''\nz = [i for i in [{call}]]",
                "z = {call}  # @nni.function_choice({}, {}, name={})",
                "# @nni.function_choice(\n#  {},  # remark\n#  {}, name={})\nz = y = f(x={call})",
            ]
        )
    )
    given = draw(st.booleans())
    literals = {"'#'": "#", "None": None, "True": True, "-1.5": -1.5}
    define = f"def {callee}(*a): log.append(({callee!r}, a)); return a"
    lines = annotation.format(*options, callee, call="\0").split("\n")
    log = "log.append(('z', repr(z)))"
    source = [define, *(line.replace("\0", written) for line in lines), log]
    new = f"({chosen})" if given else written
    reference = [define, *(line.replace("\0", new) for line in lines), log]
    key = f"m/{callee}/function_choice"
    return Piece(source, reference, {key: literals.get(chosen, chosen)} if given else {})


BLOCKS = [
    ("if v0:",),
    ("for i in range(2):",),
    ("try:",),
    ("with open(__import__('os').devnull) as handle:",),
    ("while True:",),
    ("class A:",),
]


@st.composite
def programs(draw, numbers, depth=0):
    program = Piece([], [])
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 4 if depth < 2 else 2))
        if kind <= 1:
            program += draw(variables(numbers))
        elif kind == 2:
            program += draw(calls(numbers))
        else:
            program += draw(blocks(numbers, depth))
    return program


@st.composite
def blocks(draw, numbers, depth):
    inner = draw(programs(numbers, depth + 1))
    if draw(st.booleans()):
        report = ["# @nni.report_intermediate_result(v0)"]
        inner += Piece(report, ["log.append(('report', v0))"])
    name = f"b{numbers.new()}"
    header = draw(st.sampled_from([*BLOCKS, (f"def {name}():",), (f"async def {name}():",)]))
    if header == ("while True:",):
        inner += Piece(["break"], ["break"])
    block = inner.under(*header)
    if header == ("try:",):
        tail = ["finally:", "    log.append('finally')"]
        block += Piece(tail, tail)
    if "def" in header[0]:
        call = f"drive({name}())" if "async" in header[0] else f"{name}()"
        block += Piece([call], [call])
    return block


class Trial(types.ModuleType):
    """The functions that expanded code calls, in their shortest form."""

    def __init__(self, values, log):
        super().__init__("nni")
        self.values, self.log = values, log

    def given(self, key):
        return key in self.values

    def value(self, key):
        return self.values[key]

    def chosen(self, key, option):
        value = self.values.get(key, self)
        return type(value) is type(option) and value == option

    def written(self, key, value, option=None):
        return value

    def report_intermediate_result(self, value):
        self.log.append(("report", value))


def run(text, values=None):
    """The program's log, and its error and line if it fails, as some do."""
    names = {"__name__": "m"}
    exec(compile(PRELUDE, "prelude.py", "exec"), names)
    before = sys.modules.get("nni")
    sys.modules["nni"] = Trial(values or {}, names["log"])
    failure = None
    try:
        exec(compile(text, "m.py", "exec", dont_inherit=True), names)
    except Exception as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        lines = [line for _, line in traceback.walk_tb(error.__traceback__)]
        ours = [n for f, n in zip(frames, lines, strict=True) if f.f_code.co_filename == "m.py"]
        failure = type(error), ours
    finally:
        sys.modules.pop("nni")
        if before is not None:
            sys.modules["nni"] = before
    return names["log"], failure


@settings(
    max_examples=3000 if os.environ.get("ANNOTATE_FULL") else 150,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.deferred(lambda: programs(Numbers())))
def test_an_expanded_program_runs_like_the_plain_one_and_a_trial_like_the_reference(program):
    source, reference = "\n".join(program.source) + "\n", "\n".join(program.reference) + "\n"
    code = expand(source.encode(), path="m.py", module="m").code.decode()
    assert code.count("\n") == source.count("\n")
    plain = [entry for entry in run(code)[0] if entry[0] != "report"]
    assert plain == run(source)[0]
    assert run(code)[1] == run(source)[1]
    assert run(code, program.values) == run(reference)
