"""The codes of mistakes. A code never changes its meaning and is never reused."""

from __future__ import annotations

#: Each code with its meaning, as listed in docs/annotations.md.
CODES: dict[str, str] = {
    "A101": "the file cannot be decoded",
    "A102": "the annotated file cannot be parsed",
    "A103": "the annotated code does not compile",
    "A201": "the annotation does not parse",
    "A202": "a bracket was never closed",
    "A203": "the directive does not exist",
    "A204": "the directive has the wrong arguments",
    "A205": "text follows the annotation",
    "A206": "the short form is not at the end of a line",
    "A207": "the annotation follows another comment",
    "A208": "the annotation is not in a comment",
    "A301": "the domain does not exist",
    "A302": "an argument is not a constant number",
    "A303": "the domain's arguments are invalid",
    "A304": "two options are the same",
    "A305": "there are no options",
    "A306": "a domain is inside an expression",
    "A401": "there is nothing to annotate",
    "A402": "no value that can be annotated ends on the line",
    "A403": "the target is a tuple or a list",
    "A404": "the assignment is augmented",
    "A405": "the assignment has several targets",
    "A406": "the name does not match the target",
    "A407": "several values match",
    "A408": "the statement does not call the function",
    "A409": "no call of the function matches an option",
    "A410": "the call is not allowed here",
    "A411": "the string is not alone on its line",
    "A412": "the value is annotated twice",
    "A413": "the call would come before something that must be first",
    "A414": "the value is in an f-string that cannot hold the code",
    "A415": "the key appears again in the dictionary",
    "A501": "one key has two different domains",
}

#: Codes that occur only in notebooks.
NOTEBOOK_CODES: dict[str, str] = {"N101": "a magic needs Jupyter"}

#: Codes that occur only in data files.
DATA_CODES: dict[str, str] = {
    "D101": "the directive is for code",
    "D102": "an option is code",
    "D103": "the value is a block that spans lines",
    "D104": "the value is defined elsewhere, at its anchor",
    "D105": "there is no value",
    "D106": "TOML has no null",
    "D107": "the annotation is between `/*` and `*/`",
    "D108": "the key appears again",
}
