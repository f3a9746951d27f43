"""Measure the quality of tuners: their results on problems with a limited number of trials.

    python benchmarks/quality run [--half validation] [--tuners auto tpe random ...] [--seeds 10]
    python benchmarks/quality show [--half validation] [--tuners ...] [--plot curves.html]

`run` tabulates the real tasks and does the missing runs. Both are stored in `cache` next to this
file, or in the folder QUALITY_CACHE, so an interrupted run can continue. `show` prints ranks among
the runs that all tuners did, and regrets with 95 % bootstrap intervals. The ablations of auto in
`ablations.py` are tuners too. Peers need `pip install 'annotate-hpo[benchmarks]'`; nni-tpe needs a
separate interpreter, see `nni_peer.py`.
"""

import argparse

import ablations
import figures
import peers
from problems import HALVES, names
from runs import fill, read

OURS = ["auto", "tpe", "random"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run what is missing")
    run.add_argument("--seeds", type=int, default=10)
    run.add_argument("--trials", type=int, default=100)
    show = commands.add_parser("show", help="print the figures of what was run")
    show.add_argument("--plot", metavar="FILE", help="write curves as a page of their own")
    for command in (run, show):
        command.add_argument("--half", choices=HALVES, default="validation")
        command.add_argument("--tuners", nargs="+", default=[*OURS, *peers.PEERS], metavar="NAME")
        command.add_argument("--problems", nargs="+", metavar="NAME", help="default: all")
    options = parser.parse_args()
    problems = options.problems or names(options.half)
    if options.command == "run":
        fill(options.tuners, problems, options.seeds, options.trials, make=ablations.tuner)
        return
    rows = read()
    for line in figures.report(rows, problems, options.tuners):
        print(line)
    if options.plot:
        figures.plot(rows, problems, options.tuners, options.plot)


if __name__ == "__main__":
    main()
