"""Experiments as NNI's users describe them: `config.yml`."""

from runtime.nni_config.meaning import Meant, read

__all__ = ["Meant", "read"]
