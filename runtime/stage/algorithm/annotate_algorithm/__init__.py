"""Runs a custom algorithm in its own process, in the user's interpreter."""
