"""Strings between double quotes, with the escapes that YAML, TOML and JSON share."""

from __future__ import annotations

import json
import re


def double(value: str) -> str:
    """`value` between double quotes; what cannot be printed is escaped, other letters stay."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\x7f-\xa0\u2028\u2029\ufeff]", _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
