"""The variables that `--env` gives to trials."""

from __future__ import annotations

from collections.abc import Mapping

from annotate.errors import AnnotateError


def trial_variables(
    env: Mapping[str, str | None], environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables with their values; those without one have it in the user's `environment`.

    Such a value may be a secret, so it must not be stored or shown. Raises AnnotateError if one is
    missing.
    """
    missing = [name for name, value in env.items() if value is None and name not in environment]
    if missing:
        raise AnnotateError(
            "\n".join(f"--env {name}: your environment has no {name}" for name in missing),
            hint=f"export {missing[0]}, or write --env {missing[0]}=VALUE, which is stored",
        )
    return {n: environment[n] if value is None else value for n, value in env.items()}
