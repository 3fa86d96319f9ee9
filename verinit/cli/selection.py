"""Which targets the words of a command line name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verinit.targets import resolve
from verinit.vocabulary import Target

DEFAULT = ("numpy",)


def once(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Every target once, in order."""
    return tuple({target.name: target for target in targets}.values())


def targets_of(words: Sequence[str]) -> tuple[Target, ...]:
    """The targets that these words name, each once; the default ones if there are none."""
    return once(target for word in words or DEFAULT for target in resolve(word))
