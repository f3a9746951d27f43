"""The annotation language: source in; instrumented source, search space and mistakes out."""

#: The version is defined only here; `setup.cfg` reads it.
__version__ = "0.2.0"
