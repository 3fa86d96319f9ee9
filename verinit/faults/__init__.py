"""Planted mistakes: every check owns at least one that it must catch at its stated power."""

from verinit.faults import contract, marginals, shape, structure
from verinit.faults.registry import FAULTS, fault

__all__ = ["FAULTS", "contract", "fault", "marginals", "shape", "structure"]
