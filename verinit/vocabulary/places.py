"""What is claimed of an initialiser (`Scheme`), where we look (`Case`), how sure we must be (`Rates`).

Conventions of shape live here and nowhere else: dense kernels are `(fan_in, fan_out)`, convolution
kernels are `(*kernel, in, out)`; adapters transpose, nobody else does.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import Literal

from verinit.vocabulary.errors import UsageError

Family = Literal["normal", "uniform", "truncated_normal", "orthogonal", "constant", "frozen"]
Mode = Literal["fan_in", "fan_out", "fan_avg", "none"]
Parameter = int | float | str | bool

FAMILIES: tuple[Family, ...] = ("normal", "uniform", "truncated_normal", "orthogonal", "constant", "frozen")
MODES: tuple[Mode, ...] = ("fan_in", "fan_out", "fan_avg", "none")
ROOT = 20260101
"""The root of every random stream unless another is asked for: identical runs are one experiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """What an initialiser says it is, as data: `Var[W] = scale / fan`, a family, a cut.

    `fan` is chosen by `mode` ("none": fan = 1, so `scale` is the variance itself).
    `cut` bounds a truncated normal, in units of the standard deviation of the normal it is cut from;
    where `corrected`, `scale` is the variance of what is drawn, else that of the normal before the cut.
    An orthogonal matrix satisfies `Q'Q = scale * I`; a constant is `mean` with `scale` 0. A frozen
    distribution of scipy is spelled by its name, such as `scipy.laplace(scale=0.1)`, of which `mean` and
    `scale` are the mean and variance where they exist, and the median and squared quartile width elsewhere.
    """

    name: str
    family: Family
    scale: float = 1.0
    mode: Mode = "none"
    mean: float = 0.0
    cut: tuple[float, float] | None = None
    corrected: bool = True

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise UsageError(f"family={self.family!r}: allowed are {', '.join(FAMILIES)}")
        if self.mode not in MODES:
            raise UsageError(f"mode={self.mode!r}: allowed are {', '.join(MODES)}")
        if not (math.isfinite(self.scale) and self.scale >= 0 and math.isfinite(self.mean)):
            raise UsageError(
                f"scale={self.scale!r}, mean={self.mean!r}: scale must be finite and not negative, "
                "mean finite"
            )
        if self.scale == 0 and self.family != "constant":
            raise UsageError(f"scale=0 for {self.name!r}: a law without spread is the family 'constant'")
        if (self.cut is not None) != (self.family == "truncated_normal"):
            raise UsageError(f"cut={self.cut!r}: a truncated normal needs a cut, no other family has one")
        if self.cut is not None and not self.cut[0] < self.cut[1]:
            raise UsageError(f"cut={self.cut!r}: the lower bound must lie below the upper one")

    def __str__(self) -> str:
        return self.name


_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z0-9_.+\-]+")


def parameter(text: str) -> Parameter:
    """The value that a word on the command line or in a case stands for.

    >>> parameter("4"), parameter("0.5"), parameter("true"), parameter("same")
    (4, 0.5, True, 'same')
    """
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _spelt(value: Parameter) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One place to look: a shape, a dtype, a draw index, parameters.

    `dtype` None means the target's own. `draw` numbers independent pools of draws of one place.

    >>> str(Case(shape=(64, 32), dtype="float32", parameters=(("groups", 4),), draw=7))
    '64x32/float32?groups=4#7'
    >>> Case.parse('64x32/float32?groups=4#7').shape
    (64, 32)
    """

    shape: tuple[int, ...]
    dtype: str | None = None
    draw: int = 0
    parameters: tuple[tuple[str, Parameter], ...] = ()

    def __post_init__(self) -> None:
        if any(type(size) is not int or size < 0 for size in self.shape):
            raise UsageError(f"shape={self.shape!r}: a shape is a tuple of whole numbers, none below 0")
        if self.draw < 0:
            raise UsageError(f"draw={self.draw!r}: draws are numbered from 0")
        if self.dtype is not None and not _PARAMETER.fullmatch(self.dtype):
            raise UsageError(f"dtype={self.dtype!r}: a dtype is one word such as 'float32', or None")
        names = [name for name, _ in self.parameters]
        if len(set(names)) < len(names):
            raise UsageError(f"parameters={self.parameters!r}: every parameter is given once")
        for name, value in self.parameters:
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"parameter {name}={value!r}: a number must be finite")
            spelt = _spelt(value)
            if not (_PARAMETER.fullmatch(name) and _WORD.fullmatch(spelt)):
                raise UsageError(
                    f"parameter {name}={value!r}: names are identifiers, values are numbers or plain words"
                )
            if type(parameter(spelt)) is not type(value):
                raise UsageError(
                    f"parameter {name}={value!r}: the word {spelt!r} reads as a number or truth value"
                )
        object.__setattr__(self, "parameters", tuple(sorted(self.parameters)))

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        dtype = f"/{self.dtype}" if self.dtype else ""
        pairs = ",".join(f"{name}={_spelt(value)}" for name, value in self.parameters)
        return f"{shape}{dtype}{'?' + pairs if pairs else ''}#{self.draw}"

    @property
    def size(self) -> int:
        """How many numbers one array of this case holds."""
        return math.prod(self.shape)

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case that `text` spells.

        Raises `UsageError` if it spells none.
        """
        match = re.fullmatch(r"(scalar|\d+(?:x\d+)*)(?:/([A-Za-z0-9_]+))?(?:\?([^#]+))?(?:#(\d+))?", text)
        if match is None:
            raise UsageError(
                f"case={text!r}: a case reads like '64x32', '3x5x8x16/float32' or '64x32/float32?groups=4#7'"
            )
        shape, dtype, pairs, draw = match.groups()
        parameters = []
        for pair in pairs.split(",") if pairs else ():
            name, equals, value = pair.partition("=")
            if not equals:
                raise UsageError(f"case={text!r}: {pair!r} is not of the form name=value")
            parameters.append((name, parameter(value)))
        return cls(
            shape=() if shape == "scalar" else tuple(map(int, shape.split("x"))),
            dtype=dtype,
            draw=int(draw or 0),
            parameters=tuple(parameters),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The only statistical knobs.

    `false_fail`: how often right code may be called wrong. `false_pass`: how often a departure of the
    stated discrepancy may go unseen.
    """

    false_fail: float = 1e-6
    false_pass: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("false_fail", "false_pass"):
            rate = getattr(self, name)
            if not 0.0 < rate < 0.5:
                raise UsageError(f"{name}={rate!r}: a rate lies strictly between 0 and 0.5")


def entropy(root: int, *words: object) -> list[int]:
    """Seed words for one random stream, a function of the content of `words` and never of position.

    Hashing keeps streams apart that `SeedSequence` would confuse (trailing zeros), and adding a case
    elsewhere moves no other stream. Feed the result to `numpy.random.default_rng`.
    """
    content = "\x1f".join(str(word) for word in (int(root), *words))
    digest = hashlib.sha256(content.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
