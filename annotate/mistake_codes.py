"""The codes of mistakes: stable, never used for anything else."""

from __future__ import annotations

#: From each code to what it says, as the documentation lists it.
CODES: dict[str, str] = {
    "A101": "the file cannot be decoded",
    "A102": "the annotated file cannot be parsed",
    "A103": "the annotated code does not compile",
    "A201": "the annotation does not parse",
    "A202": "a bracket was never closed",
    "A203": "the directive does not exist",
    "A204": "the directive has the wrong arguments",
    "A205": "text follows the annotation",
    "A206": "a domain alone stands elsewhere than at the end of a line",
    "A207": "the annotation stands behind a remark",
    "A301": "the domain does not exist",
    "A302": "an argument is no number that is known without running the program",
    "A303": "the domain's arguments make no sense",
    "A304": "two options look alike",
    "A305": "there is no option",
    "A306": "a domain stands inside an expression",
    "A401": "there is nothing to annotate",
    "A402": "no value that can be annotated ends on the line",
    "A403": "the target is a tuple or a list",
    "A404": "the assignment is augmented",
    "A405": "the assignment has two targets",
    "A406": "the name is not the target",
    "A407": "several values could be meant",
    "A408": "the statement does not call the function",
    "A409": "no call of the function equals an option",
    "A410": "no statement can stand here",
    "A411": "the string does not stand alone on its line",
    "A412": "the value is annotated twice",
    "A413": "the statement would push something from its place",
    "A414": "the place inside an f-string cannot take the code",
    "A501": "one key has two different domains",
}

#: Those that only notebooks have.
NOTEBOOK_CODES: dict[str, str] = {"N101": "a magic needs Jupyter"}

#: Those that only files of data have.
DATA_CODES: dict[str, str] = {
    "D101": "the directive is for code",
    "D102": "an option is code",
    "D103": "the value stands on lines of its own",
    "D104": "the value stands elsewhere, at its anchor",
    "D105": "there is no value",
    "D106": "TOML has no null",
    "D107": "the annotation stands between `/*` and `*/`",
}
