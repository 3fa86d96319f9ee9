"""Claims as code. A check knows no target by name; it measures a trial and returns Evidence."""

from verinit.checks import contract, exact, haar, marginals, shape, structure
from verinit.checks.registry import CHECKS, check

__all__ = ["CHECKS", "check", "contract", "exact", "haar", "marginals", "shape", "structure"]
