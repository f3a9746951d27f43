"""Propose annotations for values that look like hyper-parameters."""

from __future__ import annotations

from annotate.suggest.choosing import suggest
from annotate.suggest.placing import insert
from annotate.suggest.proposal import Left, Proposal, Suggestions

__all__ = ["Left", "Proposal", "Suggestions", "insert", "suggest"]
