"""Double-quoted strings, with the escapes that YAML, TOML and JSON share."""

from __future__ import annotations

import json
import re


def double(value: str) -> str:
    """`value` in double quotes; only characters that are not printable are escaped."""
    return re.sub(r"[^ -~]", _escaped, json.dumps(value, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    # Beyond U+FFFF the three formats have different escapes, and none requires one.
    return letter if letter.isprintable() or letter > "\uffff" else f"\\u{ord(letter):04x}"
