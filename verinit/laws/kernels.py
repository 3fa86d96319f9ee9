"""Gaussian expectations of two numbers at once: E[f(u) g(v)] for u, v jointly normal with mean 0.

Two pre-activations of one unit, of two inputs with the cosine c between them, are such a pair as the width
grows. Split what they share from what they do not: with r = |c|,

    u = s1 (sqrt(r) Z + sqrt(1 - r) E1)        v = s2 (sign(c) sqrt(r) Z + sqrt(1 - r) E2)

so that E[f(u) g(v)] = E[F(Z) G(Z)], where F and G are f and g smoothed by a normal law: two integrals one
inside the other, and no number cancels as c goes to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from verinit.laws.responses import Floats, Function, Response
from verinit.laws.signal import Integral, expectation
from verinit.vocabulary import UsageError

__all__ = ["ERF", "joint_expectation"]

_EPS = float(np.finfo(np.float64).eps)
_REACH = 10.0
"""Half width of the integration range in standard deviations: P(|Z| > 10) = 1.5e-23."""
_SATURATION = 40.0
"""|x| beyond which every activation here equals its asymptote to float64, as in `signal`."""
_PANEL = 2.0
"""Length of a panel, in standard deviations and in units of x.

The singularity of a smooth activation next to the axis is that of tanh, at a distance of pi / 2: over a panel
of half length 1 the 20-node rule errs by about (pi/2 + sqrt(1 + pi^2/4))^-40 = 3e-22, the witness by 1e-15.
"""
_NODES, _WITNESS = 20, 14

ERF = Response(
    name="erf",
    value=special.erf,
    derivative=lambda x: 2.0 / math.sqrt(math.pi) * np.exp(-x * x),
    inverse=special.erfinv,
)
"""The error function, for which every one of these expectations has a closed form (Williams 1997, eq. 11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Smoothed:
    """f(s (a Z + b E)) with a^2 + b^2 = 1: over E it is f, smoothed at the scale `blur` = s b.

    shared  s a, signed
    blur    s b
    """

    f: Function
    shared: float
    blur: float
    kinks: tuple[float, ...]

    def means(self, z: Floats, nodes: int) -> tuple[Floats, Floats]:
        """The expectation over E at every z (N,), and that of the absolute value."""
        m = self.shared * z.ravel()[:, None]
        edges = np.sort(np.concatenate([np.tile(_grid(), (m.size, 1)), self._places(m)], axis=1), axis=1)
        t, w = np.polynomial.legendre.leggauss(nodes)
        half = 0.5 * np.diff(edges, axis=1)[..., None]
        y = 0.5 * (edges[:, 1:] + edges[:, :-1])[..., None] + half * t
        mass = half * w * np.exp(-0.5 * y * y) / math.sqrt(2.0 * math.pi)
        mass *= self.f(m[..., None] + self.blur * y)
        means, sizes = mass.sum(axis=(1, 2)), np.abs(mass).sum(axis=(1, 2))
        return means.reshape(z.shape), sizes.reshape(z.shape)

    def _places(self, m: Floats) -> Floats:
        """Values of E at which a panel must end, brought into its range, for each m."""
        local = _graded(_SATURATION) if self.blur > 1.0 else np.empty(0)
        places = np.concatenate([local, np.array(self.kinks)])
        return np.clip((places - m) / self.blur, -_REACH, _REACH)

    def edges(self) -> Floats:
        """Ends of panels for z: short against the scales of the smoothed function, finer near kinks."""
        smooth = max(1.0, self.blur)
        local = smooth * _graded((_SATURATION + _REACH * self.blur) / smooth)
        near = min(self.blur, 1.0) * np.concatenate([_graded(_REACH), _REACH * 2.0 ** np.arange(1, 40)])
        ladder = np.concatenate([near, -near])
        around = [kink + ladder[np.abs(ladder) <= _PANEL] for kink in self.kinks]
        scale = abs(self.shared) or 1.0
        return np.concatenate([local, np.asarray(self.kinks), *around]) / scale


def _grid() -> Floats:
    return np.arange(-_REACH, _REACH + 1.0, _PANEL)


def _graded(reach: float) -> Floats:
    """Both sides of 0: panels of length 2 up to 8, then half as long as their distance from 0.

    The singularities lie near 0, so that a panel may grow with its distance from there and converge as fast.
    """
    near = np.arange(0.0, 4.0 * _PANEL + 1.0, _PANEL)
    far = 4.0 * _PANEL * 1.5 ** np.arange(1, 80)
    side = np.concatenate([near, far])
    side = side[: int(np.searchsorted(side, reach)) + 1]
    return np.concatenate([-side, side])


def _rule(f: _Smoothed, g: _Smoothed, nodes: int) -> tuple[Floats, float]:
    """Integrals over the panels of z of F G, and the sum of their absolute values."""
    edges = np.concatenate([_grid(), f.edges(), g.edges()])
    edges = np.unique(edges[np.abs(edges) <= _REACH])
    t, w = np.polynomial.legendre.leggauss(nodes)
    half = 0.5 * np.diff(edges)[:, None]
    z = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * t
    density = half * w * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    first, size = f.means(z, nodes)
    second, other = (first, size) if g == f else g.means(z, nodes)
    return (density * first * second).sum(axis=1), float((density * size * other).sum())


def joint_expectation(
    f: Function,
    g: Function,
    q1: float,
    q2: float,
    c: float,
    *,
    kinks: Sequence[float] = (),
) -> Integral:
    """E[f(u) g(v)] for u ~ N(0, q1) and v ~ N(0, q2) with correlation c, by nested Gauss-Legendre panels.

    f, g   elementwise on float64 arrays; they vary on the scale 1 within |x| < 40 and are near a polynomial
           of low degree beyond
    kinks  points where one of them, or a derivative of it, jumps

    The error is an estimate: the disagreement between 20 and 14 nodes a panel, and rounding, eps times the
    integral of the absolute values. Raises `UsageError` for variances or a correlation that are none.
    """
    for name, q in (("q1", q1), ("q2", q2)):
        if not (math.isfinite(q) and q >= 0.0):
            raise UsageError(f"{name}={q!r}: a variance is finite and not negative")
    if not -1.0 <= c <= 1.0:
        raise UsageError(f"c={c!r}: a correlation lies in [-1, 1]")
    s1, s2, r = math.sqrt(q1), math.sqrt(q2), abs(c)
    if r == 0.0 or s1 == 0.0 or s2 == 0.0:
        return _product(expectation(f, q1, kinks=kinks), expectation(g, q2, kinks=kinks))
    if r == 1.0:
        return _alike(f, g, s1, math.copysign(s2, c), kinks)
    places = tuple(float(kink) for kink in kinks)
    common, own = math.sqrt(r), math.sqrt(1.0 - r)
    first = _Smoothed(f=f, shared=s1 * common, blur=s1 * own, kinks=places)
    second = _Smoothed(f=g, shared=math.copysign(s2 * common, c), blur=s2 * own, kinks=places)
    fine, absolute = _rule(first, second, _NODES)
    coarse, _ = _rule(first, second, _WITNESS)
    error = float(np.abs(fine - coarse).sum()) + _EPS * math.sqrt(fine.size) * absolute
    return Integral(value=math.fsum(fine.tolist()), error=error)


def _product(a: Integral, b: Integral) -> Integral:
    error = abs(a.value) * b.error + abs(b.value) * a.error + a.error * b.error
    return Integral(value=a.value * b.value, error=error + _EPS * abs(a.value * b.value))


def _alike(f: Function, g: Function, s1: float, s2: float, kinks: Sequence[float]) -> Integral:
    """E[f(s1 Z) g(s2 Z)], in units of the larger standard deviation."""
    s = max(s1, abs(s2))
    a, b = s1 / s, s2 / s
    places = [place for kink in kinks for place in (kink / a, kink / b)]
    return expectation(lambda x: f(a * x) * g(b * x), s * s, kinks=places)
