"""Scripts of gradients: the entry that was named, by the backward and by differences of the forward."""

from __future__ import annotations

import re

from verinit.checks.places import place_of
from verinit.runner.scripts.initializers import stream
from verinit.runner.scripts.pages import Body, number
from verinit.vocabulary import Evidence, Trial, entropy

_ENTRY = re.compile(r"dL/d(?P<name>.+)\[(?P<index>[0-9, ]*)\] over the largest entry of the gradient")

LOSS = '''
def loss(t):
    """L with the entry moved by t."""
    moved = [x.copy() for x in inputs]
    moved[j][entry] += t
    return float(np.sum(v * np.asarray(f.forward(*moved), dtype=np.float64)))
'''.strip("\n")


def gradient(trial: Trial, evidence: Evidence) -> Body | None:
    """The script of a gradient that is wrong at one entry; None where it names none."""
    match = _ENTRY.fullmatch(evidence.quantity)
    if trial.check.code != "GR201" or match is None or match["name"] not in place_of(trial).names:
        return None
    case, place = trial.case, place_of(trial)
    asked = "".join(f", {name}={value!r}" for name, value in case.parameters)
    return Body(
        imports=("import os", "import sys", "import numpy as np", "import verinit"),
        lines=(
            "sys.path.insert(0, os.getcwd())  # one's own modules are looked for here",
            f"f = verinit.resolve({trial.target.name!a})[0].object  # names, inputs, forward, backward",
            *stream(entropy(trial.root, trial.target.name, case, "inputs")),
            f"made = f.inputs({case.shape}, rng, dtype={case.dtype!r}{asked})",
            'inputs = [x if x.dtype.kind in "iub" else x.astype(np.float64) for x in map(np.asarray, made)]',
            f"j, entry = {place.names.index(match['name'])}, {_index(match['index'])}",
            "y = np.asarray(f.forward(*[x.copy() for x in inputs]), dtype=np.float64)",
            "v = np.random.default_rng(0).standard_normal(y.shape)  # L = <v, f(inputs)>",
            LOSS,
            "g = np.asarray(f.backward(v.copy(), *[x.copy() for x in inputs])[j], dtype=np.float64)",
            "h = 2.0**-10 * max(1.0, abs(float(inputs[j][entry])))",
            "two, one = ((loss(k * h) - loss(-k * h)) / (2 * k * h) for k in (2, 1))",
            "numerical = (4 * one - two) / 3  # Richardson: what is left of the error is of order h^4",
            "expected, observed = numerical, float(g[entry])",
            'print("backward says", observed, " differences say", numerical)',
            f"departure = {number(abs(evidence.observed - evidence.expected))}"
            "  # of the largest entry, as verinit found it under a cotangent of its own",
            "seen = abs(observed - numerical) / float(np.abs(g).max())",
            'print("apart by", seen, "of the largest entry; verinit:", departure)',
            f"sys.exit(0 if seen <= {number(max(trial.discrepancy, evidence.tolerance))} else 1)",
        ),
        note="The inputs of the finding under another cotangent: other numbers, the same fault",
        ends=True,
    )


def _index(text: str) -> str:
    """An index as a tuple in source text."""
    return repr(tuple(int(word) for word in text.split(",") if word.strip()))
