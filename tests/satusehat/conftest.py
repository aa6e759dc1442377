"""For SATUSEHAT's tests: whole resources and broken ones, made from the rule table itself.

``Maker.base(type)`` is a resource that breaks no rule; ``Maker.passing(rule)`` has the row's element right besides,
``Maker.breaking(rule)`` yields each way to get it wrong.
"""

import copy
import itertools

import pytest

from jknbridge_adapters.satusehat.paths import compile_path
from jknbridge_adapters.satusehat.rules import BY_TYPE, rules_for

ORG, OTHER_ORG = "10000004", "10000005"
NOW = 1_781_000_000.0  # 2026-06-09T10:13:20+00:00
PAST, LATER = "2026-06-01T01:00:00+00:00", "2026-06-01T03:00:00+00:00"
PATIENT, PRACTITIONER = "Patient/P90000000001", "Practitioner/N90000001"
KFA, SCT, LOINC = "http://sys-ids.kemkes.go.id/kfa", "http://snomed.info/sct", "http://loinc.org"
WRONG = "http://example.org/salah"

QUANTITIES = {
    "valueQuantity", "quantity", "daysSupply", "doseQuantity", "length", "onsetAge", "detailQuantity", "numerator",
    "denominator", "duration", "dispenseInterval", "expectedSupplyDuration", "dose", "dueDuration",
}  # fmt: skip
CODINGS = {"class", "valueCoding"}
LISTS = {"identifier", "name", "address", "location", "participant", "statusHistory", "performer", "diagnosis"}
EXTENSION = "https://fhir.kemkes.go.id/r4/StructureDefinition/"


def concept(system, code="uji"):
    return {"coding": [{"system": system, "code": code}]}


STARTS = {
    "CarePlan": {"status": "active", "intent": "plan"},
    "ClinicalImpression": {"status": "completed"},
    "Composition": {"status": "final", "type": concept(LOINC, "18842-5")},
    "DiagnosticReport": {
        "status": "final", "code": concept(LOINC, "55231-5"),
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "CH")],
    },
    "Encounter": {
        "status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": PAST, "end": LATER}, "statusHistory": [{"status": "finished"}],
        "diagnosis": [{"condition": {"reference": "Condition/c-1"}}],
    },
    "EpisodeOfCare": {"status": "planned"},
    "Immunization": {
        "status": "completed", "vaccineCode": concept(KFA, "93001282"), "primarySource": True,
        "occurrenceDateTime": PAST, "expirationDate": "2027-01-01", "lotNumber": "L1",
        "reasonCode": [concept("http://terminology.kemkes.go.id/CodeSystem/immunization-reason", "IM-Dasar")],
        "performer": [{"function": concept("http://terminology.hl7.org/CodeSystem/v2-0443", "AP"),
                       "actor": {"reference": PRACTITIONER}}],
        "protocolApplied": [{"doseNumberPositiveInt": 1}],
    },
    "MedicationRequest": {"status": "completed", "intent": "order"},
    "Observation": {"status": "final", "code": concept(LOINC, "8480-6")},
    "Patient": {
        "gender": "female", "birthDate": "1990-01-01", "multipleBirthInteger": 0, "name": [{"text": "Pasien Uji"}],
        "address": [{"city": "Kota Uji"}],
    },
    "Procedure": {"status": "completed"},
    "QuestionnaireResponse": {"status": "completed"},
    "ServiceRequest": {"intent": "original-order"},
    "Specimen": {"identifier": [{"system": f"http://sys-ids.kemkes.go.id/specimen/{ORG}"}]},
}  # fmt: skip
"""What a resource needs before the table's own required rows: what FHIR requires, and rows that hold only then."""


