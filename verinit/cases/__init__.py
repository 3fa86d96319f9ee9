"""Where we look: the named batteries here, the search with Hypothesis in `verinit.cases.search`."""

from verinit.cases.batteries import BATTERIES, battery, cases

__all__ = ["BATTERIES", "battery", "cases"]
