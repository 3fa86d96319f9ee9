"""Gradient checkers side by side: what each kills, what each rejects, how long each takes.

python benchmarks/gradients.py                    every slip of `verinit.faults.slips` in random models
python benchmarks/gradients.py --alarms 10000 1000  right code alone, cases in float64 and in float32
python benchmarks/gradients.py --calibrate        errors in units of their estimates, on right code
python benchmarks/gradients.py --speed            a three-layer batch-norm network of 24,810 entries

A checker gets credit for a kill only where it accepts the right code of that model. The size of a fault is
max|dg| / max|g| of the tensor where that is largest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from verinit.checks import CHECKS
from verinit.checks.backward import ROOM
from verinit.checks.places import Place
from verinit.differentiation import Problem, State
from verinit.differentiation.probes import unit_of
from verinit.faults.chains import (
    BATCH_NORM,
    LAYER_NORM,
    LEAKY,
    LOSS,
    RELU,
    SIGMOID,
    SILU,
    SOFTMAX,
    SOFTPLUS,
    SQUARE,
    TANH,
    Chain,
    Step,
    affine,
)
from verinit.faults.slips import SLIPS
from verinit.vocabulary import Case, Target, Verdict, entropy, examine

CURVES = (SIGMOID, TANH, RELU, LEAKY, SOFTPLUS, SILU, SQUARE)
SCALES = (0.01, 0.1, 1.0, 1.0, 1.0, 5.0, 30.0)
WIDE = ("GR101", "GR102", "GR103", "GR104", "GR105", "GR106", "GR201")
NARROW = ("GR101", "GR103", "GR104", "GR105", "GR202", "GR203")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A random chain at a random case."""

    chain: Chain
    case: Case
    name: str

    def target(self, chain: Chain | None = None) -> Target:
        return Target(
            name=self.name,
            kind="function",
            object=chain or self.chain,
            parameters=("scale",),
            dtypes=("float32", "float64"),
            replayable=False,
        )


def models(root: int, count: int, *, dtype: str = "float64") -> Iterator[Model]:
    """Single layers of every kind and small networks, at many shapes and scales, some numbers special."""
    for k in range(count):
        rng = np.random.default_rng(entropy(root, "models", k))
        n, width = int(rng.integers(2, 17)), int(rng.integers(2, 13))
        scale, special = float(rng.choice(SCALES)), bool(rng.random() < 0.3)
        parameters = (("scale", scale), ("special", special))
        yield Model(
            chain=random_chain(rng),
            name=f"model {root}.{k}",
            case=Case(shape=(n, width), dtype=dtype, parameters=parameters),
        )


def random_chain(rng: np.random.Generator) -> Chain:
    """One layer, or up to three blocks of affine, perhaps a norm, and an activation, perhaps a loss."""
    if rng.random() < 0.45:
        single = (affine(int(rng.integers(1, 9))), BATCH_NORM, LAYER_NORM, SOFTMAX, LOSS, *CURVES)
        return Chain(steps=(single[int(rng.integers(len(single)))],))
    steps: list[Step] = []
    for _ in range(int(rng.integers(1, 4))):
        steps.append(affine(int(rng.integers(2, 13))))
        if rng.random() < 0.6:
            steps.append(BATCH_NORM if rng.random() < 0.7 else LAYER_NORM)
        steps.append(CURVES[int(rng.integers(len(CURVES) - 1))])
    if rng.random() < 0.5:
        steps += [affine(int(rng.integers(2, 8))), LOSS]
    return Chain(steps=tuple(steps))


def verinit_fails(model: Model, chain: Chain, codes: tuple[str, ...] = WIDE) -> tuple[bool, list[str]]:
    """Whether a check fails, the first in order that does; and what was left undecided."""
    target, undecided = model.target(chain), []
    for code in codes:
        found = examine(CHECKS[code].trial(target, model.case, root=1))
        if found.verdict in (Verdict.failed, Verdict.errored):
            return True, [f"{code}: {found.evidence.detail if found.evidence else found.reason}"]
        if found.verdict is Verdict.inconclusive:
            undecided.append(code)
    return False, undecided


Gradients = list[np.ndarray]
Checker = Callable[[Chain, tuple[np.ndarray, ...]], bool]


