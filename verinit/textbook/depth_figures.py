"""The figures of depth: what a layer gains, what is left of signal and gradient, how alike inputs grow."""

from __future__ import annotations

from verinit.textbook import cosine_maps, depth_profiles, flat_slopes, layer_gains
from verinit.vocabulary import Exhibit, Rates


def exhibits(*, root: int, rates: Rates) -> tuple[Exhibit, ...]:
    """Signal and gradient by depth, the gain of each layer, the map of the cosine, and saturation."""
    return (
        *depth_profiles.panels(root),
        *layer_gains.exhibits(root, rates),
        *cosine_maps.panels(root),
        *flat_slopes.exhibits(root),
    )
