"""The named batteries: which cases are looked at, and how coarsely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from verinit.vocabulary import Battery, Case, Kind, UsageError, unknown

Places = dict[Kind, tuple[str, ...]]
_SMOKE = ("13x11", "3x3x4x10")
_STANDARD = ("16x16", "64x32", "48x80", "5x7x13", "3x5x8x16", "24x40/float32", "3x3x4x32?groups=4")
_EXHAUSTIVE = (
    *_STANDARD,
    "13x11",
    "1x37",
    "37x1",
    "17x501",
    "501x17",
    "257x255",
    "3x5x3x7x6",
    "64x32/float64",
    "3x3x4x16?groups=2,transposed=true",
    "48x80#1",
    "48x80/float16",
    "48x80/bfloat16",
)

_FUNCTIONS = ("6x5", "2x3x5x4")
_FUNCTIONS_USUAL = (
    "8x6",
    "8x6/float32",
    "5x7?scale=30",
    "6x4?special=true",
    "12x5/float16",
    "12x5/bfloat16",
    "2x3x6x5",
)
_FUNCTIONS_MANY = (
    *_FUNCTIONS_USUAL,
    "8x6#1",
    "33x17",
    "4x3x5",
    "7x5/float32?scale=30",
    "6x4/float32?special=true",
    "12x5/bfloat16?scale=30",
)

_NORMALIZERS = ("8x6", "4x3x5x6")
_NORMALIZERS_USUAL = (
    "8x6",
    "2x3",
    "33x5/float32",
    "8x6?scale=30",
    "64x5/float16",
    "16x5/bfloat16",
    "1x5",
    "4x3x5x6",
    "3x4x4x5/float32",
    "6x4x5",
)
_NORMALIZERS_MANY = (
    *_NORMALIZERS_USUAL,
    "8x6#1",
    "257x4",
    "257x4/float32",
    "9x5/float32?scale=0.01",
    "2x3/float32",
    "5x1",
    "1x4x4x3",
    "3x5x7x4/float16",
    "3x2x2x4/bfloat16",
)

_ACTIVATIONS = ("9x7",)
_ACTIVATIONS_USUAL = ("33x5", "9x7/float32", "5x8x3/float16", "67/bfloat16")
_ACTIVATIONS_MANY = (
    *_ACTIVATIONS_USUAL,
    "33x5#1",
    "1",
    "257/float32",
    "64x5?scale=30",
    "64x5/float32?scale=0.01",
    "9x8/float32?special=true",
    "9x8/float16?scale=30,special=true",
)

_LOSSES = ("64x2",)
_LOSSES_USUAL = ("64x2", "64x10", "64x2/float32", "64x10/float16", "64x10/bfloat16")
_LOSSES_MANY = (
    *_LOSSES_USUAL,
    "1x2",
    "64x3",
    "256x100",
    "64x10/float32",
    "64x2/float16",
    "64x2/bfloat16",
    "1x10/float32",
)


_MODELS = ("4x8?depth=2",)
_MODELS_USUAL = ("16x128?depth=5", "16x96/float32?depth=4")
_MODELS_MANY = (
    *_MODELS_USUAL,
    "32x64?depth=50",
    "64x128?depth=50",
    "64x256?depth=50",
    "64x512/float32?depth=5",
    "64x1024?depth=50",
    "16x128?depth=5#1",
)


def cases(texts: Iterable[str | Case]) -> tuple[Case, ...]:
    """The cases that these words spell; a Case passes through.

    Raises `UsageError` for one word in place of several, and for what is no word.
    """
    if isinstance(texts, str):
        raise UsageError(f"cases={texts!r}: give a list, [{texts!r}]")
    return tuple(map(_case, texts))


def _case(text: object) -> Case:
    """The case that a word spells."""
    if isinstance(text, Case):
        return text
    if not isinstance(text, str):
        raise UsageError(f"cases: {text!r} is no case; give words, such as '64x32' or '3x5x8x16/float32'")
    return Case.parse(text)


_MARGINAL = ("IN201", "IN202", "IN203", "IN204", "IN205", "IN206", "IN207")


_FEW: Places = {
    "initializer": _SMOKE,
    "function": _FUNCTIONS,
    "activation": _ACTIVATIONS,
    "loss": _LOSSES,
    "normalizer": _NORMALIZERS,
    "model": _MODELS,
}
_USUAL: Places = {
    "initializer": _STANDARD,
    "function": _FUNCTIONS_USUAL,
    "activation": _ACTIVATIONS_USUAL,
    "loss": _LOSSES_USUAL,
    "normalizer": _NORMALIZERS_USUAL,
    "model": _MODELS_USUAL,
}
_MANY: Places = {
    "initializer": _EXHAUSTIVE,
    "function": _FUNCTIONS_MANY,
    "activation": _ACTIVATIONS_MANY,
    "loss": _LOSSES_MANY,
    "normalizer": _NORMALIZERS_MANY,
    "model": _MODELS_MANY,
}
"""Where each kind is looked at: in passing, as a rule, and at length."""


def _battery(name: str, places: Places, coarseness: float, families: tuple[str, ...] = ()) -> Battery:
    found = tuple((kind, cases(texts)) for kind, texts in places.items())
    return Battery(name=name, cases=found, coarseness=coarseness, families=families)


BATTERIES: dict[str, Battery] = {
    "smoke": _battery("smoke", _FEW, 10.0, ("IN10", *_MARGINAL, "AC", "BN", "GR", "SA", "SP10")),
    "standard": _battery("standard", _USUAL, 1.0),
    "exhaustive": _battery("exhaustive", _MANY, 0.5),
}
"""smoke sees 10 % of a std and asks nothing of structure, standard 1 %, exhaustive 0.5 % at more shapes.

The shapes are chosen so that no two well-known mistakes leave the same ratios at all of them: 64x32 alone
cannot tell a wrong fan from 2/sqrt(n), nor a square anything from anything. The one square is for what
only squares show: the orientation of an orthogonal matrix.
"""


def battery(name: str | Battery, *, only: Iterable[str | Case] | None = None) -> Battery:
    """The battery of this name, or the same one at other cases.

    Raises `UsageError` for an unknown name or a case that cannot be read.
    """
    if isinstance(name, Battery):
        chosen = name
    elif name in BATTERIES:
        chosen = BATTERIES[name]
    else:
        raise unknown("battery", name, BATTERIES)
    if only is None:
        return chosen
    places = cases(only)
    if not places:
        raise UsageError("cases=(): give at least one case, such as '64x32'")
    return replace(chosen, cases=tuple((kind, places) for kind, _ in chosen.cases))
