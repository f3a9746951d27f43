"""The annotation language: source in; instrumented source, search space and mistakes out."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("annotate-hpo")
        except PackageNotFoundError:
            return "0+unknown"
    raise AttributeError(name)
