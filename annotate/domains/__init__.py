"""The domains: which values a parameter may take. Importing this package registers all of them."""

import annotate.domains.builtin  # noqa: F401  registers NNI's numeric domains
from annotate.domains.choice import Choice, Option
from annotate.domains.domain import Domain, Random, argument_names
from annotate.domains.numeric import Numeric
from annotate.domains.registry import DOMAINS, numeric_domain, register

__all__ = [
    "DOMAINS",
    "Choice",
    "Domain",
    "Numeric",
    "Option",
    "Random",
    "argument_names",
    "numeric_domain",
    "register",
]
