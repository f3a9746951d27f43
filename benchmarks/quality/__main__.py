"""How good the result is after the trials that one can afford: tuners on problems.

    python benchmarks/quality run [--half validation] [--tuners auto tpe random ...] [--seeds 10]

Tabulates the real tasks and runs what is missing; both are kept (in `cache` beside this file, or
in the folder QUALITY_CACHE) and gone on with after an interruption.
"""

import argparse

import peers
from problems import HALVES, names
from runs import fill

OURS = ["auto", "tpe", "random"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run what is missing")
    runs.add_argument("--half", choices=HALVES, default="validation")
    runs.add_argument("--tuners", nargs="+", default=[*OURS, *peers.PEERS], metavar="NAME")
    runs.add_argument("--problems", nargs="+", metavar="NAME", help="default: all of the half")
    runs.add_argument("--seeds", type=int, default=10)
    runs.add_argument("--trials", type=int, default=100)
    options = parser.parse_args()
    fill(options.tuners, options.problems or names(options.half), options.seeds, options.trials)


if __name__ == "__main__":
    main()