class Maker:
    def __init__(self):
        self._count = itertools.count(1)

    def base(self, kind):
        body = {"resourceType": kind, **copy.deepcopy(STARTS.get(kind, {}))}
        for holder in body.get("identifier", []):
            holder["value"] = f"uji-{next(self._count)}"
        for rule in rules_for(kind):
            if "required" in rule.checks and not has(body, rule):
                self.put(body, rule)
        if kind == "Patient":
            nik = {"system": "https://fhir.kemkes.go.id/id/nik", "value": f"9999{next(self._count):012d}"}
            body["identifier"] = [nik]
        return body

    def passing(self, rule):
        body = self.base(rule.type)
        if rule.checks != ("required",):  # base has it
            self.put(body, rule)
        return body

    def breaking(self, rule):
        """(what is wrong, body) for every way in which the row refuses."""
        for word in rule.checks:
            for wrong, change in BREAKS[word](rule):
                body = self.passing(rule)
                change(body, rule)
                yield f"{word}: {wrong}", body

    def put(self, body, rule):
        holder, name = parent(body, rule)
        if name == "value":  # a Quantity whose unit has a row of its own
            quantity = rules_for(rule.type, rule.element.removesuffix(".value"))
            for each in quantity:
                holder["system"] = each.systems[0] if each.systems else "uji"
        if name == "display":
            holder["reference"] = f"Organization/{ORG}"
        good = self.good(rule, name, holder)
        holder[name] = [good] if name in LISTS and not isinstance(good, list) else good

    def good(self, rule, name, holder):
        system = rule.systems[0].replace("{org}", ORG) if rule.systems else ""
        for word in rule.checks:
            match word:
                case "system" | "ucum":
                    return self.coded(rule, name, holder, system)
                case "code" | "money":
                    if word == "money":
                        holder["value"] = 1000
                    return min(rule.codes)
                case "canonical":
                    return "https://fhir.kemkes.go.id/Questionnaire/Q0007"
                case "reference":
                    return {"reference": target(rule)}
                case "period":
                    return {"start": PAST, "end": LATER}
                case "datetime":
                    return LATER
                case "date" | "time" | "number" | "integer" | "boolean" | "string" | "age":
                    return {"date": "2026-06-01", "time": "08:00:00", "number": 1, "integer": 1, "boolean": True,
                            "string": "uji", "age": {"value": 30}}[word]  # fmt: skip
        return self.present(name)

    def present(self, name):
        """Any value for an element that only has to be there."""
        references = {"subject": PATIENT, "patient": PATIENT, "individual": PRACTITIONER, "actor": PRACTITIONER,
                      "author": PRACTITIONER, "encounter": "Encounter/e-1", "location": "Location/l-1",
                      "serviceProvider": f"Organization/{ORG}", "basedOn": "ServiceRequest/s-1"}  # fmt: skip
        if name in references:
            return {"reference": references[name]}
        return PAST if name in ("start", "end", "recorded", "date", "occurrenceDateTime") else "uji"

    def coded(self, rule, name, holder, system):
        if name == "identifier":
            return [{"system": system, "value": f"uji-{next(self._count)}"}]
        if name in ("code", "value", "system") and isinstance(holder, dict) and rule.path.count("."):
            owner = rule.path.split(".")[-2]
            if owner in QUANTITIES or name != "code":
                holder.update({"system": system, "value": "uji" if owner == "identifier" else 1, "code": "mg"})
                return holder[name]
        if name in QUANTITIES:
            return {"system": system, "value": 1, "code": "mg"}
        if name in CODINGS:
            return {"system": system, "code": "uji"}
        return concept(system, "AP" if name == "function" else "uji")


def has(body, rule):
    from jknbridge_adapters.satusehat.paths import fold, walk

    return bool(walk(fold(body), rule.concept, rule.type).found)


def target(rule):
    kind = "Patient" if "Any" in rule.targets else min(rule.targets)
    return f"{kind}/{ {'Patient': 'P90000000001', 'Practitioner': 'N90000001', 'Organization': ORG}.get(kind, 'x-1') }"


