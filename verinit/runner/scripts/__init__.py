"""`verinit replay ID --as-script`: a finding as a script that somebody else can run.

Who maintains the code under test wants few lines that show the number, in the words of their own framework.
Where the number can be computed without verinit (moments, bounds, ties, dtypes, a value, a slope, an entry of
a gradient), the script does; everywhere else it calls verinit's public names. The prediction and what it may
be off by are written into the script: what they follow from is verinit's affair, `verinit explain CODE`.
"""

from __future__ import annotations

from verinit.runner.replaying import replay, trial_of
from verinit.runner.scripts.activations import activation
from verinit.runner.scripts.gradients import gradient
from verinit.runner.scripts.initializers import initializer
from verinit.runner.scripts.pages import Body, page
from verinit.runner.scripts.verdicts import verdict
from verinit.vocabulary import Finding, Report, Trial

__all__ = ["script"]


def script(text: str, *, report: Report | None = None) -> str:
    """A standalone script that shows the finding of a full id; it is seen once more to write the script.

    The script prints what is observed beside what is expected, and exits 1 where they are farther apart than
    is allowed.
    """
    trial = trial_of(text)
    found = replay(text, report=report)
    return page(found, _body(trial, found))


def _body(trial: Trial, found: Finding) -> Body:
    own = {"initializer": initializer, "activation": activation, "function": gradient}.get(trial.target.kind)
    written = None if own is None or found.evidence is None else own(trial, found.evidence)
    return verdict(trial, found) if written is None else written
