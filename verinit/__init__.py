"""verinit finds out whether what people believe about initial weights is true of the code they run.

The public names are loaded when they are first used: importing this package costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verinit.cases import BATTERIES as BATTERIES
    from verinit.cases.strategies import cases_for as cases_for
    from verinit.checks import CHECKS as CHECKS
    from verinit.checks import check as check
    from verinit.comparison import compare as compare
    from verinit.faults import FAULTS as FAULTS
    from verinit.faults import fault as fault
    from verinit.laws.schemes import parse as parse
    from verinit.portraits import portrait as portrait
    from verinit.pytest_plugin.decorator import parametrize_with_checks as parametrize_with_checks
    from verinit.runner import verify as verify
    from verinit.runner.activations import verify_activation as verify_activation
    from verinit.runner.gradients import verify_gradient as verify_gradient
    from verinit.runner.layers import verify_layer as verify_layer
    from verinit.runner.normalizers import verify_batchnorm as verify_batchnorm
    from verinit.targets import resolve as resolve
    from verinit.targets import target as target
    from verinit.vocabulary import Case as Case
    from verinit.vocabulary import CheckFailed as CheckFailed
    from verinit.vocabulary import Evidence as Evidence
    from verinit.vocabulary import Finding as Finding
    from verinit.vocabulary import Rates as Rates
    from verinit.vocabulary import Report as Report
    from verinit.vocabulary import Scheme as Scheme
    from verinit.vocabulary import Target as Target
    from verinit.vocabulary import UsageError as UsageError
    from verinit.vocabulary import Verdict as Verdict
    from verinit.vocabulary import VerinitError as VerinitError
    from verinit.vocabulary import examine as examine

__version__ = "0.1.0"

_HOMES = {
    "verinit.cases": ("BATTERIES",),
    "verinit.cases.strategies": ("cases_for",),
    "verinit.checks": ("CHECKS", "check"),
    "verinit.comparison": ("compare",),
    "verinit.faults": ("FAULTS", "fault"),
    "verinit.laws.schemes": ("parse",),
    "verinit.portraits": ("portrait",),
    "verinit.pytest_plugin.decorator": ("parametrize_with_checks",),
    "verinit.runner": ("verify",),
    "verinit.runner.activations": ("verify_activation",),
    "verinit.runner.gradients": ("verify_gradient",),
    "verinit.runner.layers": ("verify_layer",),
    "verinit.runner.normalizers": ("verify_batchnorm",),
    "verinit.targets": ("resolve", "target"),
    "verinit.vocabulary": (
        "Case",
        "CheckFailed",
        "Evidence",
        "Finding",
        "Rates",
        "Report",
        "Scheme",
        "Target",
        "UsageError",
        "Verdict",
        "VerinitError",
        "examine",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        from verinit.vocabulary.errors import suggestion

        raise AttributeError(f"verinit has no {name!r}{suggestion(name, _HOME)}")
    return getattr(importlib.import_module(_HOME[name]), name)


def in_a_notebook(noun: Any) -> str:
    """The HTML of a report, a finding or a ruling; what draws it is loaded now."""
    return str(importlib.import_module("verinit.report.notebooks").html(noun))


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
