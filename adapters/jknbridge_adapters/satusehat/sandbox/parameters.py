"""Search parameters of the simulated platform (satusehat §14), as a table, and the values a resource has for them.

A parameter that is not in the table is dropped without a word, as the platform does. ``identifier`` works everywhere.
"""

from collections.abc import Mapping
from typing import Any, Final

from jknbridge_adapters.satusehat.paths import values
from jknbridge_adapters.satusehat.rules import BY_TYPE

Keys = frozenset[tuple[str, str]]
"""(parameter, value) pairs: references as ``Type/id``, identifiers as ``system|value`` and ``value``, codes bare."""

_SUBJECT: Final = {"subject": "subject", "patient": "subject"}
_ENCOUNTER: Final = {**_SUBJECT, "encounter": "encounter"}
_CONTEXT: Final = {**_SUBJECT, "context": "context"}
_ORDERED: Final = {**_ENCOUNTER, "based-on": "basedOn", "performer": "performer"}

PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "AllergyIntolerance": {"patient": "patient"},
    "CarePlan": _ENCOUNTER,
    "ClinicalImpression": _ENCOUNTER,
    "Composition": _ENCOUNTER,
    "Condition": _ENCOUNTER,
    "DiagnosticReport": _ORDERED,
    "Encounter": {**_SUBJECT, "service-provider": "serviceProvider"},
    "EpisodeOfCare": {"patient": "patient", "type": "type", "status": "status", "organization": "managingOrganization"},
    "FamilyMemberHistory": {"patient": "patient"},
    "Immunization": {"patient": "patient"},
    "Location": {"organization": "managingOrganization"},
    "MedicationDispense": _CONTEXT,
    "MedicationRequest": _ENCOUNTER,
    "MedicationStatement": _CONTEXT,
    "Observation": _ORDERED,
    "Organization": {"partof": "partOf", "type": "type"},
    "Patient": {"birthdate": "birthDate", "gender": "gender"},
    "Practitioner": {"gender": "gender"},
    "Procedure": _ENCOUNTER,
    "QuestionnaireResponse": _ENCOUNTER,
    "RelatedPerson": {"patient": "patient"},
    "ServiceRequest": _ENCOUNTER,
    "Specimen": _SUBJECT,
}
"""By type: parameter → element. ``MedicationDispense?encounter=`` is not there, and so returns unrelated rows."""

NAMED: Final = frozenset({"Patient", "Practitioner", "Organization", "Location"})
"""Types searched by ``name`` (a part of it, in any case)."""
DATED: Final = frozenset({"Encounter"})
"""Types searched by ``date`` (ge, le, gt, lt), against the start."""
TYPES: Final = frozenset(BY_TYPE) | frozenset(PARAMETERS) | {"Consent", "Task", "Device", "Media"}
"""Resource types that have a path at the gateway."""
PARENT: Final[Mapping[str, str]] = {
    "AllergyIntolerance": "patient",
    "Encounter": "subject",
    "EpisodeOfCare": "patient",
    "FamilyMemberHistory": "patient",
    "Immunization": "patient",
    "Location": "managingOrganization",
    "MedicationDispense": "context",
    "MedicationStatement": "context",
    "Organization": "partOf",
    "RelatedPerson": "patient",
    "Specimen": "subject",
}
"""The element by which the rows of a type are listed; ``encounter`` where a type is not here."""


def element_of(resource_type: str, parameter: str) -> str | None:
    """What a parameter is about; None for one that the platform drops."""
    if parameter == "identifier":
        return "identifier"
    return PARAMETERS.get(resource_type, _SUBJECT).get(parameter)


def keys_of(resource_type: str, root: dict[str, Any]) -> Keys:
    """``root`` is the folded resource."""
    keys = {("identifier", text) for holder in values(root, "identifier") for text in _identifier(holder)}
    for parameter, element in PARAMETERS.get(resource_type, _SUBJECT).items():
        keys |= {(parameter, text) for value in values(root, element) for text in _texts(value)}
    return frozenset(keys)


def _identifier(holder: Any) -> list[str]:
    if not isinstance(holder, dict) or not holder.get("value"):
        return []
    value = str(holder["value"])
    return [value, f"{holder.get('system', '')}|{value}"]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("reference"), str):
        return ["/".join(value["reference"].partition("/_history/")[0].rsplit("/", 2)[-2:])]
    codings = value.get("coding", [])
    found = [coding for coding in (codings if isinstance(codings, list) else [codings]) if isinstance(coding, dict)]
    return [text for c in found for text in (str(c.get("code")), f"{c.get('system', '')}|{c.get('code')}")]
