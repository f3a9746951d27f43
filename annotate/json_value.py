"""The type of a JSON value: None, bool, int, float, str, or a list or dict of JSON values."""

from __future__ import annotations

from typing import Any, TypeAlias

JSON: TypeAlias = Any
