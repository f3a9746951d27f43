"""What NNI has for searching networks, and is not here."""

from __future__ import annotations

#: Annotations, domains and types in search space files.
NETWORKS = frozenset(
    ("mutable_layers", "mutable_layer", "layer_choice", "input_choice", "training_update")
)
INSTEAD = "to choose among layers, write function_choice over their call, or a choice of names"


def not_here(name: str) -> str:
    """The message about a name in NETWORKS."""
    return f"{name} is not here: Annotate tunes values and calls, and does not search networks"
