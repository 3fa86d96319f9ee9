"""Claims as code. A check knows no target by name; it measures a trial and returns Evidence."""

from verinit.checks import (
    backward,
    contract,
    directions,
    ensembles,
    exact,
    gradients,
    haar,
    marginals,
    shape,
    streams,
    structure,
)
from verinit.checks.registry import CHECKS, check, checks_of

__all__ = [
    "CHECKS",
    "backward",
    "check",
    "checks_of",
    "contract",
    "directions",
    "ensembles",
    "exact",
    "gradients",
    "haar",
    "marginals",
    "shape",
    "streams",
    "structure",
]
