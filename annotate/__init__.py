"""The annotation language: source in; instrumented source, search space and mistakes out."""

#: The one place where the version stands; `setup.cfg` reads it from here.
__version__ = "0.2.0"
