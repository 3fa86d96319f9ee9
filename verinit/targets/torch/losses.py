"""Losses of the family `torch`: cross entropy of logits, and the gradient that autograd forms."""

from __future__ import annotations

from functools import cache

from verinit.targets.losses import DECLARED, DTYPES, Mean
from verinit.targets.torch.autograd import Autograd
from verinit.targets.torch.framework import pytorch
from verinit.vocabulary import Target


@cache
def targets() -> tuple[Target, ...]:
    """Cross entropy of logits, a mean over rows.

    Raises `TargetError` where torch is not installed.
    """
    return (
        Target(
            name="torch:cross_entropy",
            kind="loss",
            object=Mean(Autograd(pytorch().nn.functional.cross_entropy)),
            declared=DECLARED,
            ranks=(2,),
            dtypes=DTYPES,
        ),
    )
