"""Numerical derivatives with an error estimate of their own.

A gradient is held against differences of the function itself, one input array at a time, along dyadic
random directions. Steps of a ladder go into a Richardson table; what is left of truncation, of rounding and
of a kink that a step crosses is estimated from the same values, and the tolerance is that estimate times
`SAFETY`. There is no absolute tolerance anywhere.

    directions  where to step: every entry at once, in multiples of 1/64
    ladders     the derivative of a curve at 0, and how wrong it may be
    problems    a function, its inputs, a cotangent, the gradients it claims; the noise of its values
    probes      one input array: agrees, differs, null, kinked or unresolved, and what would have been seen
    location    which entry is wrong
    kinks       one-sided derivatives, entry by entry
    imaginary   the complex step, for code that is analytic
    sharpening  what differences leave unresolved, looked at with complex steps
"""

from verinit.differentiation.probes import Reading, State, read
from verinit.differentiation.problems import Problem

__all__ = ["Problem", "Reading", "State", "read"]
