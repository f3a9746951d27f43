"""How a config names a class of the user's own: `path/to/file.py:Class`."""

from __future__ import annotations

from pathlib import Path


def reference(code_dir: str | Path, class_file_name: str, class_name: str) -> str:
    """What `Config.tuner` and `Config.assessor` hold for the class of a config file's
    `codeDir`, `classFileName` and `className`; the command line's `--tuner` takes the same."""
    return f"{Path(code_dir, class_file_name).expanduser().absolute()}:{class_name}"


def is_custom(name: str) -> bool:
    """Whether `name` is such a reference, not an algorithm's name."""
    return ".py:" in name
