"""Carriers: a string statement, comment lines, or a comment at the end of a line.

Strings and comment lines stand before the statement that they annotate; inside brackets a comment
line annotates the value that begins on the next line. A comment at the end of a line annotates
the value that ends there. The column of a comment line says to which block it belongs. Behind an
annotation a second `#` begins an ordinary remark.
"""

from __future__ import annotations

from annotate.kinds.case import Invalid, Valid

VALID = [
    Valid(
        "a string statement above the assignment, as NNI has it",
        "'''@nni.variable(nni.choice(0.1, 0.01), name=lr)'''\nlr = 0.1\n",
        {"lr/choice": [0.1, 0.01]},
    ),
    Valid(
        "a comment line above it",
        "# @nni.variable(nni.choice(0.1, 0.01), name=lr)\nlr = 0.1\n",
        {"lr/choice": [0.1, 0.01]},
    ),
    Valid(
        "several comment lines, while a bracket is open",
        "# @nni.function_choice(\n#     max_pool(h, k),\n#     avg_pool(h, k), name=max_pool)\n"
        "h = max_pool(h, k)\n",
        {"max_pool/function_choice": ["max_pool(h, k)", "avg_pool(h, k)"]},
    ),
    Valid(
        "a comment at the end of the line",
        "lr = 0.01  # @nni.variable(nni.loguniform(1e-5, 1e-1))\n",
        {"lr/loguniform": [1e-5, 1e-1]},
    ),
    Valid(
        "the short form: a domain alone, with a remark behind it",
        "lr = 0.01  #@nni.loguniform(1e-5, 1e-1)  # the usual range\n",
        {"lr/loguniform": [1e-5, 1e-1]},
    ),
    Valid(
        "a comment line inside brackets",
        "opt = SGD(\n    p,\n    # @nni.variable(nni.uniform(0, 1), name=momentum)\n"
        "    momentum=0.9,\n)\n",
        {"momentum/uniform": [0, 1]},
    ),
    Valid(
        "several annotations over one statement",
        "# @nni.function_choice(f(x), g(x), name=f)\n"
        "# @nni.function_choice(h(x), -x, name=h)\ny = f(x) + h(x)\n",
        {"f/function_choice": ["f(x)", "g(x)"], "h/function_choice": ["h(x)", "-x"]},
    ),
    Valid("a string that only mentions an annotation", "s = f('@nni.variable(1)')\nf'@nni.x'\n"),
    Valid("a line that was commented out", "# x = 1  # @nni.choice(1, 2)\n"),
    Valid("a comment about something else", "# @nnie and @nni_old\nx = 1\n"),
]

INVALID = [
    Invalid("no directive", "# @nni\nx = 1\n", "A201", "@nni"),
    Invalid("a space where none belongs", "x = 1  # @ nni.choice(1, 2)\n", "A201", "@ nni"),
    Invalid("no brackets", "# @nni.variable\nx = 1\n", "A201", "variable"),
    Invalid("no Python", "x = 1  # @nni.choice(1, , 2)\n", "A201", ","),
    Invalid("an open bracket", "# @nni.variable(nni.choice(1, 2)\nx = 1\n", "A202", "("),
    Invalid("a misspelt directive", "# @nni.varable(nni.choice(1, 2))\nx = 1\n", "A203", "varable"),
    Invalid("text behind it", "x = 1  # @nni.choice(1, 2) or so\n", "A205", "or so"),
    Invalid(
        "two in one line",
        "x = 1  # @nni.choice(1, 2)  # @nni.choice(3, 4)\n",
        "A205",
        "# @nni.choice(3, 4)",
    ),
    Invalid(
        "the short form on a line of its own", "# @nni.uniform(0, 1)\nx = 1\n", "A206", "uniform"
    ),
    Invalid(
        "behind a remark",
        "x = 1  # noqa  # @nni.choice(1, 2)\n",
        "A207",
        "# @nni.choice(1, 2)",
    ),
    Invalid(
        "no statement before the block ends",
        "def f():\n    pass\n    # @nni.variable(nni.choice(1, 2), name=x)\nx = 1\n",
        "A401",
        "variable",
    ),
    Invalid(
        "no value ends on the line",
        "for x in y:  # @nni.choice(1, 2)\n    pass\n",
        "A402",
        "choice",
    ),
    Invalid(
        "a string beside other statements",
        "y = 2; '@nni.variable(nni.choice(1, 2))'\nx = 1\n",
        "A411",
        "variable",
    ),
    Invalid("an annotated file that is no Python", "x = = 1  # @nni.choice(1, 2)\n", "A102", "="),
    Invalid("an unknown encoding", "# coding: none\nx = 1  # @nni.choice(1, 2)\n", "A101", ""),
]
