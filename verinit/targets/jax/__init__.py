"""JAX: the only package here that imports jax, and only when something in it is called."""

from verinit.targets.jax.keys import key

__all__ = ["key"]
