"""Files of data that a script reads: YAML, TOML and JSON whose values carry annotations."""
