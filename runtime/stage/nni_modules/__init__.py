"""The submodules of `nni`: staged beside it, and read only by scripts that ask for them."""
