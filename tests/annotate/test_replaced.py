"""Variables whose annotated value the script replaces before anything reads it."""

import pytest

from annotate import replaced

# In each script `x = 1` is the annotated line.
CERTAIN = {
    "the next line": "x = 1\nx = 2\n",
    "behind other statements": "x = 1\ny = f(3)\nif y:\n    g()\nx = 2\n",
    "in a function": "def f():\n    x = 1\n    x = 2\n    return x\n",
    "in a class": "class C:\n    x = 1\n    x = 2\n",
    "in a tuple": "x = 1\nx, y = 2, 3\n",
}
UNCERTAIN = {
    "never again": "x = 1\nf(x)\n",
    "read before": "x = 1\nf(x)\nx = 2\n",
    "read by the new value": "x = 1\nx = x * 2\n",
    "perhaps": "x = 1\nif y:\n    x = 2\n",
    "read by a function that is called": "def f():\n    return x\nx = 1\nf()\nx = 2\n",
    "read by its text": "x = 1\ny = globals()['x']\nx = 2\n",
    "any code": "x = 1\nexec(code)\nx = 2\n",
    "left before": "for i in y:\n    x = 1\n    if i: break\n    x = 2\nf(x)\n",
    "an error before": "try:\n    x = 1\n    f()\n    x = 2\nexcept E: pass\nf(x)\n",
}
UNREAD = {
    "a condition": "x = 1\nif y:\n    x = 2\nf(x)\n",
    "any code": "x = 1\nexec(code)\nf(x)\n",
    "functions behind it": "x = 1\nglobals().update(y)\ndef f():\n    return x\n",
    "read only by the new value": "x = 1\nx = min(x, 2)\nf(x)\n",
    "in a function": "def f(y):\n    x = 1\n    if y:\n        x = y\n    return x\n",
}
READ = {
    "counted down": "x = 1\nwhile x > 0:\n    x -= 1\n",
    "two phases": "x = 1\nf(x)\nx = 2\nf(x)\n",
    "in a loop": "x = 1\nfor i in y:\n    f(x)\n    x = 2\n",
    "in the next round": "for i in y:\n    f(x)\n    x = 1\n    if i:\n        x = 2\n",
    "by a function": "x = 1\ndef f():\n    return x\nf()\nexec(code)\n",
    "by a closure": "def f():\n    x = 1\n    g = lambda: x\n    g()\n    x = 2\n",
    "never set again": "x = 1\nf(x)\n",
}


def line(code):
    return [text.strip() for text in code.splitlines()].index("x = 1") + 1


@pytest.mark.parametrize("code", CERTAIN.values(), ids=CERTAIN)
def test_a_value_that_is_replaced_unread(code):
    replacement = replaced.replacement(replaced.parse(code.encode()), "x", line(code))
    assert replacement is not None
    assert code.splitlines()[replacement - 1].strip().startswith("x")


@pytest.mark.parametrize("code", UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_value_that_may_be_read_is_not_replaced(code):
    assert replaced.replacement(replaced.parse(code.encode()), "x", line(code)) is None


@pytest.mark.parametrize("code", UNREAD.values(), ids=UNREAD)
def test_a_variable_that_nothing_reads_before_it_may_be_set_again(code):
    assert replaced.unread(replaced.parse(code.encode()), "x", line(code))


@pytest.mark.parametrize("code", READ.values(), ids=READ)
def test_a_variable_that_may_be_read_before_it_is_set_again(code):
    assert not replaced.unread(replaced.parse(code.encode()), "x", line(code))


@pytest.mark.parametrize(
    ("target", "between", "certain"),
    [
        ("c.x", "y = 3", True),
        ("c['x']", "y = 3", True),
        ("c.x", "f()", False),
        ("c.x", "c.y", False),
    ],
)
def test_attributes_and_items_are_replaced_unless_code_between_may_read_them(
    target, between, certain
):
    tree = replaced.parse(f"{target} = 1\n{between}\n{target} = 2\n".encode())
    assert (replaced.replacement(tree, target, 1) == 3) is certain


def test_attributes_of_options_and_modules():
    def trees(*codes):
        return [replaced.parse(code.encode()) for code in codes]

    assert replaced.attribute_unread(trees("f(a.x)\n"), "x"), "never set"
    assert replaced.attribute_unread(trees("a.x = 1\nf(a.x)\n"), "x")
    assert not replaced.attribute_unread(trees("f(a.x)\na.x = 1\n"), "x")
    assert not replaced.attribute_unread(trees("a.x = 1\n", "f(a.x)\n"), "x")
    (module,) = trees("x = 1\n")
    assert replaced.set_from_outside(module, trees("m.x = 2\nf(m.x)\n"), "x")
    assert not replaced.set_from_outside(module, trees("f(m.x)\nm.x = 2\n"), "x")
    assert not replaced.set_from_outside(module, trees("f(m.x)\n"), "x")
