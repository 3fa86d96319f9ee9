"""The ledger of the chapter's 28 claims: a ruling for each, and what has changed since it was committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from threadpoolctl import threadpool_limits

from verinit.textbook import (
    batchnorm,
    batchnorm_outputs,
    batchnorm_parameters,
    depth_figures,
    depths,
    expression,
    figures,
    gradients,
    head_starts,
    histograms,
    initial_weights,
    linearity,
    normed_depth,
    overfitting,
    rectified,
    rectifiers,
    saturation,
    schemes,
    softmax_losses,
    spreads,
    squashing,
)
from verinit.textbook.claims import CLAIMS
from verinit.textbook.digits import NEEDED, available
from verinit.textbook.rules import unexamined
from verinit.vocabulary import ROOT, Exhibit, Rates, Ruling, unknown

EXAMINED: dict[str, Callable[[int, Rates], Ruling]] = {
    "T01": histograms.t01,
    "T02": histograms.t02,
    "T03": squashing.t03,
    "T04": squashing.t04,
    "T05": gradients.t05,
    "T06": saturation.t06,
    "T07": softmax_losses.t07,
    "T08": squashing.t08,
    "T09": rectified.t09,
    "T10": schemes.t10,
    "T11": gradients.t11,
    "T12": expression.t12,
    "T13": linearity.t13,
    "T14": schemes.t14,
    "T15": depths.t15,
    "T16": rectifiers.t16,
    "T17": rectifiers.t17,
    "T18": spreads.t18,
    "T19": batchnorm.t19,
    "T20": batchnorm_outputs.t20,
    "T21": batchnorm.t21,
    "T22": batchnorm_parameters.t22,
    "T23": batchnorm_parameters.t23,
    "T24": batchnorm_outputs.t24,
    "T26": normed_depth.t26,
}
"""How each claim is measured and ruled: (root, rates of the whole ledger) to a ruling."""

TRAINED: dict[str, Callable[[int, Rates], Ruling]] = {
    "T25": initial_weights.t25,
    "T27": overfitting.t27,
    "T28": head_starts.t28,
}
"""Those that take trainings: minutes, images of handwritten digits, and to be asked for."""
UNASKED = "needs training, some minutes of it: verinit textbook --with-training, or the exhaustive battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Rulings in the order of the chapter, its figure and those of depth, and rulings that have changed."""

    rulings: tuple[Ruling, ...]
    exhibits: tuple[Exhibit, ...] = ()
    surprises: tuple[str, ...] = ()


def ledger(
    *,
    root: int = ROOT,
    only: tuple[str, ...] = (),
    rates: Rates | None = None,
    with_training: bool = False,
    known: Mapping[str, Ruling] = MappingProxyType({}),
) -> Ledger:
    """Every claim of the chapter held to measurement and theory.

    root   of all random streams: one root gives one ledger
    only   codes of the claims to rule on, such as ("T05", "T06"); empty means all 28
    rates  of the whole ledger, whatever `only` says, so that a ruling does not depend on its company
    with_training  whether T25, T27 and T28 are examined too; they are undecided otherwise
    known  rulings of the same root and rates that were made before, by code; they are not made again

    Raises `UsageError` for a code that no claim has.
    """
    for code in only:
        if code not in CLAIMS:
            raise unknown("textbook claim", code, CLAIMS)
    codes = [code for code in CLAIMS if not only or code in only]
    made = (
        known[code] if code in known else rule(code, root=root, rates=rates, with_training=with_training)
        for code in codes
    )
    rulings = tuple(made)
    return Ledger(
        rulings=rulings,
        exhibits=_figures(root, rates or Rates()) if not only else (),
        surprises=surprises(rulings, expected()),
    )


def _figures(root: int, rates: Rates) -> tuple[Exhibit, ...]:
    """The chapter's own figure, and those of depth."""
    with threadpool_limits(1, user_api="blas"):
        return (*figures.histograms(root=root), *depth_figures.exhibits(root=root, rates=rates))


def rule(code: str, *, root: int = ROOT, rates: Rates | None = None, with_training: bool = False) -> Ruling:
    """The ruling on one claim; `undecided` where it takes trainings that were not asked for, or data."""
    if code not in EXAMINED and not with_training:
        return unexamined(code, UNASKED)
    if code not in EXAMINED and not available():
        return unexamined(code, NEEDED)
    with threadpool_limits(1, user_api="blas"):  # one root, one ledger: on any number of cores
        return _in_words((EXAMINED | TRAINED)[code](root, rates or Rates()))


def _in_words(ruling: Ruling) -> Ruling:
    """The ruling with a sentence that fits it: those of the claims are written for what is expected."""
    wanted = expected()[ruling.id]
    if str(ruling.ruling) == wanted:
        return ruling
    return replace(ruling, summary=f"{ruling.ruling} here, where {wanted} is expected: see the evidence")


@cache
def expected() -> Mapping[str, str]:
    """The committed rulings, by code."""
    text = files("verinit.textbook").joinpath("expected.json").read_text(encoding="utf-8")
    return {str(code): str(word) for code, word in json.loads(text).items()}


def surprises(rulings: Iterable[Ruling], committed: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each ruling that is not the committed one; what was not examined has none to change."""
    return tuple(
        f"{ruling.id}: expected {committed.get(ruling.id, 'nothing')}, got {ruling.ruling}"
        for ruling in rulings
        if committed.get(ruling.id) != str(ruling.ruling)
        and not (ruling.id in TRAINED and not ruling.evidence)
    )
