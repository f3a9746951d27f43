"""References to custom classes in a config: `path/to/file.py:Class`."""

from __future__ import annotations

from pathlib import Path

from runtime.system.home_folder import expanded


def reference(code_dir: str | Path, class_file_name: str, class_name: str) -> str:
    """The reference to the class that a config file gives as `codeDir`, `classFileName` and
    `className`. `Config.tuner`, `Config.assessor` and `--tuner` take such references."""
    return f"{expanded(Path(code_dir, class_file_name)).absolute()}:{class_name}"


def is_custom(name: str) -> bool:
    """Whether `name` is such a reference rather than the name of an algorithm."""
    return ".py:" in name
