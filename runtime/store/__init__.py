"""What is kept of an experiment: one SQLite file, written by its driver alone."""

from runtime.store.store import ExperimentRow, Store, StoreError, StoreFull

__all__ = ["ExperimentRow", "Store", "StoreError", "StoreFull"]
