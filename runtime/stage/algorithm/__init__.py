"""The process in which a custom algorithm runs. Python 3.8, standard library only."""
