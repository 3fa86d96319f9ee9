"""Activations: those of the families numpy and scipy, and what people have written."""
