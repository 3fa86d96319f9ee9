"""What a result depends on besides the code: versions of what was imported."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

Versions = tuple[tuple[str, str], ...]
_PACKAGES = ("verinit", "numpy", "scipy", "torch", "jax", "flax", "keras")


def environment() -> Versions:
    """Versions of Python and of every numeric package that this process has loaded."""
    loaded = [name for name in _PACKAGES if name in sys.modules]
    return (("python", platform.python_version()), *((name, _version(name)) for name in loaded))


def merged(*environments: Versions) -> Versions:
    """The versions that any of several processes loaded, each once."""
    return tuple({name: value for versions in environments for name, value in versions}.items())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
