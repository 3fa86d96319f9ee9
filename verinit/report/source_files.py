"""Which file of the repository a target is kept in, as far as its name says."""

from __future__ import annotations

import re

from verinit.vocabulary import Report

_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LONGEST = 300


def source_file(report: Report, target: str) -> str:
    """The file of `module:callable`, from the root of the repository; empty where there is none.

    `mynet.init:he` is said to be in mynet/init.py: whether `mynet.init` is a package, or lies under src, a
    report does not know. A package whose version the report has is installed, and no part of the repository.
    """
    module, colon, _ = target.partition(":")
    if not colon or len(module) > _LONGEST or not _MODULE.fullmatch(module):
        return ""
    installed = {name for name, _ in report.environment}
    return "" if module.partition(".")[0] in installed else module.replace(".", "/") + ".py"
