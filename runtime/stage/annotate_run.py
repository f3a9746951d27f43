"""`python annotate_run.py SCRIPT [ARGUMENT ...]`: run the snapshot's copy as `__main__`."""

import sys

import annotate_trial

annotate_trial.run(sys.argv[1:])
