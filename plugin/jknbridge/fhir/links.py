"""Which references matter, and which resources belong to a journey: two tables (DESIGN §1 "Journey").

:data:`LINKS` says, per type, which element paths carry a reference that the bridge follows, and which types it may
name. The first type listed is meant when a reference does not say (a bare id, or an identifier only). Everything else
in a resource may refer to what it likes: it is kept, and nothing follows it.

:data:`JOURNEY_LINKS` says, per anchor type, how a journey gathers its resources: one tuple of :class:`Hop` for the
first step from the anchor, one for the second. Another anchor (Appointment, Group, Patient, Facility) is another row;
nothing else in the host names a path. :data:`FAMILY` joins anchors that are seen together.

Not for walking them: that is :mod:`~jknbridge.fhir.walk`. The paths and types are FHIR R4's, checked in tests against
the R4B models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """One element path that carries references: ``participant.individual``, and the types it may name."""

    path: str
    types: tuple[str, ...]
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", tuple(self.path.split(".")))


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a journey: resources of ``from_type`` refer along ``path`` to ``to_type``.

    ``inbound``: the journey has reached ``to_type`` and takes in who refers to it (an Observation of the Encounter);
    otherwise it has reached ``from_type`` and takes in what that refers to (the Encounter's Patient).
    """

    from_type: str
    path: str
    to_type: str
    inbound: bool

    @property
    def start(self) -> str:
        """The type from which the step is taken."""
        return self.to_type if self.inbound else self.from_type

    @property
    def end(self) -> str:
        """The type that the step takes in."""
        return self.from_type if self.inbound else self.to_type


_SUBJECT = "Patient Group"
_WHO = "Practitioner PractitionerRole"
_ORDER = "ServiceRequest CarePlan MedicationRequest"

