"""The textbook ledger made ruling by ruling: with progress, and with nothing lost to Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterable

from verinit.cli.interruption import Stop
from verinit.cli.progress import Mark, progress
from verinit.textbook import CLAIMS, rule
from verinit.vocabulary import Ruling


def ruled(
    stop: Stop,
    *,
    root: int,
    only: tuple[str, ...] = (),
    with_training: bool = False,
    known: Iterable[Ruling] = (),
    quiet: bool = False,
) -> tuple[dict[str, Ruling], bool]:
    """Rulings by code in the order of the chapter, and whether none is missing.

    only   codes of the claims to rule on; empty means all
    known  rulings of the same root, which are not made again
    """
    rulings = {ruling.id: ruling for ruling in known}
    wanted = [code for code in CLAIMS if not only or code in only]
    missing = [code for code in wanted if code not in rulings]
    try:
        with progress(len(missing), quiet=quiet, noun="claims of the textbook") as tick:
            for ruling in stop.each(rule(code, root=root, with_training=with_training) for code in missing):
                rulings[ruling.id] = ruling
                tick([Mark(red=False)])
    except KeyboardInterrupt:
        pass
    found = {code: rulings[code] for code in wanted if code in rulings}
    return found, len(found) == len(wanted)
