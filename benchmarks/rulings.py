"""Do the ledger's rulings depend on the seed? Many fresh roots, beside the rulings that are committed.

    python benchmarks/rulings.py [--roots 200] [--first 1000] [--jobs 2] [--with-training] [--record FILE]

Every root is a ledger of its own. A ruling that is not the committed one at any root is a change, `undecided`
included. The record says which roots were run, with which result, and on which sources.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections import Counter
from pathlib import Path

import joblib
import numpy
import scipy

import verinit
from verinit.textbook import EXAMINED, rule
from verinit.textbook.ledgers import expected, ledger

HOME = Path(verinit.__file__).parent
PARTS = ("textbook", "reference", "laws", "statistics")


def sources() -> str:
    """A digest of everything that a ruling follows from."""
    files = sorted(path for part in PARTS for path in (HOME / part).rglob("*.py"))
    text = b"".join(str(path.relative_to(HOME)).encode() + path.read_bytes() for path in files)
    return hashlib.sha256(text).hexdigest()[:16]


def at(root: int, with_training: bool) -> dict[str, str]:
    """The rulings at one root, without those of training unless they are asked for."""
    if with_training:
        return {r.id: str(r.ruling) for r in ledger(root=root, with_training=True).rulings}
    return {code: str(rule(code, root=root).ruling) for code in EXAMINED}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--roots", type=int, default=200)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--with-training", action="store_true")
    parser.add_argument("--record", type=Path, default=None)
    given = parser.parse_args()
    roots = range(given.first, given.first + given.roots)
    started = time.time()
    work = (joblib.delayed(at)(root, given.with_training) for root in roots)
    found = list(joblib.Parallel(n_jobs=given.jobs)(work))
    committed = expected()
    counts = {code: dict(Counter(each[code] for each in found)) for code in found[0]}
    changes = [
        f"{code} at root {root}: {each[code]}, not {committed[code]}"
        for root, each in zip(roots, found, strict=True)
        for code in each
        if each[code] != committed[code]
    ]
    seconds = time.time() - started
    pace = f"{seconds / given.roots:.1f} s a root on {given.jobs} workers"
    print(f"{given.roots} roots from {given.first}, {pace}")
    for code, tally in counts.items():
        print(f"  {code}  {', '.join(f'{word} {count}' for word, count in tally.items())}")
    print("\n".join(changes) or "no ruling changed at any root")
    if given.record is not None:
        record = {
            "roots": [given.first, given.roots],
            "with_training": given.with_training,
            "rulings": counts,
            "changes": changes,
            "sources": sources(),
            "versions": {
                "python": platform.python_version(),
                "numpy": numpy.__version__,
                "scipy": scipy.__version__,
            },
        }
        given.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(bool(changes))


if __name__ == "__main__":
    main()
