"""Two reports beside one another: which claims fare worse than before, with the noise of both runs counted.

The basis of `verinit compare` and of `verinit run --baseline`. A comparison reads reports and nothing else:
no target is run again.
"""

from verinit.comparison.comparing import compare
from verinit.comparison.states import Change, Comparison, State

__all__ = ["Change", "Comparison", "State", "compare"]
