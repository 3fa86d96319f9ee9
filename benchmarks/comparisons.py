"""Does `verinit compare` cry wolf on unchanged code, and does it see code that got worse?

    python benchmarks/comparisons.py [--runs 200] [--battery smoke] [--pairs 20] [--first 1] [TARGET ...]

Unchanged: the same targets at fresh roots, every run compared with the first and with the one before; every
second comparison is of runs that share nothing but the code. Nothing may be regressed, improved or changed.
Planted: a right target against a wrong one, at other roots and at the same; each pair must say regressed.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from scipy.stats import truncnorm

import verinit
from verinit.cases import battery
from verinit.reference.initializers import he_normal
from verinit.runner import plan, run_plan
from verinit.targets import resolve
from verinit.vocabulary import Report

WRONG = ("regressed", "improved", "changed")
Measure = Callable[[int], Report]


def initializer(draw: Callable[..., np.ndarray]) -> Measure:
    """The report of an initializer that claims to be he_normal."""
    return lambda root: verinit.verify(draw, scheme="he_normal", name="mine", root=root)


def louder(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return 1.05 * he_normal(shape, rng)


def cut_off(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Cut off at two standard deviations, the variance made good."""
    x = rng.standard_normal(shape)
    while (outside := np.abs(x) > 2.0).any():
        x[outside] = rng.standard_normal(int(outside.sum()))
    return x / truncnorm(-2.0, 2.0).std() * np.sqrt(2.0 / np.prod(shape[:-1]))


def other_fan(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return he_normal(shape, rng) * np.sqrt(np.prod(shape[:-1]) / (np.prod(shape[:-2]) * shape[-1]))


def tanh_gradient(error: float) -> Measure:
    """The report of the gradient of tanh(x), wrong by a share `error`."""
    x = np.linspace(-1.0, 1.0, 12).reshape(3, 4)

    def backward(cotangent: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (cotangent * (1.0 - np.tanh(x) ** 2) * (1.0 + error),)

    return lambda root: verinit.verify_gradient(np.tanh, (x,), backward, root=root, name="mine")


PLANTED: dict[str, tuple[Measure, Measure]] = {
    "std times 1.05": (initializer(he_normal), initializer(louder)),
    "cut off at 2 std": (initializer(he_normal), initializer(cut_off)),
    "the other fan": (initializer(he_normal), initializer(other_fan)),
    "gradient wrong by 1 %": (tanh_gradient(0.0), tanh_gradient(0.01)),
}


def unchanged(options: argparse.Namespace) -> tuple[int, Counter[str], int]:
    """Comparisons made, states counted over all of them, and comparisons that cried wolf."""
    targets = [target for word in options.targets for target in resolve(word)]
    first = before = None
    total: Counter[str] = Counter()
    made = wolves = 0
    for root in range(options.first, options.first + options.runs + 1):
        report = run_plan(plan(targets, battery=battery(options.battery), root=root))
        for old in {id(r): r for r in (first, before) if r is not None}.values():
            found = verinit.compare(old, report)
            made += 1
            total.update(found.counts)
            if any(found.counts[state] for state in WRONG):
                wolves += 1
                print(f"root {old.root} -> {root}\n{found}\n")
        first, before = first or report, report
    return made, total, wolves


def planted(name: str, first: int, pairs: int) -> tuple[int, int]:
    """How often a planted regression is called one, at other roots and at the same."""
    right, wrong = PLANTED[name]

    def seen(old_root: int, new_root: int) -> bool:
        old, new = right(old_root), wrong(new_root)
        found, back = verinit.compare(old, new), verinit.compare(new, old)
        return bool(found.counts["regressed"]) and bool(back.counts["improved"]) and bool(back)

    roots = range(first, first + pairs)
    return sum(seen(root, root + 10_000) for root in roots), sum(seen(root, root) for root in roots)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="the first root")
    parser.add_argument("--battery", default="smoke")
    parser.add_argument("--pairs", type=int, default=20, help="pairs of roots for each planted regression")
    parser.add_argument("targets", nargs="*", default=["numpy"])
    options = parser.parse_args()
    started = time.process_time()
    made, total, wolves = unchanged(options)
    states = ", ".join(f"{count} {state}" for state, count in total.items())
    spent = time.process_time() - started
    said = f"{wolves} of {made} comparisons of {options.runs} fresh roots cried wolf"
    print(f"unchanged: {said}, {spent:.0f} s of CPU; {states}", flush=True)
    missed = 0
    for name in PLANTED:
        other, same = planted(name, options.first, options.pairs)
        missed += 2 * options.pairs - other - same
        print(
            f"planted, {name}: regressed in {other} of {options.pairs} pairs of other roots, {same} of one",
            flush=True,
        )
    print(f"CPU seconds {time.process_time() - started:.0f}")
    return 1 if wolves or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
