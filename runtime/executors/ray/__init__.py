"""Runs trials in actors of Ray."""
