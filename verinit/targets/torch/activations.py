"""Activations of the family `torch`: torch.nn.functional's, and the slopes that autograd finds.

softplus is documented to be x above a threshold of 20. What a formula cannot do is expected of it: gelu and
silu have no limit at -inf, and 1 + erf, 1 + tanh and 1 - y cancel.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from verinit.targets.activations.forms import LIMITS, ONE_MINUS, ONE_PLUS, Differentiated, Expected, built_in
from verinit.targets.torch.autograd import Autograd
from verinit.targets.torch.framework import pytorch
from verinit.vocabulary import Target


@cache
def targets() -> tuple[Target, ...]:
    """The activations of torch that have a name in the reference, with their default parameters.

    Raises `TargetError` where torch is not installed.
    """
    torch = pytorch()
    f = torch.nn.functional
    slope = (("AC302", f"autograd's {ONE_MINUS}"),)
    tail = (("AC202", ONE_PLUS), ("AC302", ONE_PLUS))
    rows: tuple[tuple[str, str, Any, Expected], ...] = (
        ("sigmoid", "sigmoid", torch.sigmoid, slope),
        ("tanh", "tanh", torch.tanh, slope),
        ("relu", "relu", f.relu, ()),
        ("leaky_relu", "leaky_relu", f.leaky_relu, ()),
        ("elu", "elu", f.elu, ()),
        ("selu", "selu", f.selu, ()),
        ("gelu", "gelu", f.gelu, (*LIMITS, *tail)),
        ("gelu@tanh", "gelu_tanh", partial(f.gelu, approximate="tanh"), (*LIMITS, *tail)),
        ("silu", "silu", f.silu, LIMITS),
        ("softplus", "softplus(threshold=20)", f.softplus, ()),
    )
    return tuple(
        built_in(f"torch:{name}", like, Differentiated(Autograd(function)), expected=expected)
        for name, like, function, expected in rows
    )
