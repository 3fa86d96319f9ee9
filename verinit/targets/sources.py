"""How members of a family are called, as source text, where their functions do not say it themselves."""

from __future__ import annotations

import importlib
from typing import Any

from verinit.vocabulary import Case

Source = tuple[str, dict[str, Any]]
"""An expression that can be called, or that makes what is called, and keywords that are bound to it."""


def source(family: str, word: str, case: Case) -> Source | None:
    """The expression of a member at a case; None where its own function names it, or for no family."""
    if family not in ("jax", "keras", "torch"):
        return None
    home: Any = importlib.import_module(f"verinit.targets.{family}.catalogue")
    found: Source | None = home.source(word, case) if family == "torch" else home.source(word)
    return found
