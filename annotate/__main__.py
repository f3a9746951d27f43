"""`python -m annotate`: the command line; the only import from a higher floor."""

import os
import sys

if not getattr(sys.flags, "safe_path", False):  # the first is the working folder
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

from annotate_hpo import main

if __name__ == "__main__":
    sys.exit(main())
