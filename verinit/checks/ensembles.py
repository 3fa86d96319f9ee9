"""IN308, IN309, IN311 and IN313: what only many draws show, of the whole array and of each of its places."""

from __future__ import annotations

from verinit.checks.matrices import LAW, looked_at, wide_enough
from verinit.checks.registry import check
from verinit.statistics import draws as between_draws
from verinit.statistics import lines, pooling
from verinit.vocabulary import Evidence, Trial


def _evenness_plan(trial: Trial) -> int:
    return between_draws.evenness_samples(trial.rates, trial.discrepancy) * trial.case.size


@check(
    "IN308",
    equation="n mean(W)^2 / Var[W] is chi-square(1)",
    source="definition",
    discrepancy=0.75,
    samples=_evenness_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def means_of_draws_vary_as_they_must(trial: Trial) -> Evidence:
    """The mean of a draw varies from draw to draw as the mean of independent weights does.

    Weights that were centred, stratified or made antithetic after drawing are too good to be iid: every
    single one has its law, and their sum is fixed.
    """
    return looked_at(trial, lambda z: between_draws.means(z, trial.rates))


@check(
    "IN309",
    equation="|W|^2 / Var[W] is chi-square",
    source="definition",
    discrepancy=0.75,
    samples=_evenness_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def variances_of_draws_vary_as_they_must(trial: Trial) -> Evidence:
    """The variance of a draw varies from draw to draw as that of independent weights does.

    Weights that were rescaled to an exact variance after drawing are too good to be iid.
    """
    return looked_at(trial, lambda z: between_draws.variances(z, trial.rates))


def _position_plan(trial: Trial) -> int:
    wanted = lines.offset_samples(trial.rates, trial.discrepancy, lines=trial.case.size)
    return wanted * trial.case.size


@check(
    "IN311",
    equation="E[W_ij] = mean for every i, j",
    source="definition",
    discrepancy=1.0,
    samples=_position_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def no_place_has_a_mean_of_its_own(trial: Trial) -> Evidence:
    """No place in the array has a mean of its own across draws.

    An entry that is the same in every draw, a stripe of padding, and the signs that QR leaves on the
    diagonal of an orthogonal matrix stay put while everything else changes.
    """
    quantity = "largest mean of a place across draws / std"
    return looked_at(trial, lambda z: lines.offset(pooling.positions(z), trial.rates, quantity=quantity))


def _energy_plan(trial: Trial) -> int:
    wanted = lines.energies_samples(trial.rates, trial.discrepancy, lines=trial.case.size)
    return wanted * trial.case.size


@check(
    "IN313",
    equation="sum_r W_ij(r)^2 / Var[W] is chi-square for every i, j",
    source="definition",
    discrepancy=3.0,
    samples=_energy_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def no_place_has_a_variance_of_its_own(trial: Trial) -> Evidence:
    """No place in the array has a variance of its own across draws.

    An entry that is the same in every draw, whatever its value, and a corner that is drawn from another law
    are one weight in thousands: only the same place, over and over, shows them.
    """
    quantity = "variance of the worst place across draws / predicted"
    return looked_at(trial, lambda z: lines.energies(pooling.positions(z), trial.rates, quantity=quantity))
