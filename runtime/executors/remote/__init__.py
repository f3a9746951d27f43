"""Runs trials on other machines by an agent there, whatever carries the connection to it."""
