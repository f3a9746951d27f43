"""What a trial's own processes import: copied beside `nni.py`, never imported from here."""
