"""One experiment's SQLite file. Only its driver writes it; everything else reads."""

from runtime.store.store import ExperimentRow, Store, StoreError, StoreFull

__all__ = ["ExperimentRow", "Store", "StoreError", "StoreFull"]
