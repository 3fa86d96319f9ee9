"""JAX itself, imported when it is first needed."""

from __future__ import annotations

from typing import Any

from verinit.vocabulary import TargetError

MISSING = "target 'jax' needs JAX: pip install 'verinit[jax]'"


def google_jax(*, missing: str = MISSING) -> Any:
    """The jax module.

    Raises `TargetError` with the sentence `missing` where it is not installed.
    """
    try:
        import jax
    except ImportError:
        raise TargetError(missing) from None
    return jax
