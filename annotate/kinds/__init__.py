"""The kinds of the language, one file each, with its good and bad cases beside its code."""
