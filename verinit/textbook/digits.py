"""The handwritten digits that ship with scikit-learn: 1797 images of 8 x 8 pixels, ten classes."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

TEST = 597
"""Images that are kept for testing; the other 1200 may be learnt from."""
PIXELS, CLASSES = 64, 10
NEEDED = "needs data: pip install 'verinit[data]' brings the handwritten digits of scikit-learn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Images as rows of standardised pixels, float32 (N, 64), and their classes (N,)."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.int64]) -> Images:
        """The images of these rows."""
        return Images(pixels=self.pixels[rows], labels=self.labels[rows])


def available() -> bool:
    """Whether scikit-learn, whose package holds the images, is installed."""
    return importlib.util.find_spec("sklearn") is not None


@cache
def images() -> Images:
    """All images, standardised by one mean and one deviation for all pixels together.

    Some pixels are 0 in every image, so that pixels by themselves cannot be standardised. Two numbers are all
    that the test images share with the others; writers are not kept apart.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = (found.data - found.data.mean()) / found.data.std()
    return Images(pixels=pixels.astype(np.float32), labels=found.target.astype(np.int64))


def split(count: int, rng: np.random.Generator) -> tuple[Images, Images]:
    """`count` images to learn from, and the `TEST` images that are never learnt from, both at random."""
    order = rng.permutation(len(images()))
    return images().at(order[TEST : TEST + count]), images().at(order[:TEST])
