"""`python algorithm CHANNEL LIFE CRASH`: run one algorithm for the driver.

CHANNEL, LIFE and CRASH are file descriptors: a socket for the messages, a pipe that closes when
the driver dies, and a file for the stack of a crash.
"""

import os
import sys


def main() -> None:
    here, users_path = sys.path[0], sys.path[1:]
    channel, life, crash = map(int, sys.argv[1:4])
    sys.argv[1:] = []
    # Import our modules before the user's folder is on the path, whatever theirs are called.
    library = os.path.dirname(os.__file__)
    standard = [p for p in users_path if p.startswith(library) and "-packages" not in p]
    ours = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    sys.path[:] = [*standard, here, ours]
    from annotate_algorithm import nni_module, packages

    with packages.importable():
        nni_module.load(ours)
        from annotate_algorithm.serve import serve
    packages.set_aside()
    sys.path[:] = users_path
    nni_module.add_installed()
    serve(channel, life, crash)


if __name__ == "__main__":
    if sys.version_info < (3, 8):
        sys.exit("an algorithm needs Python 3.8 or newer, this is %d.%d" % sys.version_info[:2])
    main()
