"""What is kept of an experiment: one SQLite file, written by its driver alone."""

from runtime.store.store import ExperimentRow, Store, StoreError

__all__ = ["ExperimentRow", "Store", "StoreError"]
