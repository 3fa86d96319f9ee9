"""A report that holds one of everything: read by the other test_report files through runpy."""

import functools
import itertools
import math

import numpy as np

from verinit.vocabulary import (
    Axis,
    Case,
    Claim,
    Evidence,
    Exhibit,
    Finding,
    Outcome,
    Rates,
    Report,
    Ruling,
    Verdict,
)

HOSTILE = '<script>alert("x")</script>|`*_#1 @all \x00\x1b[31m\u202e &amp; 초기값 🦊 http://evil.example'
VARIANCE = Claim(
    id="IN201",
    summary="The variance of the weights follows the fan.",
    equation="Var[W] = scale / fan",
    source="He et al. 2015, eq. 10",
)
LONE = "\ud800"  # half of a character: no UTF-8 can hold it
CLAIMS = {
    "IN201": VARIANCE,
    "IN204": Claim(id="IN204", summary="Weights are centred.", equation="E[W] = 0", source="Glorot 2010"),
    "AC101": Claim(id="AC101", summary="tanh is odd.", equation="f(-x) = -f(x)", source="definition"),
}
ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
SCHEMES = {"std 1": 1.0, "std 0.01": 0.01, "Xavier": 0.1, "He": math.sqrt(0.02)}


def evidence(**changes):
    given = {
        "quantity": "Var[W] / predicted",
        "expected": 1.0,
        "observed": 1.0021,
        "distance": 0.0021,
        "tolerance": 0.0102,
        "resolution": 0.018,
        "interval": (0.993, 1.011),
        "n": 524288,
        "basis": "chi-square",
        "p": 0.28,
    }
    return Evidence(**{**given, **changes})


def finding(target="numpy:he_normal", check="IN201", draw=0, verdict=Verdict.passed, **details):
    given = {"evidence": evidence(), "discrepancy": 0.02, "rates": Rates(false_fail=2e-7)}
    if verdict in (Verdict.skipped, Verdict.errored):
        given["evidence"] = None
    return Finding(
        claim=CLAIMS[check],
        target=target,
        case=Case(shape=(64, 32), dtype="float32", draw=draw),
        root=20260101,
        verdict=verdict,
        **{**given, **details},
    )


def layers(activation, scheme, std, rng, inputs=300):
    """The chapter's experiment at a third of its size: five histograms, each on its own edges."""
    h = rng.standard_normal((inputs, 100))
    for layer in range(1, 6):
        h = ACTIVATIONS[activation](h @ (std * rng.standard_normal((100, 100))))
        counts, edges = np.histogram(h, bins=30, range=(0, 1) if activation == "sigmoid" else None)
        tails = np.mean((h < edges[1]) | (h > edges[-2]))
        yield Exhibit(
            id=f"T01-{activation}-{scheme}-{layer}",
            kind="histogram",
            title=f"{activation}, {scheme}, layer {layer}",
            caption=f"Activations of five {activation} layers, 100 units wide, for four initial scales.",
            x_axis=Axis(label="activation"),
            y_axis=Axis(label="count"),
            x=tuple(edges.tolist()),
            observed=tuple(map(float, counts)),
            n=h.size,
            plate=f"Five layers of {activation}",
            row=f"{activation}, {scheme}",
            column=f"layer {layer}",
            notes=(("std", f"{h.std():.3g}"), ("at the edges", f"{100 * tails:.0f} %")),
        )


def gains():
    depth = tuple(map(float, range(1, 13)))
    expected = tuple(0.8**d for d in depth)
    band = (tuple(v * 0.8 for v in expected), tuple(v * 1.25 for v in expected))
    observed = [v * (1 + 0.1 * math.sin(5 * d)) for v, d in zip(expected, depth, strict=True)]
    observed[6], observed[9] = observed[6] * 2, math.nan
    return Exhibit(
        id="gains",
        kind="curve",
        title="Mean square of the gradient by depth",
        caption="Backward pass of a sigmoid network, relative to the last layer.",
        x_axis=Axis(label="layers below the loss"),
        y_axis=Axis(label="mean square gradient", unit="relative", log=True),
        x=depth,
        observed=tuple(observed),
        expected=expected,
        band=band,
        n=36,
    )


def cells(target_ratio=1 / 6):
    edges = tuple(np.linspace(-3, 3, 21).tolist())
    law = [
        1e4 * math.exp(-((a + b) ** 2) / 8) * 0.3 / math.sqrt(2 * math.pi)
        for a, b in itertools.pairwise(edges)
    ]
    narrow = [v * math.exp(-((i - 9.5) ** 2) / 20) for i, v in enumerate(law)]
    return Exhibit(
        id="cells",
        kind="histogram",
        title="Standardised weights against their law",
        x_axis=Axis(label="W / predicted std"),
        y_axis=Axis(label="count"),
        x=edges,
        observed=tuple(narrow),
        expected=tuple(law),
        band=(tuple(v - 4 * math.sqrt(v) for v in law), tuple(v + 4 * math.sqrt(v) for v in law)),
        n=10000,
        notes=(("ratio", f"{target_ratio:.3f}"),),
    )


