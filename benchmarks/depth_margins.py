"""How far the median over right networks lies from the laws by depth, in standard deviations of one input.

What `MARGIN` and `DEEPEST` of `verinit/checks/depth_laws.py` rest on; stacks whose log has a variance above
`SMALL` are left out, as by the checks.

    python benchmarks/depth_margins.py [--seeds 150] [--beyond]

`--beyond` looks at 50 layers of 64 and of 128 units, deeper than the checks go.
"""

from __future__ import annotations

import argparse
import math

import joblib
import numpy as np

from verinit.checks import CHECKS, depth_laws
from verinit.checks.depth_walks import ensemble
from verinit.targets.networks import stack
from verinit.vocabulary import Case, CheckSkipped

STACKS = (
    ("tanh", "xavier_normal"),
    ("tanh", "normal(std=1)"),
    ("tanh", "normal(std=0.2)"),
    ("tanh", "normal(std=0.01)"),
    ("relu", "he_normal"),
    ("gelu", "he_normal"),
    ("sigmoid", "normal(std=1)"),
    ("sigmoid", "normal(std=0.4)"),
    ("sigmoid", "xavier_normal"),
)
WITHIN = (
    "32x64?depth=16",
    "4x64?depth=16",
    "32x128?depth=32",
    "32x48?depth=12",
    "16x32?depth=8",
    "16x128?depth=5",
)
BEYOND = ("32x64?depth=50", "32x128?depth=50")
ROOT = 5


def medians(activation: str, scheme: str, word: str, seeds: int, deepest: float) -> list[float] | None:
    """Signal, gradient, cosine and rank of one stack; None where the laws are not trusted."""
    depth_laws.DEEPEST = deepest
    target, case = stack(activation, scheme), Case.parse(word)
    depth = int(dict(case.parameters)["depth"])
    try:
        laws = depth_laws.theory(CHECKS["SP301"].trial(target, case, root=ROOT), depth)
    except CheckSkipped:
        return None
    walked = ensemble(target, case, ROOT).first(seeds)
    rows = (
        (laws.signal, -1, [each.signal for each in walked]),
        (laws.gradient, 0, [each.gradient for each in walked]),
        (laws.cosines, -1, [each.cosines for each in walked]),
        (laws.ranks, -1, [np.log2(each.ranks) for each in walked]),
    )
    return [float(np.median(law.scores(np.array(seen))[:, at])) for law, at, seen in rows]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seeds", type=int, default=150)
    options.add_argument("--beyond", action="store_true")
    given = options.parse_args()
    cases, deepest = (BEYOND, math.inf) if given.beyond else (WITHIN, depth_laws.DEEPEST)
    work = [(activation, scheme, word) for activation, scheme in STACKS for word in cases]
    told = joblib.Parallel(n_jobs=2)(joblib.delayed(medians)(*row, given.seeds, deepest) for row in work)
    print(f"{'stack':<26}  {'case':<16}  signal  gradient  cosine    rank")
    for (activation, scheme, word), row in zip(work, told, strict=True):
        if row is not None:
            signal, gradient, cosine, rank = row
            name = f"{activation}, {scheme}"
            print(f"{name:<26}  {word:<16}  {signal:6.2f}  {gradient:8.2f}  {cosine:6.2f}  {rank:6.2f}")
    farthest = max(abs(number) for row in told if row is not None for number in row)
    print(f"farthest: {farthest:.2f}; margin {depth_laws.MARGIN:g}")


if __name__ == "__main__":
    main()
