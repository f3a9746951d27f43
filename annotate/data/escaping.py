"""Strings between double quotes, with the escapes that YAML, TOML and JSON share."""

from __future__ import annotations

import json
import re


def double(value: str) -> str:
    """`value` between double quotes; what cannot be printed is escaped, other letters stay."""
    return re.sub(r"[^ -~]", _escaped, json.dumps(value, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    # Beyond the first plane the three have different escapes, and none needs one.
    return letter if letter.isprintable() or letter > "\uffff" else f"\\u{ord(letter):04x}"
