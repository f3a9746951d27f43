# ruff: noqa: E501  (sources on one line)
"""Options are evaluated at their place, and only the chosen one."""

import sys

import pytest

#: Each source leaves its result in `out`: as written, and with one trial's values.
CASES = {
    "module": (
        "x = 1\ny = x  # @nni.choice(x, x + 1, missing)\nout = y\n",
        1,
        ("y/choice", "x + 1"),
        2,
    ),
    "class body": (
        "class A:\n    a = 2\n    b = a  # @nni.choice(a, a * 10)\nout = A.b\n",
        2,
        ("b/choice", "a * 10"),
        20,
    ),
    "private name in a method": (
        "class A:\n    __p = 5\n    def f(self):\n"
        "        x = self.__p  # @nni.choice(self.__p, -self.__p)\n        return x\nout = A().f()\n",
        5,
        ("x/choice", "-self.__p"),
        -5,
    ),
    "method with super": (
        "class A:\n    def f(self): return 3\nclass B(A):\n    def f(self):\n"
        "        # @nni.function_choice(super().f(), super().f() + 1)\n"
        "        return super().f()\nout = B().f()\n",
        3,
        ("super().f/function_choice", "super().f() + 1"),
        4,
    ),
    "coroutine": (
        "import asyncio\nasync def g(x): return x\nasync def f():\n"
        "    x = await g(1)  # @nni.choice(await g(1), await g(2), g(3))\n    return x\n"
        "out = asyncio.run(f())\n",
        1,
        ("x/choice", "await g(2)"),
        2,
    ),
    "awaited call": (
        "import asyncio\nasync def g(x): return x\nasync def h(x): return -x\nasync def f():\n"
        "    # @nni.function_choice(g(1), h(1), name=g)\n    return await g(1)\n"
        "out = asyncio.run(f())\n",
        1,
        ("g/function_choice", "h(1)"),
        -1,
    ),
    "generator": (
        "def f():\n    x = yield 1  # @nni.choice((yield 1), (yield 2))\n    yield x\n"
        "g = f()\nout = [next(g), g.send('sent')]\n",
        [1, "sent"],
        ("x/choice", "(yield 2)"),
        [2, "sent"],
    ),
    "yield from": (
        "def f():\n    x = yield from [1, 2]  # @nni.choice((yield from [1, 2]), (yield from 'ab'))\n"
        "out = list(f())\n",
        [1, 2],
        ("x/choice", "(yield from 'ab')"),
        ["a", "b"],
    ),
    "comprehension": (
        "def f(x): return x\nn = 2\n# @nni.function_choice(f(i * n), -i, name=f)\n"
        "out = [f(i * n) for i in range(3)]\n",
        [0, 2, 4],
        ("f/function_choice", "-i"),
        [0, -1, -2],
    ),
    "comprehension in a class body": (
        "def f(x): return x\nclass A:\n    n = 3\n"
        "    # @nni.function_choice(range(n), range(n + 1), name=range)\n"
        "    x = [f(i) for i in range(n)]\nout = A.x\n",
        [0, 1, 2],
        ("range/function_choice", "range(n + 1)"),
        [0, 1, 2, 3],
    ),
    "walrus": (
        "def f(x): return x\n# @nni.function_choice(f(y := 1), f(y := 2), name=f)\n"
        "if f(y := 1): out = y\n",
        1,
        ("f/function_choice", "f(y := 2)"),
        2,
    ),
    "global": (
        "g = 1\ndef f():\n    global g\n    g = 2  # @nni.choice(2, g + 10)\nf()\nout = g\n",
        2,
        ("g/choice", "g + 10"),
        11,
    ),
    "nonlocal": (
        "def f():\n    n = 1\n    def g():\n        nonlocal n\n"
        "        n = n + 1  # @nni.choice(n + 1, n * 7)\n    g()\n    return n\nout = f()\n",
        2,
        ("n/choice", "n * 7"),
        7,
    ),
    "closure and lambda": (
        "def f(k):\n    g = lambda x: x + k  # @nni.choice(lambda x: x + k, lambda x: x - k)\n"
        "    return g\nout = f(1)(1)\n",
        2,
        ("g/choice", "lambda x: x - k"),
        0,
    ),
    "lambda's default": (
        "g = lambda k=1: k  # @nni.variable(nni.choice(1, 2), name=k)\nout = g()\n",
        1,
        ("k/choice", 2),
        2,
    ),
    "parameter's default sees the outer scope": (
        "z = 4\ndef f(a=z):  # @nni.choice(z, z + 1)\n    return a\nout = f()\n",
        4,
        ("a/choice", "z + 1"),
        5,
    ),
    "dataclass field": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n"
        "    lr: float = 0.5  # @nni.uniform(0, 1)\nout = C().lr\n",
        0.5,
        ("lr/uniform", 0.25),
        0.25,
    ),
    "attribute": (
        "class C: pass\nc = C()\nc.lr = 1  # @nni.choice(1, 2)\nout = c.lr\n",
        1,
        ("c.lr/choice", 2),
        2,
    ),
    "subscript": (
        "c = {}\n# @nni.variable(nni.choice(1, 2), name=c['lr'])\nc[\"lr\"] = 1\nout = c['lr']\n",
        1,
        ('c["lr"]/choice', 2),
        2,
    ),
    "file that uses the names of ours": (
        "nni = annotate = 'mine'\nx = nni  # @nni.choice(nni, annotate * 2)\nout = x\n",
        "mine",
        ("x/choice", "annotate * 2"),
        "minemine",
    ),
    "file with an __import__ of its own": (
        "def __import__(name): raise RuntimeError(name)\nx = 1  # @nni.choice(1, 2)\nout = x\n",
        1,
        ("x/choice", 2),
        2,
    ),
    "class with an __import__ of its own": (
        "class A:\n    __import__ = None\n    x = 1  # @nni.choice(1, 2)\nout = A.x\n",
        1,
        ("x/choice", 2),
        2,
    ),
    "f-string": (
        "def f(x): return x\nout = f\"{f('a')}!\"  # @nni.function_choice(f('a'), f(1), name=f)\n",
        "a!",
        ("f/function_choice", "f(1)"),
        "1!",
    ),
    "multi-line string option": (
        '\'\'\'@nni.variable(nni.choice(\n  """a\nb""", f"""{n}\n"""), name=x)\'\'\'\n'
        "x = 0\nout = x\n",
        0,
        ("x/choice", "a\nb"),
        "a\nb",
    ),
    "multi-line f-string option": (
        "n = 7\n'''@nni.variable(nni.choice(\n  1, f\"\"\"{n}\n\"\"\"), name=x)'''\nx = 0\nout = x\n",
        0,
        ("x/choice", 'f"""{n}\\n"""'),
        "7\n",
    ),
    "option over several comment lines": (
        "f = max\n# @nni.function_choice(\n#     f(1,  # first\n#       2),\n#     f(3, 4))\n"
        "out = f(1, 2)\n",
        2,
        ("f/function_choice", "f(3, 4)"),
        4,
    ),
    "nested domain": (
        "x = 9  # @nni.choice(0, nni.uniform(0.1, 1), nni.choice('a', nni.randint(1, 5)))\nout = x\n",
        9,
        ("x/choice", {"_name": "nni.uniform(0.1, 1)", "uniform": 0.37}),
        0.37,
    ),
    "nested deeper": (
        "y = 3\nx = 9  # @nni.choice(0, nni.choice('a', y, nni.randint(1, 5)))\nout = x\n",
        9,
        (
            "x/choice",
            {
                "_name": "nni.choice('a', y, nni.randint(1, 5))",
                "choice": {"_name": "nni.randint(1, 5)", "randint": 4},
            },
        ),
        4,
    ),
    "nested expression": (
        "y = 3\nx = 9  # @nni.choice(0, nni.choice('a', y))\nout = x\n",
        9,
        ("x/choice", {"_name": "nni.choice('a', y)", "choice": "y"}),
        3,
    ),
    "None and True and 1 are three options": (
        "x = 1  # @nni.choice(1, True, None, f)\nout = x\n",
        1,
        ("x/choice", True),
        True,
    ),
    "None": ("x = 1  # @nni.choice(1, True, None, f)\nout = x\n", 1, ("x/choice", None), None),
}
if sys.version_info >= (3, 12):
    CASES["type parameters"] = (
        "class A[T]:\n    x = 1  # @nni.choice(1, 2)\ndef f[T](a: T = 3) -> T:  # @nni.choice(3, 4)\n"
        "    return a\ntype X[T] = list[T]\nout = (A.x, f())\n",
        (1, 3),
        ("a/choice", 4),
        (1, 4),
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_expanded_source_as_written_behaves_like_the_plain_one(case, ran):
    source, as_written, _, _ = case
    plain = {"__name__": "m"}
    exec(compile(source, "m.py", "exec", dont_inherit=True), plain)
    assert plain["out"] == as_written
    assert ran(source).out == as_written


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c[2]], ids=[k for k, c in CASES.items() if c[2]]
)
def test_a_trials_value_replaces_the_annotated_one(case, ran):
    source, _, (name, value), expected = case
    out = ran(source, {f"m/{name}": value}).out
    assert out == expected
    assert type(out) is type(expected)


