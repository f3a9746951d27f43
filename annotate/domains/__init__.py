"""The domains: which values a parameter may take."""

from annotate.domains.domain import DOMAINS, Domain, Numeric, Random, argument_names
from annotate.domains.numeric import numeric_domain

__all__ = ["DOMAINS", "Domain", "Numeric", "Random", "argument_names", "numeric_domain"]
