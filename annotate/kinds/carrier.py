"""Where annotations go: a string statement, comment lines, or a comment at the end of a line.

A string or comment line goes before the statement that it annotates. Inside brackets, a comment
line annotates the value that begins on the next line. A comment at the end of a line annotates the
value that ends there. The indentation of a comment line decides which block it belongs to. Text
after a second `#` is an ordinary comment.
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
        "several comment lines, as long as a bracket is open",
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
        "the short form: only a domain, followed by an ordinary comment",
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
        "several annotations above one statement",
        "# @nni.function_choice(f(x), g(x), name=f)\n"
        "# @nni.function_choice(h(x), -x, name=h)\ny = f(x) + h(x)\n",
        {"f/function_choice": ["f(x)", "g(x)"], "h/function_choice": ["h(x)", "-x"]},
    ),
    Valid(
        "not an annotation: a string that only mentions one",
        "s = f('@nni.variable(1)')\nf'@nni.x'\n",
    ),
    Valid("not an annotation: a line that is commented out", "# x = 1  # @nni.choice(1, 2)\n"),
    Valid("not an annotation: a comment about something else", "# @nnie and @nni_old\nx = 1\n"),
]

INVALID = [
    Invalid("a missing directive", "# @nni\nx = 1\n", "A201", "@nni"),
    Invalid("a misplaced space", "x = 1  # @ nni.choice(1, 2)\n", "A201", "@ nni"),
    Invalid("missing parentheses", "# @nni.variable\nx = 1\n", "A201", "variable"),
    Invalid("invalid Python", "x = 1  # @nni.choice(1, , 2)\n", "A201", ","),
    Invalid("an unclosed bracket", "# @nni.variable(nni.choice(1, 2)\nx = 1\n", "A202", "("),
    Invalid("a misspelt directive", "# @nni.varable(nni.choice(1, 2))\nx = 1\n", "A203", "varable"),
    Invalid("text after the annotation", "x = 1  # @nni.choice(1, 2) or so\n", "A205", "or so"),
    Invalid(
        "two annotations on one line",
        "x = 1  # @nni.choice(1, 2)  # @nni.choice(3, 4)\n",
        "A205",
        "# @nni.choice(3, 4)",
    ),
    Invalid("the short form on its own line", "# @nni.uniform(0, 1)\nx = 1\n", "A206", "uniform"),
    Invalid(
        "after another comment",
        "x = 1  # noqa  # @nni.choice(1, 2)\n",
        "A207",
        "# @nni.choice(1, 2)",
    ),
    Invalid(
        "a line without comment sign or quotes, as guides print it",
        "@nni.variable(nni.choice(1, 2), name=x)\nx = 1\n",
        "A208",
        "@nni.variable(nni.choice(1, 2), name=x)",
    ),
    Invalid("layers of NNI's NAS", "# @nni.mutable_layers({})\nx = 1\n", "A203", "mutable_layers"),
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
        "a string next to another statement",
        "y = 2; '@nni.variable(nni.choice(1, 2))'\nx = 1\n",
        "A411",
        "variable",
    ),
    Invalid(
        "an annotated file that is not valid Python", "x = = 1  # @nni.choice(1, 2)\n", "A102", "="
    ),
    Invalid("an unknown encoding", "# coding: none\nx = 1  # @nni.choice(1, 2)\n", "A101", ""),
]
