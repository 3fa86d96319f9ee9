"""Where rounding ends a slope: closed forms for the numbers from which an S-shaped function is exactly flat.

With p bits of significand and u = 2^-p (`rounding.UNIT_ROUNDOFF`), numbers just below 1 are u apart, those
above 1 are 2u apart (eps = 2u). Results are distances from 0 on the axis of x, or gaps between logits; the
threshold of an implementation is the first number of its dtype at or beyond. The rounding of exp moves it by
a few u, far less than the distance between two numbers there.

Where a claim must hold of every sound implementation, it is allowed `ULPS` units in the last place of the
result, and an argument of exp that is off by so many u of itself. The crudest sound one that was met is
XLA's float32 tanh, 3.8 units (`benchmarks/saturation_table.py` finds its threshold, 7.9988); older versions
of it clamp at 7.9053, 4.6 units; the next power of two is allowed.
"""

from __future__ import annotations

import math

from verinit.laws.rounding import unit_roundoff
from verinit.vocabulary import UsageError

ULPS = 8.0
LN2 = math.log(2.0)
WIDEST = 64
"""Bits of the widest significand that processors compute with (x87): what is rounded last is not wider."""
_EXPONENT = {"float16": 15, "bfloat16": 127, "float32": 127, "float64": 1023}


def precision(dtype: str) -> int:
    """p, the number of significant bits: u = 2^-p."""
    return -round(math.log2(unit_roundoff(dtype)))


def smallest_normal(dtype: str) -> float:
    """2^(1 - emax): below it numbers lose bits, or are flushed to zero."""
    unit_roundoff(dtype)
    return math.ldexp(1.0, 1 - _EXPONENT[dtype])


def log_smallest(dtype: str) -> float:
    """The smallest positive number is 2^(2 - emax - p), subnormal; its logarithm."""
    return (2 - _EXPONENT[dtype] - precision(dtype)) * LN2


# Sigmoid


def one_by_sum(dtype: str) -> float:
    """1 / (1 + exp(-x)) is 1 from p ln 2 on: there 1 + u is halfway between 1 and 1 + 2u, and ties to 1."""
    return precision(dtype) * LN2


def one_within(dtype: str, *, ulps: float = ULPS) -> float:
    """A sigmoid that errs by at most k units of u may be 1 where s(-x) <= k u, from ln(1/(k u) - 1) on.

    k = 1/2 is correct rounding, (p + 1) ln 2; k = 1 is p ln 2, as a sum that is rounded.
    """
    return math.log(1.0 / (ulps * unit_roundoff(dtype)) - 1.0)


def one_at_last() -> float:
    """Rounded from an inner format of at most `WIDEST` bits, sigmoid is 1 from 65 ln 2 on in any dtype."""
    return (WIDEST + 1) * LN2


def zero_by_overflow(dtype: str) -> float:
    """1 / (1 + exp(-x)) is 0 once exp(-x) rounds to infinity, at 2^(emax + 1) (1 - u/2)."""
    return (_EXPONENT[dtype] + 1) * LN2 + math.log1p(-unit_roundoff(dtype) / 2.0)


def zero_by_underflow(dtype: str) -> float:
    """exp(x) / (1 + exp(x)) is 0 from -ln(smallest / 2) on: half the smallest number ties to 0."""
    return LN2 - log_smallest(dtype)


def zero_by_flush(dtype: str) -> float:
    """Where subnormal numbers are flushed to zero, so is sigmoid below the smallest normal number."""
    return -math.log(smallest_normal(dtype))


def moved(x: float, dtype: str, *, ulps: float) -> float:
    """`x` moved by the error of exp, k u, and of its argument, k u |x| from rounding x log2(e)."""
    return x + ulps * unit_roundoff(dtype) * (1.0 + abs(x))


def zero_earliest(dtype: str) -> float:
    """No sound sigmoid is 0 before exp may overflow or the result may be flushed."""
    return moved(min(zero_by_overflow(dtype), zero_by_flush(dtype)), dtype, ulps=-ULPS)


def zero_at_last(dtype: str) -> float:
    """Every sound sigmoid is 0 once it is below the 2k-th part of the smallest number."""
    return moved(zero_by_underflow(dtype) + math.log(ULPS), dtype, ulps=ULPS)


# tanh


def tanh_one_within(dtype: str, *, ulps: float = ULPS) -> float:
    """1 - tanh x = 2 / (exp(2x) + 1) <= k u from ln(2/(k u) - 1) / 2 on."""
    return 0.5 * math.log(2.0 / (ulps * unit_roundoff(dtype)) - 1.0)


def tanh_one_rounded(dtype: str) -> float:
    """Correctly rounded, tanh is 1 where 1 - tanh x <= u/2: from (p + 2) ln 2 / 2 on."""
    return tanh_one_within(dtype, ulps=0.5)


def tanh_one_at_last() -> float:
    """As `one_at_last`, for tanh: 66 ln 2 / 2."""
    return 0.5 * (WIDEST + 2) * LN2


def tanh_slope_by_underflow(dtype: str) -> float:
    """Far out the slope of tanh is 4 exp(-2x), which underflows from here on."""
    return 0.5 * (math.log(4.0) + zero_by_underflow(dtype))


def tanh_slope_at_last(dtype: str) -> float:
    """Every sound slope of tanh is 0 once it is below the 2k-th part of the smallest number."""
    return moved(tanh_slope_by_underflow(dtype) + 0.5 * math.log(ULPS), dtype, ulps=ULPS)


