"""What JAX compiles once need not be compiled in every worker: a folder that they share for one run."""

from __future__ import annotations

import os


def shared(folder: str) -> dict[str, str]:
    """Variables by which processes share what JAX compiles in `folder`; the user's own stay as they are.

    Compiling costs seconds for a kernel's shape and milliseconds to read back.
    """
    wanted = {
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    return {name: os.environ.get(name, value) for name, value in wanted.items()}