def test_the_value_as_written_is_recorded_as_its_option(ran):
    assert ran(CASES["module"][0]).written == {"m/y/choice": "x"}
    assert ran(CASES["subscript"][0]).written == {'m/c["lr"]/choice': 1}
    assert ran("f = abs\nx = f(-2)  # @nni.choice(1, 2)\n").written == {"m/x/choice": 2}
    source = "# @nni.function_choice(f( 'a' ), f(2))\nf = str\n\nf(\"a\")\n"
    assert ran("f = str\n" + source.replace("f = str\n", "")).written == {
        "m/f/function_choice": "f( 'a' )"
    }


def test_reports_are_made_at_their_place(ran):
    source = (
        "for i in range(2):\n    for j in range(2):\n        pass\n"
        "        # @nni.report_intermediate_result(i + j / 10)\n"
        "    '''@nni.report_intermediate_result({'default': i,\n        'more': 1})'''\n"
        "if i: '''@nni.report_final_result(i)'''\n"
    )
    reports = ran(source).reports
    assert [value for kind, value in reports if kind == "intermediate"] == [
        0.0, 0.1, {"default": 0, "more": 1}, 1.0, 1.1, {"default": 1, "more": 1},
    ]  # fmt: skip
    assert reports[-1] == ("final", 1)


def test_options_that_are_not_chosen_are_not_evaluated(ran):
    source = (
        "def f(x): seen.append(x); return x\nseen = []\nx = f(0)  # @nni.choice(f(1), f(2), f(3))\n"
    )
    assert ran(source, {"m/x/choice": "f(2)"}).names["seen"] == [2]
    assert ran(source).names["seen"] == [0]
