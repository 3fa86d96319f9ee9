"""The table of all settings: what each may be, and which option it sets in which command.

A setting is a key of `[tool.verinit]` and a variable, `VERINIT_<KEY>`; a new one is a row more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

PREFIX = "VERINIT_"


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _number(text: str) -> object:
    """The number that a text spells; the text itself where it spells none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting: what it may be, in words and as a predicate, and which option it sets in which command.

    options  command to the parameter of the option
    spelt    the value that the text of a variable stands for
    path     whether it names a place, relative to the folder of the file
    """

    name: str
    says: str
    allows: Callable[[object], bool]
    options: Mapping[str, str]
    spelt: Callable[[str], object] = str
    path: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_FOLDERS = dict.fromkeys(("run", "textbook", "gradcheck", "report"), "folder")
KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key(
            name="targets",
            says="a list of targets, such as ['numpy', 'mynet.init:he=he_normal']",
            allows=_texts,
            spelt=str.split,
            options={"run": "words", "list": "words"},
        ),
        Key(
            name="battery",
            says="'smoke', 'standard' or 'exhaustive'",
            allows=lambda value: value in ("smoke", "standard", "exhaustive"),
            options={"run": "battery", "list": "battery"},
        ),
        Key(
            name="checks",
            says="a list of check codes, such as ['IN201', 'IN205']",
            allows=_texts,
            spelt=str.split,
            options={"run": "codes", "list": "codes"},
        ),
        Key(
            name="seed",
            says="a whole number, or 'fresh' for new entropy",
            allows=lambda value: value == "fresh" or _whole(value),
            spelt=_number,
            options=dict.fromkeys(("run", "textbook", "gradcheck"), "seed"),
        ),
        Key(
            name="jobs",
            says="a number of worker processes, or 0 to run in this one",
            allows=_whole,
            spelt=_number,
            options={"run": "jobs", "calibrate": "jobs"},
        ),
        Key(
            name="timeout",
            says="seconds above 0",
            allows=_seconds,
            spelt=_number,
            options={"run": "timeout"},
        ),
        Key(name="report", says="the path of a folder", allows=_text, options=_FOLDERS, path=True),
        Key(name="format", says="the name of a format", allows=_text, options={"run": "form"}),
        Key(name="output", says="the path of a file", allows=_text, options={"run": "output"}, path=True),
        Key(name="baseline", says="the path of a file", allows=_text, options={"run": "baseline"}, path=True),
        Key(
            name="strict",
            says="true or false",
            allows=lambda value: isinstance(value, bool),
            spelt=lambda text: _SWITCH.get(text.lower(), text),
            options={"run": "strict", "gradcheck": "strict"},
        ),
    )
}
"""Every setting but `expected`, which is a table of its own and has no variable."""