# Softmax with loss: logits (z, 0, ..., 0) of K classes, y the probability of the first, label 0


def sure_gap_earliest(dtype: str, rows: int) -> float:
    """The gradient y - 1 is 0 not before p ln 2 - ln k, however many classes there are.

    1 - y = S / (1 + S) with S = (K - 1) exp(-z). A sum that starts with 1 loses each of the other terms
    once it is u, so that y is off by K - 1 units where K - 1 terms are lost: the threshold does not know K.
    The mean over `rows` divides by their number; in float16 that may bring u / rows among subnormal numbers.
    """
    return min(one_within(dtype), ruled_out_gap_earliest(dtype, rows))


def sure_gap_rounded(dtype: str, classes: int) -> float:
    """Rounded once, y is 1 where S <= u/2: from (p + 1) ln 2 + ln(K - 1) on."""
    return one_within(dtype, ulps=0.5) + math.log(classes - 1)


def sure_gap_at_last(dtype: str, classes: int) -> float:
    """Formed without y, as minus the sum of the others, y - 1 lives until S underflows."""
    return zero_at_last(dtype) + math.log(classes - 1)


def ruled_out_gap_earliest(dtype: str, rows: int) -> float:
    """The gradient y - 0 = exp(-z) / rows of a class that is ruled out is 0 not before it is flushed.

    The mean over `rows` divides by their number, which brings it nearer to 0.
    """
    return moved(zero_by_flush(dtype) - math.log(rows), dtype, ulps=-ULPS)


# Central differences f(w + h) - f(w - h)


def difference_zero_from(h: float, dtype: str, *, ulps: float = 1.0) -> float:
    """Sigmoid's difference 2 h exp(-w) may be 0 once it is below 2 k u: from ln(h / (k u)) on.

    k = 1 is 1 / (1 + exp(-w)), whose values near 1 are those of a sum, 2u apart: ln(2h / eps). Correctly
    rounded values are u apart, k = 1/2.
    """
    return math.log(h / (ulps * unit_roundoff(dtype)))


def difference_zero_share(w: float, h: float, dtype: str) -> float:
    """P(f(w + h) = f(w - h)) = 1 - (2h / eps) exp(-w) for 1 / (1 + exp(-w)), at least 0.

    Two values agree if no midpoint between multiples of eps lies between them; over a range of w in which
    exp(-w) passes many multiples, the distance to the next one is uniform.
    """
    return max(0.0, 1.0 - h / unit_roundoff(dtype) * math.exp(-w))


def difference_zero_mean(low: float, high: float, h: float, dtype: str) -> float:
    """The mean of `difference_zero_share` over w from `low` to `high`, both beyond ln(2h / eps)."""
    start = difference_zero_from(h, dtype)
    return 1.0 - (math.exp(start - low) - math.exp(start - high)) / (high - low)


def tanh_difference_zero_from(h: float, dtype: str) -> float:
    """For tanh the difference 8 h exp(-2w) may be 0 once it is below u: from ln(16 h / eps) / 2 on."""
    return 0.5 * math.log(8.0 * h / unit_roundoff(dtype))


def absorbed_from(h: float, dtype: str) -> float:
    """From just above the first power of two that is at least h / u, w + h and w - h round to w.

    Between 2^k and 2^(k + 1) numbers are 2^(k + 1) u apart, and less than half of that is lost; below 2^k,
    which w - h reaches from there, they are half as far apart.
    """
    binade = 2.0 ** math.ceil(math.log2(h / unit_roundoff(dtype)))
    return binade * (1.0 + 2.0 * unit_roundoff(dtype))


# Products over layers


def underflow_depth(gain: float, dtype: str) -> tuple[int, int]:
    """How many factors `gain` <= 1/2 a product has when it is exactly 0, at least and at most.

    Each factor and each product is rounded: while normal, L of them are off by 2 L u relatively; below, every
    product is rounded to a multiple of the smallest number m, which adds at most m (1 + gain + ...) / 2 <= m.
    It is 0 when the last one rounds to 0, so gain^L lies between m/2 - m and m/2 + m: the first depth at
    which it is below 3m/2 at least, the one after gain^L <= m/2 at most, as gain times m ties to 0.
    A gain above 1/2 never gets there: m times gain rounds to m.
    Raises `UsageError` for such a gain.
    """
    if not 0.0 < gain <= 0.5:
        raise UsageError(f"gain={gain!r}: a product of factors reaches 0 if they lie above 0 and up to 0.5")
    smallest, rate = log_smallest(dtype), -math.log(gain)
    normal = math.ceil(-math.log(smallest_normal(dtype)) / rate)
    excuse = 2.0 * (normal + 1) * unit_roundoff(dtype)
    least = math.ceil((-smallest - math.log(1.5) - excuse) / rate)
    most = math.ceil((LN2 - smallest + excuse) / rate) + 1
    return least, most


def flush_depth(gain: float, dtype: str) -> float:
    """How many factors, not rounded to a whole number, bring a product to the smallest normal number.

    Where subnormal numbers are flushed it is then 0, and this is so of every gain below 1.
    """
    if not 0.0 < gain < 1.0:
        raise UsageError(f"gain={gain!r}: a product of factors vanishes if they lie between 0 and 1")
    return math.log(smallest_normal(dtype)) / math.log(gain)
