"""Modules for a trial's processes: copied next to `nni.py`, and never imported from here."""
