"""Runs trials on a machine: inside the driver on its own machine, in an agent on others.

Python 3.8, standard library only. Nothing here knows what a search space or a result is.
"""
