"""Propose annotations for values that look like hyper-parameters."""

from __future__ import annotations

from annotate.suggest.choosing import suggest
from annotate.suggest.placing import insert
from annotate.suggest.proposal import Proposal, Skipped, Suggestions

__all__ = ["Proposal", "Skipped", "Suggestions", "insert", "suggest"]