_TABLE: Mapping[str, Mapping[str, str]] = {
    "Encounter": {
        "subject": _SUBJECT,
        "partOf": "Encounter",
        "participant.individual": f"{_WHO} RelatedPerson",
        "location.location": "Location",
        "serviceProvider": "Organization",
        "diagnosis.condition": "Condition Procedure",
        "reasonReference": "Condition Procedure Observation",
        "appointment": "Appointment",
        "episodeOfCare": "EpisodeOfCare",
        "basedOn": "ServiceRequest",
        "hospitalization.origin": "Location Organization",
        "hospitalization.destination": "Location Organization",
    },
    "Condition": {"encounter": "Encounter", "subject": _SUBJECT, "asserter": _WHO, "recorder": _WHO},
    "Observation": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "performer": f"{_WHO} Organization",
        "basedOn": _ORDER,
        "partOf": "Procedure Immunization MedicationDispense",
        "specimen": "Specimen",
        "hasMember": "Observation QuestionnaireResponse",
        "derivedFrom": "Observation QuestionnaireResponse DocumentReference",
    },
    "Procedure": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "performer.actor": f"{_WHO} Organization",
        "basedOn": "ServiceRequest CarePlan",
        "partOf": "Procedure Observation",
        "reasonReference": "Condition Observation Procedure DiagnosticReport",
        "location": "Location",
    },
    "MedicationRequest": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "medicationReference": "Medication",
        "requester": f"{_WHO} Organization",
        "recorder": _WHO,
        "basedOn": _ORDER,
        "reasonReference": "Condition Observation",
        "priorPrescription": "MedicationRequest",
        "dispenseRequest.performer": "Organization",
    },
    "MedicationDispense": {
        "context": "Encounter EpisodeOfCare",
        "subject": _SUBJECT,
        "medicationReference": "Medication",
        "performer.actor": f"{_WHO} Organization",
        "authorizingPrescription": "MedicationRequest",
        "partOf": "Procedure",
        "location": "Location",
    },
    "MedicationStatement": {
        "context": "Encounter EpisodeOfCare",
        "subject": _SUBJECT,
        "medicationReference": "Medication",
        "basedOn": "MedicationRequest CarePlan ServiceRequest",
        "partOf": "MedicationStatement MedicationDispense Procedure",
    },
    "MedicationAdministration": {
        "context": "Encounter EpisodeOfCare",
        "subject": _SUBJECT,
        "medicationReference": "Medication",
        "performer.actor": _WHO,
        "request": "MedicationRequest",
        "partOf": "MedicationAdministration Procedure",
    },
    "Medication": {"manufacturer": "Organization", "ingredient.itemReference": "Medication Substance"},
    "ServiceRequest": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "requester": f"{_WHO} Organization",
        "performer": f"{_WHO} Organization HealthcareService",
        "basedOn": "ServiceRequest CarePlan MedicationRequest",
        "replaces": "ServiceRequest",
        "reasonReference": "Condition Observation DiagnosticReport DocumentReference",
        "specimen": "Specimen",
        "locationReference": "Location",
    },
    "Immunization": {
        "encounter": "Encounter",
        "patient": "Patient",
        "performer.actor": f"{_WHO} Organization",
        "location": "Location",
        "reasonReference": "Condition Observation DiagnosticReport",
    },
    "Composition": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "author": f"{_WHO} Organization",
        "custodian": "Organization",
    },
    "ClinicalImpression": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "assessor": _WHO,
        "problem": "Condition AllergyIntolerance",
        "previous": "ClinicalImpression",
        "investigation.item": "Observation QuestionnaireResponse DiagnosticReport",
    },
    "CarePlan": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "author": f"{_WHO} Organization",
        "basedOn": "CarePlan",
        "partOf": "CarePlan",
        "addresses": "Condition",
        "activity.reference": "ServiceRequest MedicationRequest Appointment",
    },
    "QuestionnaireResponse": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "author": f"{_WHO} Organization",
        "source": f"Patient {_WHO} RelatedPerson",
        "basedOn": "ServiceRequest CarePlan",
        "partOf": "Observation Procedure",
    },
    "DiagnosticReport": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "performer": f"{_WHO} Organization",
        "resultsInterpreter": _WHO,
        "basedOn": _ORDER,
        "specimen": "Specimen",
        "result": "Observation",
        "imagingStudy": "ImagingStudy",
    },
    "ImagingStudy": {
        "encounter": "Encounter",
        "subject": _SUBJECT,
        "basedOn": "ServiceRequest CarePlan Appointment",
        "referrer": _WHO,
    },
    "Specimen": {
        "subject": _SUBJECT,
        "request": "ServiceRequest",
        "collection.collector": _WHO,
        "parent": "Specimen",
    },
    "DocumentReference": {
        "context.encounter": "Encounter EpisodeOfCare",
        "subject": _SUBJECT,
        "author": f"{_WHO} Organization",
        "custodian": "Organization",
    },
    "AllergyIntolerance": {
        "patient": "Patient",
        "encounter": "Encounter",
        "asserter": f"{_WHO} Patient",
        "recorder": _WHO,
    },
    "Flag": {"encounter": "Encounter", "subject": _SUBJECT},
    "Coverage": {"beneficiary": "Patient", "subscriber": "Patient RelatedPerson", "payor": "Organization"},
    "EpisodeOfCare": {
        "patient": "Patient",
        "managingOrganization": "Organization",
        "careManager": _WHO,
        "diagnosis.condition": "Condition",
        "referralRequest": "ServiceRequest",
    },
    "Appointment": {
        "participant.actor": f"Patient {_WHO} Location HealthcareService RelatedPerson",
        "basedOn": "ServiceRequest",
        "slot": "Slot",
        "reasonReference": "Condition Procedure Observation",
    },
    "Slot": {"schedule": "Schedule"},
    "Schedule": {"actor": f"{_WHO} Location HealthcareService"},
    "HealthcareService": {"providedBy": "Organization", "location": "Location"},
    "Location": {"managingOrganization": "Organization", "partOf": "Location"},
    "Organization": {"partOf": "Organization"},
    "PractitionerRole": {"practitioner": "Practitioner", "organization": "Organization", "location": "Location"},
    "Patient": {"managingOrganization": "Organization", "link.other": "Patient RelatedPerson"},
    "RelatedPerson": {"patient": "Patient"},
    "Group": {"member.entity": f"Patient {_WHO}", "managingEntity": "Organization Practitioner"},
}

LINKS: Mapping[str, tuple[Link, ...]] = {
    type_: tuple(Link(path, tuple(types.split())) for path, types in paths.items()) for type_, paths in _TABLE.items()
}
"""Type → its links. A type without a row has no edges."""


def _out(path: str, *to_types: str) -> Iterator[Hop]:
    return (Hop(*_halves(path), to_type, inbound=False) for to_type in to_types)


