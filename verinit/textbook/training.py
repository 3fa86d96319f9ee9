"""Trainings on handwritten digits, paired by seed: one run number is one split, one order, one set of draws.

A lesson says everything about a training but its seed. Two lessons of the same shape that are taught under
one run number learn from the same images in the same order, from weights of the same directions; only what
the lessons differ in is different. Networks, layers and steps are those of `verinit.reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.layers import Activate, Affine, BatchNorm, Dropout, SoftmaxWithLoss
from verinit.reference.network import Network
from verinit.reference.optimizers import GradientDescent
from verinit.textbook.digits import CLASSES, PIXELS, Images, split
from verinit.textbook.experiment import SCHEMES, Floats
from verinit.vocabulary import Axis, Exhibit, entropy

SEEDS = 36
"""Trainings of each kind: enough for a median at the ledger's share of its rates."""
FEW = 8
"""Trainings of each kind in a sweep, whose medians are shown and not judged."""
ALIKE = "all alike"
"""Weights that are one number, as large as He's standard deviation: no two units of a layer differ."""
HE = "He, sqrt(2/n)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A training: gradient descent on `depth` hidden layers of affine, (batch norm,) f, (dropout).

    init    the standard deviation of every weight, a scheme of the chapter by name, or `ALIKE`
    images  that are learnt from; batch: in each step; rate: the learning rate; eps: of batch norm
    every   so many steps apart the network is looked at
    """

    init: float | str = HE
    activation: str = "relu"
    batch_norm: bool = False
    dropout: float = 0.0
    eps: float = 1e-5
    images: int = 1200
    batch: int = 100
    steps: int = 100
    rate: float = 0.1
    depth: int = 5
    width: int = 100
    every: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """What became of independent trainings of one lesson, at each look.

    test   share of the test images that are told right, (runs, looks)
    loss   mean cross-entropy on the test images, (runs, looks); inf once the network has lost itself
    train  share of the images learnt from that are told right at the end, (runs,)
    steps  done before each look, (looks,)
    """

    test: Floats
    loss: Floats
    train: Floats
    steps: Floats

    @property
    def final(self) -> Floats:
        """Test accuracy at the end, (runs,)."""
        return np.asarray(self.test[:, -1])

    @property
    def gap(self) -> Floats:
        """Accuracy on what was learnt from, less that on the test images, at the end: (runs,)."""
        return np.asarray(self.train - self.final)

    def reaches(self, accuracy: float) -> Floats:
        """Steps until a test accuracy is first reached, inf where it never is: (runs,)."""
        there = self.test >= accuracy
        first = self.steps[np.argmax(there, axis=1)]
        return np.where(there.any(axis=1), first, np.inf)


def panel(
    found: Courses, *, name: str, title: str, caption: str, plate: str, row: str, column: str
) -> Exhibit:
    """Test accuracy by step, median over the trainings of one lesson; a panel of a figure."""
    return Exhibit(
        id=name,
        kind="curve",
        title=title,
        caption=caption,
        x_axis=Axis(label="steps"),
        y_axis=Axis(label="test accuracy"),
        x=tuple(map(float, found.steps)),
        observed=tuple(map(float, np.median(found.test, axis=0))),
        n=len(found.test),
        plate=plate,
        row=row,
        column=column,
    )


@lru_cache(maxsize=256)
def courses(lesson: Lesson, root: int, runs: int = SEEDS) -> Courses:
    """So many independent trainings of one lesson, on as many cores as there are."""
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        work = (joblib.delayed(taught)(lesson, root, run) for run in range(runs))
        seen = list(joblib.Parallel(n_jobs=min(runs, joblib.cpu_count()), batch_size=2)(work))
    test, loss, train = (np.array(each, dtype=np.float64) for each in zip(*seen, strict=True))
    steps = np.arange(lesson.every, lesson.steps + 1, lesson.every, dtype=np.float64)
    return Courses(test=test, loss=loss, train=train, steps=steps)


def taught(lesson: Lesson, root: int, run: int) -> tuple[list[float], list[float], float]:
    """One training: test accuracy and test loss at every look, and the accuracy on what was learnt from."""
    rng = np.random.default_rng(
        entropy(root, "textbook", "training", lesson.images, lesson.depth, lesson.width, run)
    )
    known, unknown = split(lesson.images, rng)
    network, loss = built(lesson, rng), SoftmaxWithLoss()
    descent = GradientDescent(network.layers, rate=lesson.rate)
    looks: list[tuple[float, float]] = []
    # one thread, so that a root gives the same bits on any number of cores
    with threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
        for step, batch in enumerate(batches(known, lesson, rng), start=1):
            loss.forward(network.forward(batch.pixels, training=True), batch.labels)
            network.backward(loss.backward())
            descent.step()
            if step % lesson.every == 0:
                looks.append(judged(network, unknown))
        learnt, _ = judged(network, known)
    test, losses = (list(each) for each in zip(*looks, strict=True))
    return test, losses, learnt


def built(lesson: Lesson, rng: np.random.Generator) -> Network:
    """The network before its first step; float32, biases 0, gamma 1, beta 0."""
    widths = (PIXELS, *[lesson.width] * lesson.depth, CLASSES)
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(widths):
        layers.append(Affine(drawn(lesson.init, (fan_in, fan_out), rng), np.zeros(fan_out, np.float32)))
        if lesson.batch_norm:
            gamma, beta = np.ones(fan_out, np.float32), np.zeros(fan_out, np.float32)
            layers.append(BatchNorm(gamma, beta, eps=lesson.eps))
        layers.append(Activate(ACTIVATIONS[lesson.activation]))
        if lesson.dropout:
            layers.append(Dropout(lesson.dropout, rng.spawn(1)[0]))
    last = max(i for i, layer in enumerate(layers) if isinstance(layer, Affine))
    return Network(layers[: last + 1])


def drawn(init: float | str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    """Weights of the same directions for every `init`: standard normal draws times a standard deviation."""
    std = SCHEMES[HE if init == ALIKE else init](shape[0]) if isinstance(init, str) else init
    weights = normal(shape, rng, std=std, dtype="float32")
    return np.full_like(weights, std) if init == ALIKE else weights


def batches(known: Images, lesson: Lesson, rng: np.random.Generator) -> Iterator[Images]:
    """A batch for each step: the images in a random order, and in another one when they are used up."""
    order = np.empty(0, dtype=np.int64)
    for _ in range(lesson.steps):
        if len(order) < lesson.batch:
            order = rng.permutation(len(known))
        yield known.at(order[: lesson.batch])
        order = order[lesson.batch :]


def judged(network: Network, images: Images) -> tuple[float, float]:
    """Share of images told right, and mean loss; a network that has lost itself answers as NumPy's argmax."""
    logits = network.forward(images.pixels, training=False)
    right = float(np.mean(np.argmax(logits, axis=1) == images.labels))
    loss = SoftmaxWithLoss().forward(logits, images.labels)
    return right, loss if np.isfinite(loss) else np.inf
