"""Runs trials in jobs of Slurm."""
