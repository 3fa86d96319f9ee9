"""Side by side with the frameworks' own style of test: kill rate, false alarms, time, in one run.

    python benchmarks/peers.py

Three styles, re-implemented from what the frameworks' suites do: PyTorch's Kolmogorov-Smirnov test at
p > 1e-4 on about 1600 values, of a matrix and of a kernel; Keras' |std - claimed| <= 0.1 at 25 x 20; JAX's
shape and dtype. Beside them verinit's smoke and standard batteries, through `verify`'s own plan for one
target. Every planted fault is looked at with several seeds; right code is NumPy's reference, with many.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from verinit.cases import battery
from verinit.faults import faults_of
from verinit.laws import marginals
from verinit.runner import plan, run_plan
from verinit.targets import resolve
from verinit.vocabulary import Target, UsageError

Style = Callable[[Target, int], bool]
"""Whether a look at a target with one seed is green."""


def law(target: Target, shape: tuple[int, ...]) -> marginals.Law | None:
    """What a weight should be; None where the style has nothing to compare with."""
    scheme = target.scheme
    if scheme is None or scheme.family in ("constant", "orthogonal"):
        return None
    try:
        return marginals.law_of(scheme, shape)
    except UsageError:
        return None


def drawn(target: Target, shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.asarray(target.object(shape, np.random.default_rng(seed), dtype=None))


def kolmogorov_smirnov(target: Target, seed: int) -> bool:
    for shape in ((40, 40), (5, 5, 8, 8)):
        if target.ranks and len(shape) not in target.ranks:
            continue
        values, expected = drawn(target, shape, seed), law(target, shape)
        if values.shape != shape or not np.isfinite(values).all():
            return False
        if expected is not None:
            found = stats.kstest(values.ravel(), lambda x, of=expected: marginals.cdf(of, x))
            if not found.pvalue > 1e-4:
                return False
        elif target.scheme is not None and target.scheme.family == "orthogonal":
            q = values.reshape(-1, shape[-1])
            gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
            if not np.abs(gram - target.scheme.scale * np.eye(len(gram))).max() <= 1e-6:
                return False
    return True


def standard_deviation(target: Target, seed: int) -> bool:
    values, expected = drawn(target, (25, 20), seed), law(target, (25, 20))
    if values.shape != (25, 20):
        return False
    return expected is None or bool(abs(float(values.std()) - expected.std) <= 0.1)


def shape_and_dtype(target: Target, seed: int) -> bool:
    values = drawn(target, (5, 7), seed)
    return values.shape == (5, 7) and values.dtype.kind == "f"


def whole(name: str) -> Style:
    def look(target: Target, seed: int) -> bool:
        return bool(run_plan(plan([target], battery=battery(name), root=seed)))

    return look


STYLES: dict[str, Style] = {
    "shape and dtype (JAX)": shape_and_dtype,
    "|std - claimed| <= 0.1 (Keras)": standard_deviation,
    "KS at 1e-4 on 1600 (PyTorch)": kolmogorov_smirnov,
    "verinit smoke": whole("smoke"),
    "verinit standard": whole("standard"),
}


def kills(style: Style, targets: Sequence[Target], seeds: int) -> tuple[float, list[str]]:
    """The share of looks at wrong code that are not green, and the targets that always pass."""
    red, survivors = 0, []
    for target in targets:
        seen = sum(not green(style, target, seed) for seed in range(1, seeds + 1))
        red += seen
        if not seen:
            survivors.append(target.name.removeprefix("fault:"))
    return red / (len(targets) * seeds), survivors


def green(style: Style, target: Target, seed: int) -> bool:
    """Whether a look is green; a crash is not."""
    try:
        return style(target, seed)
    except Exception:  # wrong code may do anything
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="looks at every fault")
    parser.add_argument("--healthy", type=int, default=1000, help="looks at right code, of a cheap style")
    options = parser.parse_args()
    wrong = [fault.target for fault in faults_of("initializer").values()]
    right = [t for t in resolve("numpy") if t.scheme is not None and t.scheme.family != "constant"]
    print(f"{len(wrong)} planted faults, {options.seeds} seeds each; {len(right)} right initializers")
    print("| style | killed | false alarms | CPU ms a look at right code (median) |")
    print("|---|---|---|---|")
    left: dict[str, list[str]] = {}
    for name, style in STYLES.items():
        looks = max(1, options.healthy // (100 if name.startswith("verinit") else 1) // len(right))
        spent, alarms = [], 0
        for seed in range(looks):
            for target in right:
                before = time.process_time()
                alarms += not green(style, target, seed)
                spent.append(time.process_time() - before)
        rate, left[name] = kills(style, wrong, options.seeds)
        print(
            f"| {name} | {100 * rate:.1f} % | {alarms} of {len(spent)} | "
            f"{1e3 * statistics.median(spent):.2f} |",
            flush=True,
        )
    for name in ("verinit smoke", "verinit standard"):
        print(f"always passed by {name}: {', '.join(left[name]) or 'none'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
