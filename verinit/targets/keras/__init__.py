"""Keras: the only package here that imports keras, and only when its own family is asked for."""

from verinit.targets.keras.reseeding import is_initializer, reseeded

__all__ = ["is_initializer", "reseeded"]
