"""Annotated data files: YAML, TOML and JSON that a script reads."""
