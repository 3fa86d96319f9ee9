"""The exact law of Kolmogorov's distance at finite n, from `scipy.stats`: loaded here alone, and when asked.

`scipy.special.kolmogi` is the limit for n to infinity, which says nothing at 1e-9. Importing `scipy.stats`
costs two seconds, so that nothing which runs every day does.
Source: Simard and L'Ecuyer 2011.
"""

from __future__ import annotations


def exceeds(distance: float, n: int) -> float:
    """P(D_n > distance) for n iid draws of a continuous law."""
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, n))


def limit(level: float, n: int) -> float:
    """The distance that D_n exceeds with probability `level`."""
    from scipy.stats import kstwo

    return float(kstwo.isf(level, n))
