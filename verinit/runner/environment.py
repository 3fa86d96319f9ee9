"""What a result depends on besides the code: versions of what was imported."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

_PACKAGES = ("verinit", "numpy", "scipy", "torch", "jax", "flax", "keras")


def environment() -> tuple[tuple[str, str], ...]:
    """Versions of Python and of every numeric package that this process has loaded."""
    loaded = [name for name in _PACKAGES if name in sys.modules]
    return (("python", platform.python_version()), *((name, _version(name)) for name in loaded))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