THRESHOLDS = Exhibit(
    id="thresholds",
    kind="table",
    title="Where f(w+h) - f(w-h) becomes exactly 0",
    header=("dtype", "sigmoid", "tanh"),
    rows=(("float16", "8.32", "4.16"), ("float32", "17.33", "9.01"), ("float64", "37.43", "19.06")),
)


def findings():
    far = evidence(observed=0.16688, distance=0.83312, interval=(0.165, 0.169), p=0.0, log10_p=-700.07)
    yield finding(
        "torch:Linear.reset_parameters",
        verdict=Verdict.failed,
        evidence=far,
        likely="ratio 1/6: uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)",
        exhibits=(cells(),),
        sufficient=(("n", 524288.0), ("m2", math.inf)),
    )
    lost = evidence(observed=math.nan, distance=math.inf, interval=(-math.inf, math.inf), p=None)
    yield finding("mine:exploding", verdict=Verdict.failed, evidence=lost, replayable=False)
    yield finding(HOSTILE, verdict=Verdict.failed, evidence=evidence(distance=0.5), likely=HOSTILE + LONE)
    yield finding("mine:crash", verdict=Verdict.errored, reason="ValueError: <b>shape</b> (in init, line 3)")
    small = evidence(resolution=0.09, n=4096)
    yield finding("mine:slow", verdict=Verdict.inconclusive, evidence=small)
    yield finding(
        "jax:he_normal", "IN204", verdict=Verdict.failed, excuse="float16 sampler | see the tracker"
    )
    yield finding("flax:lecun", "IN204", excuse="was biased before 0.4")
    for reason in ("glorot needs two fans; shape (64,) has one", "no float16 here"):
        for draw in range(3):
            yield finding("numpy:glorot", draw=draw, verdict=Verdict.skipped, reason=reason)
    for name in ("he_normal", "he_uniform", "lecun_normal", "orthogonal", "truncated_normal"):
        for check in ("IN201", "IN204"):
            for draw in range(4):
                yield finding(f"numpy:{name}", check, draw)
    exact = evidence(
        quantity="max |f(x) + f(-x)|", expected=0.0, observed=0.0, distance=0.0, p=None, basis="1 ulp"
    )
    yield finding("numpy:tanh", "AC101", evidence=exact)


def rulings():
    yield Ruling(
        id="T01",
        ruling=Outcome.depends,
        claim="Sigmoid, std 1: activations pile up at 0 and 1; each end bin holds about 35,000.",
        summary="The pile-up is real at every layer; 35,000 is right for the first layers only.",
        conditions="Median over 36 roots, width 100, five layers, float64; about means 10 %.",
        evidence=(
            evidence(quantity="count of the lowest bin, layer 1", expected=34012.0, observed=34180.0, p=None),
            evidence(quantity="count of the lowest bin, layer 5", observed=-math.inf, interval=None, p=None),
        ),
    )
    yield Ruling(
        id="T05",
        ruling=Outcome.refuted,
        claim="With activations piled at 0 and 1, the gradient shrinks until it vanishes.",
        summary="At std 1 the gradient grows: rare unsaturated units carry it.",
        conditions="Mean square, width 100, float64.",
        evidence=(evidence(quantity="backward gain per layer", expected=2.31, observed=2.29),),
        exhibits=(gains(),),
    )
    yield Ruling(
        id="T06",
        ruling=Outcome.holds,
        claim="Saturated outputs make the difference exactly 0.",
        summary="Yes, beyond a threshold that each dtype has.",
        exhibits=(THRESHOLDS,),
    )
    yield Ruling(id="T27", ruling=Outcome.undecided, claim=HOSTILE, summary="Needs 400 seeds; 36 were run.")


@functools.cache
def plates():
    rng = np.random.default_rng(7)
    return tuple(
        exhibit
        for activation in ACTIVATIONS
        for scheme, std in SCHEMES.items()
        for exhibit in layers(activation, scheme, std, rng)
    )


def sample(**changes):
    given = {
        "battery": "smoke",
        "root": 20260101,
        "false_fail": 1e-6,
        "planned": 60,
        "findings": tuple(findings()),
        "rulings": tuple(rulings()),
        "surprises": ("T06 was depends and is holds",),
        "exhibits": (gains(), *plates()),
        "complete": False,
        "environment": (
            ("verinit", "0.1.0"),
            ("python", "3.12.3"),
            ("numpy", "2.4.6"),
            ("BLAS", "openblas 0.3.30"),
        ),
        "run": (("command", "verinit run numpy torch --battery smoke"), ("seconds", "20.6")),
    }
    return Report(**{**given, **changes})


def test_the_sample_holds_one_of_everything():
    report = sample()
    assert all(report.counts.values())
    assert {ruling.ruling for ruling in report.rulings} == set(Outcome)
    assert any(found.excuse and not found.red for found in report.findings)
    assert {"histogram", "curve", "table"} == {
        exhibit.kind for source in (report, *report.findings, *report.rulings) for exhibit in source.exhibits
    }
