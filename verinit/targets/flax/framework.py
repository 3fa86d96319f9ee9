"""Flax itself, imported when it is first needed."""

from __future__ import annotations

from typing import Any

from verinit.vocabulary import TargetError


def google_flax() -> Any:
    """The flax module, with `flax.linen` and `flax.nnx` in it.

    Raises `TargetError` where it is not installed.
    """
    try:
        import flax.linen
        import flax.nnx
    except ImportError:
        raise TargetError("target 'flax' needs Flax: pip install 'verinit[jax]'") from None
    return flax
