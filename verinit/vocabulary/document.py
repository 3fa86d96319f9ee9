"""Results as JSON and back: `verinit.report/1`, with every non-finite number spelt out."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from functools import cache
from typing import Any, TypeVar

import msgspec

from verinit.vocabulary.errors import UsageError
from verinit.vocabulary.evidence import Evidence, Exhibit
from verinit.vocabulary.findings import Claim, Finding, Report, Ruling
from verinit.vocabulary.places import Case, Rates, Scheme

SCHEMA = "verinit.report/1"
_NONFINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
Noun = TypeVar("Noun", Claim, Scheme, Case, Rates, Evidence, Exhibit, Finding, Ruling, Report)


_ALREADY = (str, int, bool, type(None))


def plain(value: Any) -> Any:
    """`value` as JSON's own types; a float that is not finite becomes its name."""
    if type(value) in _ALREADY:
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return next(name for name, known in _NONFINITE.items() if str(known) == str(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass; asked for 50,000 findings."""
    return tuple(field.name for field in dataclasses.fields(kind))


def restore(data: Any, kind: type[Noun]) -> Noun:
    """The noun that `plain` made `data` of; unknown keys are ignored, so that newer minors can be read.

    Raises `UsageError` naming the field that does not fit.
    """
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"not a {kind.__name__}: {error}") from None


def _result(finding: Finding) -> dict[str, Any]:
    row = plain(finding)
    del row["claim"]
    return {
        "id": finding.id,
        "replay": finding.short_id,
        "check": finding.claim.id,
        **row,
        "case": str(finding.case),
    }


def _row(result: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    return {**result, "claim": claims[result["check"]], "case": plain(Case.parse(result["case"]))}


def document(report: Report) -> dict[str, Any]:
    """The report as `report.json` holds it: results sorted by id and free of times and hosts."""
    claims = {finding.claim.id: finding.claim for finding in report.findings}
    lasting = {
        "claims": {code: plain(claims[code]) for code in sorted(claims)},
        "results": [_result(finding) for finding in sorted(report.findings, key=lambda f: f.id)],
        "rulings": [plain(ruling) for ruling in report.rulings],
    }
    whole = plain(dataclasses.replace(report, findings=(), rulings=()))
    for name in ("findings", "rulings"):
        del whole[name]
    canonical = json.dumps(lasting, sort_keys=True, separators=(",", ":"))
    return {
        "schema": SCHEMA,
        "green": bool(report),
        "digest": hashlib.sha256(canonical.encode()).hexdigest(),
        "counts": report.counts,
        **whole,
        **lasting,
    }


def encode(report: Report) -> str:
    """`report.json` as text."""
    line = json.dumps(document(report), ensure_ascii=False, allow_nan=False)
    try:
        return msgspec.json.format(line, indent=1) + "\n"
    except UnicodeEncodeError:  # half a character in a name; this way takes five times as long
        return json.dumps(json.loads(line), indent=1, ensure_ascii=False) + "\n"


def decode(text: str | bytes) -> Report:
    """The report that `encode` wrote.

    Raises `UsageError` for a file that is cut off, of another kind, or of a later major version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a verinit report: the JSON is cut off or damaged ({error})") from None
    if not isinstance(data, dict) or "schema" not in data:
        raise UsageError("not a verinit report: it has no 'schema'")
    schema = data["schema"]
    if schema != SCHEMA:
        raise UsageError(
            f"schema={schema!r}: this version of verinit reads {SCHEMA!r}; re-run, or update verinit"
        )
    try:
        claims = data["claims"]
        findings = [_row(result, claims) for result in data["results"]]
    except KeyError as error:
        raise UsageError(f"not a verinit report: {error} is missing or has the wrong form") from None
    except TypeError as error:
        raise UsageError(f"not a verinit report: its results have the wrong form ({error})") from None
    return restore({**data, "findings": findings}, Report)
