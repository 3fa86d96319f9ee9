"""Targets may change the process they run in; the next trial must not notice, nor the report move."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np


@contextmanager
def undisturbed() -> Iterator[None]:
    """Afterwards the process is as before: current folder, environment variables, streams, warning filters.

    So are numpy's error state and print options, Python's limit of recursion, and torch's default dtype.
    What a finding says may not depend on which targets were looked at before it: it is replayed alone.
    """
    here, variables = _folder(), dict(os.environ)
    streams, filters, limit = (sys.stdout, sys.stderr), warnings.filters[:], sys.getrecursionlimit()
    torch: Any = sys.modules.get("torch")
    dtype = torch.get_default_dtype() if torch is not None else None
    try:
        with np.errstate(), np.printoptions():
            yield
    finally:
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
        sys.stdout, sys.stderr = streams
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined] # as catch_warnings tells its caches
        if os.environ != variables:
            os.environ.clear()
            os.environ.update(variables)
        if here is not None and _folder() != here:
            with suppress(OSError):
                os.chdir(here)
        if dtype is not None and torch.get_default_dtype() is not dtype:
            torch.set_default_dtype(dtype)


def _folder() -> str | None:
    """The current folder; None where it has been deleted."""
    with suppress(OSError):
        return os.getcwd()
    return None
