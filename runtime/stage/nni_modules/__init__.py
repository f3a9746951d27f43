"""The submodules of `nni`, staged next to it and loaded only when a script uses them."""
