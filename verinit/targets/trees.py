"""Nested lists, tuples and dicts of arrays, and the arrays in them one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every leaf under the name by which it is reached.

    >>> list(leaves({"W": "a", "layers": ["b", "c"]}, "params"))
    [('params.W', 'a'), ('params.layers[0]', 'b'), ('params.layers[1]', 'c')]
    """
    if isinstance(tree, Mapping):
        for key, part in tree.items():
            yield from leaves(part, f"{name}.{key}")
    elif isinstance(tree, (list, tuple)) and not _numbers(tree):
        for i, part in enumerate(tree):
            yield from leaves(part, f"{name}[{i}]")
    else:
        yield name, tree


def refilled(tree: Any, values: Iterable[Any]) -> Any:
    """A tree of the same form with other leaves.

    >>> refilled({"W": "a", "layers": ["b", "c"]}, "xyz")
    {'W': 'x', 'layers': ['y', 'z']}
    """
    return _refilled(tree, iter(values))


def _refilled(tree: Any, values: Iterator[Any]) -> Any:
    if isinstance(tree, Mapping):
        return {key: _refilled(part, values) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)) and not _numbers(tree):
        parts = [_refilled(part, values) for part in tree]
        if isinstance(tree, list):
            return parts
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return next(values)


def _numbers(tree: Any) -> bool:
    """Whether a list holds nothing but Python's numbers: an array written by hand."""
    if isinstance(tree, (list, tuple)):
        return bool(tree) and all(map(_numbers, tree))
    return isinstance(tree, (int, float))
