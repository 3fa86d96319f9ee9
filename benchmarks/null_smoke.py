"""Fresh roots of the smoke battery on right code: how many fail, and what one run costs.

    python benchmarks/null_smoke.py --runs 1000

No failure in R runs bounds the rate by 3 / R at 95 %; the 1e-6 itself is proved test by test.
"""

from __future__ import annotations

import argparse
import statistics
import time

from verinit.cases import battery
from verinit.runner import plan, run_plan
from verinit.targets import resolve


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1, help="the first root")
    parser.add_argument("targets", nargs="*", default=["numpy"])
    options = parser.parse_args()
    targets = [target for word in options.targets for target in resolve(word)]
    failed, spent = 0, []
    for root in range(options.first, options.first + options.runs):
        before = time.process_time()
        report = run_plan(plan(targets, battery=battery("smoke"), root=root))
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
