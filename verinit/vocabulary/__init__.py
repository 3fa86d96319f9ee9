"""The words that every floor shares: frozen nouns, the judge, the errors, the JSON form.

Nothing here imports numpy: a report can be read, judged and worded without any numeric library.
"""

from verinit.vocabulary.checks import Battery, Check, Fault, Measured, Trial, crash, examine
from verinit.vocabulary.errors import (
    CheckFailed,
    CheckInconclusive,
    CheckSkipped,
    TargetError,
    UsageError,
    VerinitError,
    suggestion,
    unknown,
)
from verinit.vocabulary.evidence import Axis, Evidence, Exhibit, Verdict, judge
from verinit.vocabulary.findings import Claim, Finding, Outcome, Report, Ruling
from verinit.vocabulary.places import FAMILIES, MODES, ROOT, Case, Rates, Scheme, entropy, parameter
from verinit.vocabulary.targets import (
    KINDS,
    Activation,
    Function,
    Initializer,
    Kind,
    Layer,
    Loss,
    Model,
    Normalizer,
    Target,
)

__all__ = [
    "FAMILIES",
    "KINDS",
    "MODES",
    "ROOT",
    "Activation",
    "Axis",
    "Battery",
    "Case",
    "Check",
    "CheckFailed",
    "CheckInconclusive",
    "CheckSkipped",
    "Claim",
    "Evidence",
    "Exhibit",
    "Fault",
    "Finding",
    "Function",
    "Initializer",
    "Kind",
    "Layer",
    "Loss",
    "Measured",
    "Model",
    "Normalizer",
    "Outcome",
    "Rates",
    "Report",
    "Ruling",
    "Scheme",
    "Target",
    "TargetError",
    "Trial",
    "UsageError",
    "Verdict",
    "VerinitError",
    "crash",
    "entropy",
    "examine",
    "judge",
    "parameter",
    "suggestion",
    "unknown",
]
