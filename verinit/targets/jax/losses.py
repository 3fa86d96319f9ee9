"""Losses of the family `jax`: cross entropy through log_softmax, and the gradient that jax.vjp makes."""

from __future__ import annotations

from functools import cache
from typing import Any

from verinit.targets.jax.framework import google_jax
from verinit.targets.jax.vjp import Vjp
from verinit.targets.losses import DECLARED, DTYPES, Mean
from verinit.vocabulary import Target


@cache
def targets() -> tuple[Target, ...]:
    """Softmax cross entropy as it is written with jax.nn.

    Raises `TargetError` where jax is not installed.
    """
    google_jax()
    return (
        Target(
            name="jax:cross_entropy",
            kind="loss",
            object=Mean(Vjp(cross_entropy, compiled=True)),
            declared=DECLARED,
            ranks=(2,),
            dtypes=DTYPES,
        ),
    )


def cross_entropy(x: Any, labels: Any) -> Any:
    """Minus the log-probability of each row's label, a mean over rows; x: (N, K), labels: (N,)."""
    nn = google_jax().nn
    return -(nn.log_softmax(x) * nn.one_hot(labels, x.shape[-1], dtype=x.dtype)).sum(-1).mean()
