"""`python -m annotate`: the command line; the one place where this floor looks up."""

import os
import sys

# Python puts the current directory first, where the user's own `runtime` or `tuners` may lie.
if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  pathlib is not needed for that
    del sys.path[0]

from runtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
