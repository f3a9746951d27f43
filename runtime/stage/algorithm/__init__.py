"""The process that holds an algorithm of the user's own. Python 3.8, standard library only."""
