"""Input on which nothing may pass: nan, infinities, nothing at all, one value for ever, a single number.

For every public test, each argument that holds data is spoilt in turn. A test that is not fed nan must
refuse it or fail: a comparison with nan is false, and tests that ask "is it too large?" pass it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from verinit.calibration.entries import ENTRIES, SHAPE, Data, Entry
from verinit.calibration.inventory import Test, statistical_tests
from verinit.calibration.record import Control
from verinit.vocabulary import Rates, judge

RATES = Rates(false_fail=1e-9, false_pass=1e-6)
CONSTANT = 10.0
"""One value for ever, far outside every law: a sample of zeros has the right mean."""
SPOILS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
SIZE = "n"
"""How many numbers there are is counted by whoever calls, and no data."""
BLIND = 0.25
"""The departure at which one number must not be said to pass: the largest that checks promise in shares."""


def _spoilt(value: Any, bad: float, *, whole: bool) -> Any:
    """An argument with one number of it replaced, off the diagonal of a matrix, or with all of them."""
    if isinstance(value, tuple):
        return (bad, *value[1:])
    if not isinstance(value, np.ndarray):
        return bad
    floating = np.issubdtype(value.dtype, np.floating)
    copy = value.astype(value.dtype if floating else np.float64)
    copy.flat[slice(None) if whole else copy.size // 2 + 1] = bad
    return copy


def _emptied(data: Data) -> Data:
    """No numbers in any argument."""
    return {
        name: value[:0] if isinstance(value, np.ndarray) else _nothing(value) for name, value in data.items()
    }


def _nothing(value: Any) -> Any:
    return tuple(0 for _ in value) if isinstance(value, tuple) else type(value)(0)


def _inputs(entry: Entry) -> Iterator[tuple[str, Callable[[], Data], float]]:
    """What is wrong, how the arguments are made, and what must be seen for a pass to count as one."""
    good = entry.data(np.random.default_rng(5).standard_normal(SHAPE))
    names = [name for name in good if name != SIZE]
    for word, bad in SPOILS.items():
        for group in [names] if entry.together else [[name] for name in names]:
            spoilt = {name: _spoilt(good[name], bad, whole=entry.whole) for name in group}
            yield f"{' = '.join(group)} = {word}", partial(dict, good, **spoilt), math.inf
    yield "empty", lambda: _emptied(good), math.inf
    yield "constant", lambda: entry.data(np.full(SHAPE, CONSTANT)), math.inf
    yield "one number", lambda: entry.data(np.full((1, 1, 1), 0.5)), BLIND


def _outcome(test: Test, entry: Entry, make: Callable[[], Data], discrepancy: float) -> str:
    """What a test says: a word of `Control`. Refusing is raising, whatever is raised."""
    try:
        with np.errstate(all="ignore"):
            evidence = test(**make(), rates=RATES, **entry.fixed)
    except Exception:
        return "refused"
    if evidence.p is not None and not 0.0 <= evidence.p <= 1.0:
        return "passed"
    return str(judge(evidence, discrepancy))


def controlled(name: str) -> Control:
    """What one test says of everything on which it must not pass; nothing where nobody says how to ask it."""
    test, entry = statistical_tests()[name], ENTRIES.get(name)
    if entry is None:
        return Control(test=name, outcomes=())
    return Control(
        test=name,
        outcomes=tuple((word, _outcome(test, entry, make, size)) for word, make, size in _inputs(entry)),
    )


def right(name: str) -> str:
    """What a test says of a right sample: "passed", or the controls would prove nothing."""
    entry = ENTRIES[name]
    z = np.random.default_rng(6).standard_normal(SHAPE)
    return _outcome(statistical_tests()[name], entry, lambda: entry.data(z), math.inf)
