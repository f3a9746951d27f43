"""Executors: where trials run. `base` holds the contract; each executor has a folder."""
