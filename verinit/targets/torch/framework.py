"""PyTorch itself, imported when it is first needed."""

from __future__ import annotations

from typing import Any

from verinit.vocabulary import TargetError


def pytorch() -> Any:
    """The torch module.

    Raises `TargetError` where it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise TargetError("target 'torch' needs PyTorch: pip install 'verinit[torch]'") from None
    return torch
