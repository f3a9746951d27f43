"""Experiments described by NNI's config file, `config.yml`."""

from runtime.nni_config.machines import logins
from runtime.nni_config.meaning import Described, read

__all__ = ["Described", "logins", "read"]
