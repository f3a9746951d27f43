"""Runs trials on machines that SSH reaches."""
