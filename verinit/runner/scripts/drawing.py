"""How a target draws, as source text: `draw(rng)` returns the array that verinit sees for the same rng."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from verinit.runner.scripts.pages import arguments
from verinit.runner.scripts.spelling import from_place, kept_at, spelt, unbound
from verinit.targets.calling import Adapted
from verinit.targets.forms import CHANCE, Role
from verinit.targets.sources import source
from verinit.vocabulary import Target, Trial

SEEDED = '''
def seeded(generator, rng):
    """A torch generator with its whole state, 624 words, drawn from rng."""
    state = torch.Generator().manual_seed(0).get_state()
    state.numpy()[24 : 24 + 8 * 624].view(np.uint64)[:] = rng.integers(0, 2**32, 624, dtype=np.uint32)
    generator.set_state(state)
    return generator
'''.strip("\n")
TOLD = '''
class Told(keras.random.SeedGenerator):
    """A seed of Keras that says what it is told: with a number for a seed it has 31 bits."""

    words = None

    def next(self, ordered=True):
        return keras.ops.convert_to_tensor(self.words)
'''.strip("\n")
GLOBALS = '''
def seed_all(rng):
    """The global generators, for code that asks for no other."""
    words = rng.integers(0, 2**32, 8, dtype=np.uint32)
    np.random.seed(words)
    random.seed(words.tobytes())
'''.strip("\n")
GLOBAL_TORCH = "    seeded(torch.default_generator, np.random.default_rng(words))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Imports, definitions that come before, and the lines of `draw(rng)`."""

    imports: tuple[str, ...]
    before: tuple[str, ...] = ()
    body: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All definitions, `draw` the last."""
        body = (f"    {line}" for line in self.body)
        return (*self.before, "\n".join(("def draw(rng):", *body)))


def drawing(trial: Trial) -> Drawing | None:
    """How the target of a trial draws at its case; None where that takes more than a few lines."""
    target = trial.target
    family, _, word = target.name.partition("=")[0].partition(":")
    if family == "numpy":
        return _reference(trial)
    said = source(family, word, trial.case)
    if family == "torch" and said is not None:
        return _reset(trial, said[0])
    if not isinstance(target.object, Adapted):
        return None
    if family == "keras" and said is not None:
        return _keras(trial, said[0])
    expression = said or _expression(target)
    return None if expression is None else _adapted(trial, target.object, expression)


def _expression(target: Target) -> tuple[str, dict[str, Any]] | None:
    """What is called, and what is bound to it."""
    found, bound = unbound(target.object.function)
    path = None if found is None else spelt(found)
    place = target.name.partition("=")[0]
    if path is None and kept_at(place) is target.object.function:
        path, bound = from_place(place), {}
    return None if path is None else (path[1], bound)


def _reference(trial: Trial) -> Drawing | None:
    """A function of the NumPy reference, which speaks verinit's calling form."""
    found, bound = unbound(trial.target.object)
    path = None if found is None else spelt(found)
    if path is None:
        return None
    given = {**bound, **dict(trial.case.parameters)}
    if trial.case.dtype is not None:
        given["dtype"] = trial.case.dtype
    extra = "".join(f", {name}={value!r}" for name, value in given.items())
    name = path[1].rpartition(".")[2]
    return Drawing(
        imports=("import numpy as np", f"from {path[0]} import {name}"),
        body=(f"return {name}({trial.case.shape}, rng{extra})",),
    )


def _reset(trial: Trial, module: str) -> Drawing:
    """The weight that a module of torch has after `reset_parameters`."""
    kind = f".to(torch.{trial.case.dtype})" if trial.case.dtype else ""
    return Drawing(
        imports=("import numpy as np", "import torch"),
        before=(SEEDED, f"module = {module}{kind}"),
        body=(
            "seeded(torch.default_generator, rng)",
            "module.reset_parameters()",
            f"return {_transposed('module.weight.detach().clone()', trial)}",
        ),
    )


def _transposed(tensor: str, trial: Trial) -> str:
    """A tensor of torch's layout as an array of verinit's: (*kernel, in, out)."""
    rank = len(trial.case.shape)
    wide = ".float()" if trial.case.dtype == "bfloat16" else ""
    axes = "" if rank < 2 else f".transpose({(*range(2, rank), 1, 0)})"
    return f"{tensor}{wide}.numpy(){axes}"


_PASSED: dict[Role, str] = {
    "rng": "rng",
    "random_state": "np.random.RandomState(np.random.MT19937(rng.integers(0, 2**32, 8, dtype=np.uint32)))",
    "seed": "int(rng.integers(2**63))",
    "short seed": "int(rng.integers(2**32))",
    "key": "key",
    "torch generator": "seeded(torch.Generator(), rng)",
}


