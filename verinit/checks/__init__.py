"""Claims as code. A check knows no target by name; it measures a trial and returns Evidence."""

from verinit.checks import (
    contract,
    directions,
    ensembles,
    exact,
    haar,
    marginals,
    shape,
    streams,
    structure,
)
from verinit.checks.registry import CHECKS, check, checks_of

__all__ = [
    "CHECKS",
    "check",
    "checks_of",
    "contract",
    "directions",
    "ensembles",
    "exact",
    "haar",
    "marginals",
    "shape",
    "streams",
    "structure",
]