def _in(to_type: str, *paths: str) -> Iterator[Hop]:
    return (Hop(*_halves(path), to_type, inbound=True) for path in paths)


def _halves(path: str) -> tuple[str, str]:
    type_, _, rest = path.partition(".")
    return type_, rest


_OF_ENCOUNTER = (
    *_in(
        "Encounter",
        *("Condition.encounter", "Observation.encounter", "Procedure.encounter", "MedicationRequest.encounter"),
        *("MedicationDispense.context", "MedicationStatement.context", "MedicationAdministration.context"),
        *(
            "ServiceRequest.encounter",
            "Immunization.encounter",
            "Composition.encounter",
            "ClinicalImpression.encounter",
        ),
        *(
            "CarePlan.encounter",
            "QuestionnaireResponse.encounter",
            "DiagnosticReport.encounter",
            "ImagingStudy.encounter",
        ),
        *("DocumentReference.context.encounter", "AllergyIntolerance.encounter", "Flag.encounter"),
    ),
    *_out("Encounter.subject", "Patient", "Group"),
    *_out("Encounter.participant.individual", "Practitioner", "PractitionerRole"),
    *_out("Encounter.location.location", "Location"),
    *_out("Encounter.serviceProvider", "Organization"),
    *_out("Encounter.diagnosis.condition", "Condition", "Procedure"),
    *_out("Encounter.reasonReference", "Condition", "Procedure", "Observation"),
    *_out("Encounter.appointment", "Appointment"),
    *_out("Encounter.episodeOfCare", "EpisodeOfCare"),
    *_out("Encounter.basedOn", "ServiceRequest"),
    *_out("Encounter.hospitalization.destination", "Location", "Organization"),
)

_BEYOND_ENCOUNTER = (
    *_in("Patient", "AllergyIntolerance.patient", "Coverage.beneficiary"),
    *_in(
        "ServiceRequest", "Specimen.request", "Observation.basedOn", "DiagnosticReport.basedOn", "ImagingStudy.basedOn"
    ),
    *_in("MedicationRequest", "MedicationDispense.authorizingPrescription"),
    *_out("MedicationRequest.medicationReference", "Medication"),
    *_out("MedicationDispense.medicationReference", "Medication"),
    *_out("MedicationStatement.medicationReference", "Medication"),
    *_out("MedicationAdministration.medicationReference", "Medication"),
    *_out("MedicationRequest.requester", "Practitioner", "PractitionerRole"),
    *_out("ServiceRequest.performer", "Practitioner", "PractitionerRole", "Organization", "HealthcareService"),
    *_out("Observation.specimen", "Specimen"),
    *_out("DiagnosticReport.specimen", "Specimen"),
    *_out("DiagnosticReport.result", "Observation"),
    *_out("PractitionerRole.practitioner", "Practitioner"),
    *_out("Location.managingOrganization", "Organization"),
)

JOURNEY_LINKS: Mapping[str, tuple[tuple[Hop, ...], ...]] = {"Encounter": (_OF_ENCOUNTER, _BEYOND_ENCOUNTER)}
"""Anchor type → the hops of its first step, then of its second. A second step starts only where a first one arrived."""

FAMILY: Mapping[str, str] = {"Encounter": "partOf"}
"""Anchor type → the path that joins anchors into one family, seen together whatever its depth."""


def chains(anchor_type: str, member_type: str) -> tuple[tuple[Hop, ...], ...]:
    """Every way from an anchor of this type to a resource of ``member_type``, each as one or two hops.

    Walked backwards it answers "whose journeys does this changed resource touch?"; it is what a ledger turns into
    queries.
    """
    steps = JOURNEY_LINKS[anchor_type]
    found: list[tuple[Hop, ...]] = [(hop,) for hop in steps[0] if hop.end == member_type]
    if len(steps) > 1:
        found += [
            (first, second)
            for second in steps[1]
            if second.end == member_type
            for first in steps[0]
            if first.end == second.start
        ]
    return tuple(found)


def types_gathered(anchor_type: str) -> frozenset[str]:
    """All types that a journey with this anchor can hold, the anchor's own included."""
    return frozenset({anchor_type, *(hop.end for step in JOURNEY_LINKS[anchor_type] for hop in step)})
