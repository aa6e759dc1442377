"""The refusals of the platform as it writes them (satusehat §5), built here and read by whoever gets one.

Two families: the *validator's* has ``text`` without ``div`` and its message in ``details.text``; the *store's* has no
``text``, a short key in ``details.text`` and the readable part in ``diagnostics``. Neither is quite legal FHIR.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jknbridge_adapters.satusehat.violations import Violation


def refused(violations: Iterable[Violation]) -> dict[str, Any]:
    """The validator's form: every violation is an issue."""
    return {
        "resourceType": "OperationOutcome",
        "text": {"status": "generated"},
        "issue": [issue(violation.code, violation.message, expression=violation.element) for violation in violations],
    }


def said(code: str, text: str, *, expression: str = "") -> dict[str, Any]:
    """The validator's form with one issue without a rule."""
    return refused([Violation(None, code, expression, text)])


def store(code: str, key: str, diagnostics: str, *, expression: str = "") -> dict[str, Any]:
    """The store's form: ``unparseable_resource``, ``resource_mismatch``, ``storage_error``, ``merge_failed``."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [issue(code, key, diagnostics=diagnostics, expression=expression)],
    }


def forbidden() -> dict[str, Any]:
    """A write on another organisation's resource."""
    text = (
        "Operation cannot be performed due to business rules, consent or privacy rules, or access permission "
        "constraints."
    )
    return {"resourceType": "OperationOutcome", "issue": [issue("forbidden", text)]}


def suppressed() -> dict[str, Any]:
    """Stands in a search for a row that the patient's consent withholds."""
    text = "The operation did not return any information due to consent or privacy rules."
    return {"resourceType": "OperationOutcome", "issue": [issue("suppressed", text, severity="information")]}


def issue(
    code: str, text: str, *, severity: str = "error", diagnostics: str = "", expression: str = ""
) -> dict[str, Any]:
    made: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": text}}
    if diagnostics:
        made["diagnostics"] = diagnostics
    if expression:
        made["expression"] = [expression]
    return made
