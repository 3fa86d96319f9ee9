"""Flax: the only package here that imports flax, and only when something in it is called."""
