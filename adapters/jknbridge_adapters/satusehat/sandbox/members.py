"""Member names as FHIR spells them: the platform takes any case and stores FHIR's (satusehat §1)."""

from typing import Any, Final

from jknbridge_adapters.satusehat.paths import compile_path
from jknbridge_adapters.satusehat.rules import RULES

_COMMON: Final = """
resourceType id meta contained extension url reference display type identifier system value use assigner coding code
version userSelected text unit currency comparator status note time start end period name given family line city
postalCode country birthDate active managingOrganization custodian supportingInfo receiver recorder asserter rank
serviceProvider participant individual hospitalization diagnosis condition classHistory length partOf basedOn
episodeOfCare reasonReference valueReference valueCodeableConcept valueQuantity valueString valueInteger valueBoolean
valueCode valueCoding valueDateTime medicationReference medicationCodeableConcept patientInstruction doseQuantity
statusHistory
"""
_RULED: Final = [
    step.label for rule in RULES if rule.type for step in compile_path(rule.path) if not step.choice and not step.url
]
_SPELLING: Final = {name.lower(): name for name in (*_RULED, *_COMMON.split())}


def canonical(value: Any) -> Any:
    """The tree with known names in FHIR's spelling; unknown names stay as they are."""
    if isinstance(value, dict):
        return {_SPELLING.get(name.lower(), name): canonical(member) for name, member in value.items()}
    return [canonical(item) for item in value] if isinstance(value, list) else value