def loop(chain: Chain, inputs: tuple[np.ndarray, ...], v: np.ndarray, h: float) -> Gradients:
    """The gradient of <v, f> by central differences, entry by entry, as every course teaches it."""
    found = []
    for x in inputs:
        grad = np.zeros_like(x)
        for i in range(x.size):
            kept = x.flat[i]
            x.flat[i] = kept + h
            right = float(np.sum(v * chain.forward(*inputs)))
            x.flat[i] = kept - h
            left = float(np.sum(v * chain.forward(*inputs)))
            x.flat[i] = kept
            grad.flat[i] = (right - left) / (2 * h)
        found.append(grad)
    return found


class Loops:
    """The three rules that compare with a loop of differences, which is run once a model."""

    def __init__(self, model: Model, inputs: tuple[np.ndarray, ...]) -> None:
        rng = np.random.default_rng(entropy(0, model.name, "loop"))
        self.v = rng.standard_normal(model.chain.forward(*inputs).shape)
        self.coarse, self.fine = (loop(model.chain, inputs, self.v, h) for h in (1e-4, 1e-5))

    def book(self, chain: Chain, inputs: tuple[np.ndarray, ...]) -> bool:
        got = chain.backward(self.v, *inputs)
        return all(np.mean(np.abs(a - n)) < 1e-6 for a, n in zip(got, self.coarse, strict=True))

    def allclose(self, chain: Chain, inputs: tuple[np.ndarray, ...]) -> bool:
        got = chain.backward(self.v, *inputs)
        pairs = zip(got, self.fine, strict=True)
        return all(np.all(np.abs(a - n) <= 1e-8 + 1e-5 * np.abs(n)) for a, n in pairs)  # numpy.allclose

    def cs231n(self, chain: Chain, inputs: tuple[np.ndarray, ...]) -> bool:
        got = chain.backward(self.v, *inputs)
        for a, n in zip(got, self.fine, strict=True):
            top = np.maximum(np.abs(a), np.abs(n))
            error = np.divide(np.abs(a - n), top, out=np.zeros_like(top), where=top > 0)
            if error.max(initial=0.0) > 1e-4:
                return False
        return True


def torch_checker(*, fast: bool) -> Checker:
    """torch.autograd.gradcheck with its defaults."""
    import torch

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, chain, *tensors):  # type: ignore[no-untyped-def]
            ctx.chain = chain
            ctx.save_for_backward(*tensors)
            return torch.from_numpy(np.asarray(chain.forward(*(t.detach().numpy() for t in tensors))))

        @staticmethod
        def backward(ctx, c):  # type: ignore[no-untyped-def]
            inputs = (t.detach().numpy() for t in ctx.saved_tensors)
            return (None, *(torch.from_numpy(np.asarray(g)) for g in ctx.chain.backward(c.numpy(), *inputs)))

    def check(chain: Chain, inputs: tuple[np.ndarray, ...]) -> bool:
        tensors = tuple(torch.tensor(x, requires_grad=True) for x in inputs)
        run = lambda *t: Wrapped.apply(chain, *t)  # noqa: E731
        return bool(torch.autograd.gradcheck(run, tensors, fast_mode=fast, raise_exception=False))

    return check