def _adapted(trial: Trial, adapted: Adapted, expression: tuple[str, dict[str, Any]]) -> Drawing:
    """A function called in its own form."""
    path, bound = expression
    form, roles = adapted.form, adapted.form.roles
    imports, before = needed(path)
    torch = form.in_place or "torch generator" in roles or path.startswith("torch.")
    if before and not roles & CHANCE:  # one's own code may draw from any global generator that is loaded
        torch = torch or "torch" in sys.modules
    imports |= {"import numpy as np", *(("import torch",) if torch else ())}
    before += [SEEDED] if torch else []
    if "key" in roles:
        imports |= {"import jax"}
        before.append("KEY = jax.random.PRNGKey(0).shape  # of a raw key: all its words are drawn from rng")
    seeded = ["key = jax.numpy.asarray(rng.integers(0, 2**32, KEY, dtype=np.uint32))"] * ("key" in roles)
    if not roles & CHANCE:
        imports.add("import random")
        before.append(f"{GLOBALS}\n{GLOBAL_TORCH}" if torch else GLOBALS)
        seeded.append("seed_all(rng)")
    call = f"{path}({', '.join([*_passed(trial, adapted), *_named(trial, adapted, bound)])})"
    return Drawing(
        imports=tuple(imports),
        before=tuple(before),
        body=(*seeded, *_result(trial, form.in_place, call)),
    )


def _passed(trial: Trial, adapted: Adapted) -> list[str]:
    """Shape and chance, each as the function wants it."""
    listed = []
    for keyword, role in adapted.form.arguments:
        said = _said(role, trial.case.shape, adapted.form.in_place)
        listed.append(f"{keyword}={said}" if keyword else said)
    return listed


def _said(role: Role, shape: tuple[int, ...], in_place: bool) -> str:
    if role == "shape":
        return "w" if in_place else repr(shape)
    if role == "sizes":
        return ", ".join(map(str, shape))
    if role in ("fan_in", "fan_out"):
        return str(shape[0] if role == "fan_in" else shape[1])
    return _PASSED[role]


def _named(trial: Trial, adapted: Adapted, bound: dict[str, Any]) -> list[str]:
    """What is bound, what the case says, and its dtype."""
    dtype, form = trial.case.dtype, adapted.form
    said = [arguments([pair]) for pair in (*bound.items(), *trial.case.parameters)]
    if form.dtype and dtype is not None:
        spelling = {"word": repr(dtype), "torch": f"torch.{dtype}", "type": f"np.dtype({dtype!r}).type"}
        said.append(f"{form.dtype}={spelling.get(form.spelling, f'np.dtype({dtype!r})')}")
    return said


def _result(trial: Trial, in_place: bool, call: str) -> tuple[str, ...]:
    """What the call leaves behind, as it is or as the array that verinit makes of it."""
    if not in_place:
        home = call.partition(".")[0]
        if home == "torch":
            return (f"return {call}.detach().numpy()",)
        return (f"return np.asarray({call})",) if home == "jax" else (f"w = {call}", *_plain())
    shape = trial.case.shape
    layout = shape if len(shape) < 2 else (shape[-1], shape[-2], *shape[:-2])
    kind = f", dtype=torch.{trial.case.dtype}" if trial.case.dtype else ""
    return (
        f'w = torch.full({layout}, float("nan"){kind})  # torch keeps (out, in, *kernel)',
        call,
        f"return {_transposed('w', trial)}",
    )


def _plain() -> tuple[str, ...]:
    """Tensors become arrays, as verinit sees them; what is neither stays what it is."""
    lines = []
    if "torch" in sys.modules:
        lines.append('w = w.detach().cpu().numpy() if hasattr(w, "detach") else w')
    if "jax" in sys.modules:
        lines.append('w = np.asarray(w) if type(w).__module__.startswith("jax") else w')
    return (*lines, "return w")


OWN = "sys.path.insert(0, os.getcwd())  # one's own modules are looked for here"


def needed(path: str) -> tuple[set[str], list[str]]:
    """Imports for a path, and the lines that bring one's own module."""
    top, module = path.partition(".")[0], path.partition("(")[0].rpartition(".")[0]
    if top in ("torch", "jax", "keras", "scipy", "verinit"):
        return {f"import {module}" if top in ("scipy", "verinit") else f"import {top}"}, []
    loaded = module
    while loaded not in sys.modules and "." in loaded:  # a class that holds the function is no module
        loaded = loaded.rpartition(".")[0]
    return {"import os", "import sys"}, [OWN, f"import {loaded}"]


def _keras(trial: Trial, expression: str) -> Drawing:
    """An initializer of Keras: made once, with a seed that is told its words."""
    dtype = f", dtype={trial.case.dtype!r}" if trial.case.dtype else ""
    return Drawing(
        imports=("import numpy as np", "import keras"),
        before=(TOLD, "seed = Told(seed=0)", f"initializer = {expression}"),
        body=(
            "words = rng.integers(0, 2**32, 2, dtype=np.uint32)",
            "rng.integers(0, 2**32, 8, dtype=np.uint32)  # of the global generators, which are not asked",
            "seed.words = words.astype(str(seed.state.dtype))",
            f"w = initializer({trial.case.shape}{dtype})",
            "return np.asarray(keras.ops.convert_to_numpy(w))",
        ),
    )
