"""What the chapter's experiment costs, as a multiple of its draws, matrix products and activations alone.

All schemes and activations with their 30-bin histograms, spreads and shares at the ends, beside the same
networks without them, in one run; and the memory at its peak, as a multiple of one layer's activations.

    python benchmarks/chapter.py [--runs 15]
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc

from verinit.textbook.experiment import RANGES, SCHEMES, WIDTH, Setting, layers, spread
from verinit.textbook.figures import at_the_edges, counted, edges_for, plate


def bare(activation: str) -> None:
    for std in SCHEMES.values():
        for _ in layers(Setting(activation=activation, std=std(WIDTH)), root=1):
            pass


def looked_at(activation: str) -> None:
    for std in SCHEMES.values():
        for y in layers(Setting(activation=activation, std=std(WIDTH)), root=1):
            counted(y, edges_for(y, activation))
            spread(y)
            at_the_edges(y, activation)


def whole(activation: str) -> None:
    tuple(plate(activation, 1))


def seconds(work, activation: str) -> float:
    start = time.process_time()
    work(activation)
    return time.process_time() - start


def peak(activation: str) -> float:
    setting = Setting(activation=activation, std=SCHEMES["He, sqrt(2/n)"](WIDTH))
    whole(activation)
    tracemalloc.start()
    whole(activation)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / (8 * setting.entries)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--runs", type=int, default=15)
    runs = options.parse_args().runs
    print("activation  bare [ms]  histograms, ratio  whole figure with theory, ratio  peak / one layer")
    for activation in RANGES:
        whole(activation)
        times = [[seconds(work, activation) for work in (bare, looked_at, whole)] for _ in range(runs)]
        alone = statistics.median(row[0] for row in times)
        ratios = [statistics.median(row[i] / row[0] for row in times) for i in (1, 2)]
        row = f"{activation:<10}  {1e3 * alone:9.1f}  {ratios[0]:17.2f}  {ratios[1]:31.2f}"
        print(f"{row}  {peak(activation):16.2f}")


if __name__ == "__main__":
    main()
