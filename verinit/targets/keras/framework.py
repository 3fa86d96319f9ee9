"""Keras itself, on a backend that is there, imported when it is first needed."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from verinit.vocabulary import TargetError

BACKENDS = ("jax", "torch")
"""What is chosen, in this order, where Keras would choose what is not installed."""


def multi_keras() -> Any:
    """The keras module.

    Raises `TargetError` where it, or its backend, is not installed.
    """
    try:
        if find_spec("keras") is not None:
            _choose()
        import keras
    except ImportError as error:
        if error.name == "keras":
            raise TargetError("target 'keras' needs Keras: pip install 'verinit[keras]'") from None
        raise TargetError(
            f"target 'keras': the backend of Keras cannot be imported ({error}); install it, or set "
            "KERAS_BACKEND=jax or torch"
        ) from error
    return keras


def _choose() -> None:
    """Keras gets a backend that is installed, unless it is imported already, or KERAS_BACKEND says which.

    Without that variable Keras takes the backend of its own file, and that file says "tensorflow" wherever
    Keras wrote it without being asked. Where that backend is missing, KERAS_BACKEND is set, for this
    process and those it starts, to the first of `BACKENDS` that is there.
    """
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND") or _installed(_written()):
        return
    there = next(filter(_installed, BACKENDS), None)
    if there is not None:
        os.environ["KERAS_BACKEND"] = there


def _installed(backend: str) -> bool:
    """A backend is named like the package that it needs; one that Keras does not know is refused by Keras."""
    return find_spec(backend) is not None


def _written() -> str:
    """The backend that Keras would take from its file, or without one."""
    folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        said = json.loads((Path(folder) / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        said = None
    return said if isinstance(said, str) and said.isidentifier() else "tensorflow"