def jax_checker() -> Checker:
    """jax.test_util.check_grads of a custom_vjp, reverse mode, with its defaults."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def check(chain: Chain, inputs: tuple[np.ndarray, ...]) -> bool:
        shape = jax.ShapeDtypeStruct(np.shape(chain.forward(*inputs)), np.float64)
        like = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs)

        @jax.custom_vjp
        def f(*x):  # type: ignore[no-untyped-def]
            return jax.pure_callback(lambda *a: np.asarray(chain.forward(*map(np.asarray, a))), shape, *x)

        def pull(x, c):  # type: ignore[no-untyped-def]
            send = lambda c, *a: tuple(map(np.asarray, chain.backward(np.asarray(c), *map(np.asarray, a))))  # noqa: E731
            return jax.pure_callback(send, like, c, *x)

        f.defvjp(lambda *x: (f(*x), x), pull)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                check_grads(f, inputs, order=1, modes=("rev",))
        except AssertionError:
            return False
        finally:
            jax.clear_caches()  # every chain is compiled once, and never seen again
        return True

    return check


def sized(right: Chain, wrong: Chain, problems: list[Problem]) -> float:
    """The relative size of a fault where it is largest; a gradient that is 0 but for rounding has none."""
    size = 0.0
    for p in problems:
        pairs = zip(
            right.backward(p.cotangent, *p.inputs), wrong.backward(p.cotangent, *p.inputs), strict=True
        )
        for j, (a, b) in enumerate(pairs):
            unit, null = unit_of([p], j)
            if not null:
                size = max(size, float(np.abs(a - b).max(initial=0.0)) / unit)
    return size


BINS = ((1e-1, ">= 1e-1"), (1e-2, "1e-2 .. 1e-1"), (1e-4, "1e-4 .. 1e-2"), (1e-6, "1e-6 .. 1e-4"))


def binned(size: float) -> str:
    return next((word for low, word in BINS if size >= low), "below 1e-6")


def kill_table(root: int, count: int, *, most: int, alone: bool) -> None:
    """Slips in layers that each model has, `most` a model, under every checker; alone: under verinit."""
    checkers = (
        {}
        if alone
        else {
            "torch slow": torch_checker(fast=False),
            "torch fast": torch_checker(fast=True),
            "jax rev": jax_checker(),
        }
    )
    names = ("verinit",) if alone else ("verinit", "book", "np.allclose", "CS231n 1e-4", *checkers)
    kills: dict[str, Counter[str]] = defaultdict(Counter)
    tried: dict[str, Counter[str]] = defaultdict(Counter)
    rejected: Counter[str] = Counter()
    missed: list[str] = []
    equivalents: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    for model in models(root, count):
        place = Place(model.target(), model.case, 1)
        inputs, problems = place.inputs, place.problems(place.inputs, "sizes", 2)
        loops = None if alone else Loops(model, inputs)
        rules = (
            {}
            if loops is None
            else {"book": loops.book, "np.allclose": loops.allclose, "CS231n 1e-4": loops.cs231n, **checkers}
        )
        accepts = {name: rule(model.chain, inputs) for name, rule in rules.items()}
        accepts["verinit"] = not verinit_fails(model, model.chain)[0]
        rejected.update(name for name in names if not accepts[name])
        rng = np.random.default_rng(entropy(root, model.name, "slips"))
        fitting = [slip for slip in SLIPS.values() if any(map(slip.fits, model.chain.steps))]
        for slip in rng.permutation(np.array(fitting, dtype=object))[:most]:
            places = [k for k, step in enumerate(model.chain.steps) if slip.fits(step)]
            k = int(rng.choice(places))
            steps = list(model.chain.steps)
            steps[k] = slip.in_(steps[k])
            wrong = replace(model.chain, steps=tuple(steps))
            size = sized(model.chain, wrong, problems)
            if size < 1e-6:
                equivalents[slip.name] += 1
                continue
            for name in names:
                if not accepts[name]:
                    continue
                started = time.perf_counter()
                killed = (
                    verinit_fails(model, wrong)[0] if name == "verinit" else not rules[name](wrong, inputs)
                )
                seconds[name] += time.perf_counter() - started
                tried[name][binned(size)] += 1
                kills[name][binned(size)] += killed
                if name == "verinit" and not killed:
                    missed.append(f"{slip.name} ({size:.1e}) in layer {k + 1} of {model.name} {model.case}")
    head = [word for _, word in BINS]
    print(f"{count} random models, {len(SLIPS)} slips; kills of tries where the right code is accepted")
    print(
        f"{'checker':12} {'rejects right code':>18}  "
        + "  ".join(f"{word:>13}" for word in head)
        + "   ms a look"
    )
    for name in names:
        cells = "  ".join(f"{kills[name][w]:>6}/{tried[name][w]:<6}" for w in head)
        total = sum(tried[name].values()) or 1
        print(f"{name:12} {rejected[name]:>11} of {count:<4} {cells}  {1e3 * seconds[name] / total:8.1f}")
    print("equivalent there (below 1e-6): " + ", ".join(f"{n} {k}" for n, k in sorted(equivalents.items())))
    print("verinit missed: " + ("; ".join(missed) or "nothing"))


def alarms(root: int, wide: int, narrow: int) -> None:
    """Right code under every GR check."""
    for dtype, codes, many in (("float64", WIDE, wide), ("float32", NARROW, narrow)):
        tensors, states, verdicts, said = 0.0, Counter(), Counter(), []
        for model in models(root, many, dtype=dtype):
            for code in codes:
                found = examine(CHECKS[code].trial(model.target(), model.case, root=root))
                verdicts[code, str(found.verdict)] += 1
                if found.verdict in (Verdict.failed, Verdict.errored):
                    said.append(f"{model.name} {model.case}: {found}")
                if code == "GR201":
                    tally = dict(found.sufficient)
                    tensors += tally.pop("tensors", 0.0)
                    states.update({s.value: tally.get(s.value, 0.0) for s in State})
        print(f"{dtype}: {many} cases, root {root}: {len(said)} alarms")
        if tensors:
            print(
                f"  tensors {tensors:.0f}: "
                + ", ".join(f"{s} {n:.0f} ({n / tensors:.2%})" for s, n in states.items())
            )
        print("  " + ", ".join(f"{c} {v} {n}" for (c, v), n in sorted(verdicts.items()) if v != "passed"))
        for text in said[:20]:
            print(text)


def calibrate(root: int, count: int) -> None:
    """Errors over their estimates on right code: what SAFETY and ROOM are made of."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for dtype, many in (
        ("float64", count),
        ("float32", count // 4),
        ("float16", count // 4),
        ("bfloat16", count // 4),
    ):
        for model in models(root, many, dtype=dtype):
            target = Target(
                name=model.name,
                kind="function",
                object=model.chain,
                parameters=("scale",),
                dtypes=("float16", "bfloat16", "float32", "float64"),
                replayable=False,
            )
            for code in ("GR106", "GR201", "GR202", "GR203"):
                if CHECKS[code].applies(target, model.case):
                    continue
                found = examine(CHECKS[code].trial(target, model.case, root=root))
                e = found.evidence
                if e is not None and e.tolerance and found.verdict is not Verdict.inconclusive:
                    ratios[f"{code} {dtype}"].append(e.distance / e.tolerance)
    print("distance over tolerance on right code (1 would be an alarm)")
    for name, many_found in ratios.items():
        q = np.quantile(many_found, [0.5, 0.99, 0.999, 1.0])
        print(
            f"{name:16} n {len(many_found):6d}  median {q[0]:.3f}  99 % {q[1]:.3f}  99.9 % {q[2]:.3f}  "
            f"max {q[3]:.3f}"
        )
    print(f"ROOM {ROOM}")


def speed(rounds: int) -> None:
    """Three affine layers with batch norm between, 100-100-100-10, batch 32, 24,810 entries."""
    import torch

    from verinit.differentiation import read

    chain = Chain(
        steps=(affine(100), BATCH_NORM, SIGMOID, affine(100), BATCH_NORM, SIGMOID, affine(10), LOSS)
    )
    inputs = chain.inputs((32, 100), np.random.default_rng(0))
    entries = sum(x.size for x in inputs)
    fast, slow = torch_checker(fast=True), torch_checker(fast=False)
    torch.set_num_threads(1)

    def probing(count: int) -> None:
        place = Place(
            Target(name=f"speed {time.perf_counter()}", kind="function", object=chain, replayable=False),
            Case(shape=(32, 100)),
            1,
        )
        problems = place.problems(inputs, "speed", count)
        for j in range(len(inputs)):
            rate = 1e-6 if count == 4 else 0.1
            found = read(problems, j, discrepancy=1e-6, false_pass=rate, rng=place.rng(j))
            assert found.state in (State.agrees, State.null), found

    ways: dict[str, Callable[[], object]] = {
        "torch fast": lambda: fast(chain, inputs),
        "verinit, one probe": lambda: probing(1),
        "verinit, four probes": lambda: probing(4),
    }
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    started = time.perf_counter()
    slow(chain, inputs)
    times["torch slow"].append(time.perf_counter() - started)
    base = statistics.median(times["torch fast"])
    print(f"{entries} entries, medians of {rounds} rounds in one run (slow: one)")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:22} {1e3 * middle:10.1f} ms   {middle / base:8.2f} times torch fast")
    four = statistics.median(times["verinit, four probes"])
    print(f"torch slow over verinit with four probes: {times['torch slow'][0] / four:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=100, help="random models of the kill table")
    parser.add_argument("--slips", type=int, default=10, help="slips that are tried in each model")
    parser.add_argument("--alone", action="store_true", help="the kill table of verinit alone")
    parser.add_argument("--root", type=int, default=1)
    parser.add_argument("--alarms", type=int, nargs=2, metavar=("FLOAT64", "FLOAT32"))
    parser.add_argument("--calibrate", type=int, nargs="?", const=2000, metavar="CASES")
    parser.add_argument("--speed", type=int, nargs="?", const=15, metavar="ROUNDS")
    asked = parser.parse_args()
    if asked.alarms:
        alarms(asked.root, *asked.alarms)
    elif asked.calibrate:
        calibrate(asked.root, asked.calibrate)
    elif asked.speed:
        speed(asked.speed)
    else:
        kill_table(asked.root, asked.models, most=asked.slips, alone=asked.alone)


if __name__ == "__main__":
    main()
