"""Evidence of exact claims: violations are counted, and none is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from verinit.vocabulary import Evidence


def violations(quantity: str, bad: int, n: int, detail: str) -> Evidence:
    """`bad` of `n` looks violate a claim that allows no violation."""
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=float(bad),
        distance=float(bad),
        tolerance=0.0,
        n=n,
        detail=detail,
    )


def said(quantity: str, complaints: Iterable[str]) -> Evidence:
    """One complaint a look, empty where there is none: their number, and the first."""
    listed = list(complaints)
    wrong = [text for text in listed if text]
    return violations(quantity, len(wrong), len(listed), wrong[0] if wrong else "")
