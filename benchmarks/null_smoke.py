"""Fresh roots of a battery on right code: how many fail, and what one run costs.

    python benchmarks/null_smoke.py --runs 1000
    python benchmarks/null_smoke.py --runs 30 --without-beliefs torch jax

No failure in R runs bounds the rate by 3 / R at 95 %; the 1e-6 itself is proved test by test.
"""

from __future__ import annotations

import argparse
import statistics
import time

from verinit.cases import battery
from verinit.runner import plan, run_plan
from verinit.targets import resolve

BELIEFS = (
    "torch:Linear.reset_parameters",
    "torch:trunc_normal_",
    "jax:truncated_normal",
    "jax:he_normal@untruncated",
)
"""What people believe and is not so: these fail at every root."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1, help="the first root")
    parser.add_argument("--battery", default="smoke")
    parser.add_argument(
        "--without-beliefs", action="store_true", help="leave out the members that are declared wrongly"
    )
    parser.add_argument("targets", nargs="*", default=["numpy"])
    options = parser.parse_args()
    targets = [target for word in options.targets for target in resolve(word)]
    if options.without_beliefs:
        targets = [target for target in targets if target.name not in BELIEFS]
    failed, spent = 0, []
    for root in range(options.first, options.first + options.runs):
        before = time.process_time()
        report = run_plan(plan(targets, battery=battery(options.battery), root=root))
        spent.append(time.process_time() - before)
        if not report:
            failed += 1
            print(f"root {root}\n{report}\n")
    print(
        f"{failed} of {options.runs} runs failed; CPU seconds a run: median {statistics.median(spent):.3f}, "
        f"first {spent[0]:.3f}, largest {max(spent):.3f}; {len(targets)} targets"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