def targets():
    """Everything that a made resource may refer to."""
    named = {target(rule) for rules in BY_TYPE.values() for rule in rules if rule.targets}
    named |= {PATIENT, PRACTITIONER, f"Organization/{ORG}", "Encounter/e-1", "Location/l-1", "ServiceRequest/s-1",
              "Condition/c-1"}  # fmt: skip
    return [{"resourceType": name.split("/")[0], "id": name.split("/")[1]} for name in sorted(named)]


def parent(body, rule):
    """The object that holds the row's element, made on the way, and the member's name."""
    *steps, last = compile_path(rule.concept)
    node = body
    for step in steps:
        node = child(node, step)
    name = last.label.removesuffix("[x]")
    return node, {"medication": "medicationReference", "occurrence": "occurrenceDateTime"}.get(
        name if last.choice else "", name
    )


def child(node, step):
    if step.url:
        extensions = node.setdefault("extension", [])
        found = next((e for e in extensions if e["url"].endswith(step.url)), None)
        if found is None:
            found = {"url": step.url if step.url[0].islower() else EXTENSION + step.url}
            extensions.append(found)
        return found
    made = node.setdefault(step.label, [{}] if step.label in LISTS else {})
    return made[0] if isinstance(made, list) else made


def without(body, rule):
    holder, name = parent(body, rule)
    holder.pop(name, None)
    if holder is not body:
        holder.setdefault("id", "1")


def becomes(value):
    def change(body, rule):
        holder, name = parent(body, rule)
        holder[name] = copy.deepcopy(value)

    return change


def other_system(body, rule):
    holder, name = parent(body, rule)
    if isinstance(holder[name], (str, int)):
        holder["system"] = WRONG
        return
    for coding in [holder[name]] if not isinstance(holder[name], list) else holder[name]:
        for each in coding.get("coding", [coding]):
            each["system"] = WRONG


def dates(rule):
    if "day-ok" not in rule.dates:
        yield "a date alone", becomes("2026-06-01")
    yield "no offset", becomes("2026-06-01T03:00:00")
    yield "no date", becomes("kemarin")
    if "no-future" in rule.dates:
        yield "future", becomes("2099-01-01T00:00:00+00:00")
    if "from-2014" in rule.dates:
        yield "before 2014-06-03", becomes("2014-06-02T23:59:59+00:00")
    if rule.after:
        yield "not later", becomes(PAST)


def references(rule):
    if "Any" not in rule.targets:
        yield "another type", becomes({"reference": "Basic/b-1"})
    yield "no reference", becomes({"display": "uji"} if rule.match != "display-ok" else {"type": "Patient"})


def systems(rule):
    yield "another system", other_system
    if "{org}" in rule.systems[0]:
        foreign = {"system": rule.systems[0].replace("{org}", OTHER_ORG), "value": "uji"}
        yield "another organisation", becomes([foreign])


def units(rule):
    yield "another system", other_system
    if rule.number == 10012:
        yield "no UCUM code", becomes("mmHg")


def plain(value):
    return lambda rule: [(repr(value), becomes(value))]


BREAKS = {
    "required": lambda rule: [("absent", without)],
    "system": systems,
    "ucum": units,
    "code": plain("salah"),
    "canonical": plain("https://fhir.kemkes.go.id/Questionnaire/salah"),
    "reference": references,
    "datetime": dates,
    "period": plain({"start": LATER, "end": PAST}),
    "money": lambda rule: [("currency", becomes("USD")), ("value", lambda b, r: parent(b, r)[0].update(value="1"))],
    "date": plain("01-06-2026"),
    "time": plain("25:00"),
    "number": plain("1"),
    "integer": plain("1"),
    "boolean": plain("true"),
    "string": plain(5),
    "age": plain({"value": "30"}),
}


@pytest.fixture
def maker():
    return Maker()


@pytest.fixture
def known_targets():
    return targets()
