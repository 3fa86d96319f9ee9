"""What takes more than a few lines to measure: the check itself, by verinit's public names."""

from __future__ import annotations

from verinit.runner.scripts.pages import Body
from verinit.vocabulary import Finding, Trial


def verdict(trial: Trial, found: Finding) -> Body:
    """A trial examined by verinit, at the level and discrepancy that it had in its run."""
    rates = f"false_fail={trial.rates.false_fail!r}, false_pass={trial.rates.false_pass!r}"
    return Body(
        imports=("import os", "import sys", "import dataclasses", "import verinit"),
        lines=(
            "sys.path.insert(0, os.getcwd())  # one's own modules are looked for here",
            f"(target,) = verinit.resolve({trial.target.name!a})",
            f"check = verinit.CHECKS[{trial.check.code!r}]",
            f"case = verinit.Case.parse({str(trial.case)!r})",
            f"trial = check.trial(target, case, rates=verinit.Rates({rates}), root={trial.root})",
            f"found = verinit.examine(dataclasses.replace(trial, discrepancy={trial.discrepancy!r}))",
            "print(found)",
            "if found.evidence is not None:",
            '    print("observed", found.evidence.observed)',
            '    print("expected", found.evidence.expected, "+-", found.evidence.tolerance)',
            "sys.exit(0 if found.verdict is verinit.Verdict.passed else 1)",
        ),
        note=f"{trial.check.code} is more than a few lines: verinit measures it as in the run",
        ends=True,
    )
