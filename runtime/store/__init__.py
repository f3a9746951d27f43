"""One experiment's SQLite file. Only its driver writes it; everything else reads."""

from runtime.store.errors import StoreError, StoreFull, StoreLost
from runtime.store.rows import ExperimentRow
from runtime.store.store import Store

__all__ = ["ExperimentRow", "Store", "StoreError", "StoreFull", "StoreLost"]
