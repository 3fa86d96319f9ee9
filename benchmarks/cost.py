"""What a look costs beside drawing alone, as ratios of CPU time in one run, one thread.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/cost.py

Three questions: how long the standard battery looks at right code, and how much of that is the sampler's;
how long until wrong code is named when the first failure ends the look; and what the checks of moments, and
all checks of a law, cost in units of drawing the numbers they look at.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from verinit.cases import battery
from verinit.checks import sampling
from verinit.faults import faults_of
from verinit.runner import Plan, plan, run_plan
from verinit.runner.execution import eager
from verinit.targets import resolve
from verinit.vocabulary import Target, Trial, examine

MEMBERS = ("he_normal", "xavier_uniform", "he_truncated_normal", "orthogonal")
MOMENTS = ("IN201", "IN202")
MARGINAL = (*MOMENTS, "IN203", "IN204", "IN205", "IN208", "IN209", "IN210", "IN211")


def seconds(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def draw_alone(planned: Plan) -> None:
    """Everything that the plan draws, and nothing else."""
    for unit in planned.units:
        target, case = unit[0].target, unit[0].case
        rng = np.random.default_rng(1)
        for _ in range(-(-max(trial.n for trial in unit) // case.size)):
            target.object(case.shape, rng, dtype=case.dtype, **dict(case.parameters))


def of(planned: Plan, codes: tuple[str, ...]) -> list[Trial]:
    """The trials of these checks at 48x80."""
    return [t for t in planned.trials if t.check.code in codes and str(t.case) == "48x80#0"]


def look(trials: list[Trial]) -> None:
    """The trials on fresh draws."""
    sampling.pool.cache_clear()
    for trial in trials:
        examine(trial)


def ratio(target: Target, codes: tuple[str, ...], runs: int) -> float:
    """The median cost of these checks at one case, draws included, over that of drawing what they look at."""
    found = []
    for root in range(runs):
        trials = of(plan([target], battery=battery("standard"), root=root), codes)
        size, most = trials[0].case.size, max(trial.n for trial in trials)
        rng = np.random.default_rng(root)
        alone = seconds(
            lambda: [target.object((48, 80), rng, dtype=None) for _ in range(-(-most // size))]  # noqa: B023
        )
        found.append(seconds(lambda: look(trials)) / alone)  # noqa: B023
    return statistics.median(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    print("| right code | standard battery, CPU s | drawing alone, CPU s | 4 million normals, CPU s |")
    print("|---|---|---|---|")
    for name in MEMBERS:
        target = resolve(f"numpy:{name}")[0]
        looks, alone, normals = [], [], []
        for root in range(options.runs + 1):
            rng = np.random.default_rng(root)
            normals.append(seconds(lambda: [rng.standard_normal(1 << 20) for _ in range(4)]))  # noqa: B023
            looks.append(seconds(lambda: run_plan(plan([target], battery=battery("standard"), root=root))))  # noqa: B023
            planned = plan([target], battery=battery("standard"), root=root)
            alone.append(seconds(lambda: draw_alone(planned)))  # noqa: B023
        print(
            f"| {name} | {statistics.median(looks[1:]):.3f} (first {looks[0]:.3f}) "
            f"| {statistics.median(alone[1:]):.3f} | {statistics.median(normals[1:]):.3f} |"
        )
    spent = [
        seconds(lambda: run_plan(plan([fault.target], battery=battery("standard")), engine=eager))  # noqa: B023
        for fault in faults_of("initializer").values()
    ]
    print(
        f"\nwrong code named, first failure ends the look: mean {statistics.mean(spent):.3f} s CPU over "
        f"{len(spent)} faults, median {statistics.median(spent):.3f}, largest {max(spent):.3f}"
    )
    print("\n| checks at 48x80, draws included | he_normal | xavier_uniform |\n|---|---|---|")
    targets = [resolve(f"numpy:{name}")[0] for name in MEMBERS[:2]]
    for codes, name in ((MOMENTS, "mean and variance"), (MARGINAL, "the whole law, with its transform")):
        cells = " | ".join(f"{ratio(target, codes, options.runs):.2f} x drawing" for target in targets)
        print(f"| {name} | {cells} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
