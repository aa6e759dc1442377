"""What Patient and Practitioner do otherwise (satusehat §11, §12): masked answers, creation, PATCH.

The civil registry is not simulated: a switch says what it answers. Who exists already is what the store holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jknbridge.sandbox.options import Options
from jknbridge_adapters.satusehat import operation_outcome
from jknbridge_adapters.satusehat.paths import fold, values
from jknbridge_adapters.satusehat.rules_check_bundle import platform
from jknbridge_adapters.satusehat.rules_check_hand import NIK_IBU
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.store import Record
from jknbridge_adapters.satusehat.violations import Violation

NIK: Final = "https://fhir.kemkes.go.id/id/nik"
IHS: Final = "https://fhir.kemkes.go.id/id/ihs-number"
_MASKED_TYPES: Final = frozenset({"Patient", "Practitioner"})
_SECRET: Final = frozenset({NIK, NIK_IBU, "https://fhir.kemkes.go.id/id/paspor", "https://fhir.kemkes.go.id/id/kk"})
_SHOWN: Final = ("active", "id", "identifier", "link", "meta", "name", "resourceType")
_SHOWN_BY_ID: Final = ("active", "id", "identifier", "link", "meta", "resourceType")
_SHOWN_OF_NEWBORN: Final = ("resourceType", "id", "meta", "name", "birthDate")
_TESTED: Final = ("name", "gender", "birthDate")
_PORTAL_MAY_EDIT: Final = frozenset({"name", "birthDate", "gender", "address", "deceasedBoolean"})


def shown(body: dict[str, Any], options: Options, asked: Mapping[str, Sequence[str]], *, by_id: bool) -> dict[str, Any]:
    """The resource as a reader gets it; only people are masked."""
    kind = body["resourceType"]
    form = options["patient_answer"]
    if kind not in _MASKED_TYPES or form == "plain":
        return body
    if form == "2024" and kind == "Patient" and not by_id:
        return _shown_2024(body, asked)
    names = _SHOWN_BY_ID if by_id and kind == "Patient" else _SHOWN
    masked = {name: body[name] for name in names if name in body}
    return _masked(masked, plain=())


def _shown_2024(body: dict[str, Any], asked: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Disclosure by query, as in November and December 2024."""
    systems = {text.partition("|")[0] for text in asked.get("identifier", ())}
    if NIK_IBU in systems:
        kept: dict[str, Any] = {
            name: body[name] for name in ("resourceType", "id", "meta", "name", "birthDate") if name in body
        }
        own = [holder for holder in body.get("identifier", []) if holder.get("system") == NIK_IBU]
        return {**kept, "identifier": own}
    if "birthdate" in asked:
        return _masked(body, plain=(NIK,) if NIK in systems else ())
    return _masked({name: body[name] for name in _SHOWN if name in body}, plain=())


def _masked(body: dict[str, Any], plain: Sequence[str]) -> dict[str, Any]:
    result = dict(body)
    identifiers = body.get("identifier", [])
    if isinstance(identifiers, list):
        result["identifier"] = [_mask_identifier(holder, plain) for holder in identifiers]
    if "name" in body and isinstance(body["name"], list):
        result["name"] = [{**name, "text": mask_name(str(name.get("text", "")))} for name in body["name"]]
    return result


def _mask_identifier(holder: Any, plain: Sequence[str]) -> Any:
    if not isinstance(holder, dict) or holder.get("system") not in _SECRET or holder["system"] in plain:
        return holder
    value = str(holder.get("value", ""))
    return {**holder, "value": "*" * max(len(value) - 3, 0) + value[-3:]}


def mask_name(text: str) -> str:
    """``Pasien Uji`` → ``Pa**** U**``."""
    return " ".join(word[: 2 if len(word) > 3 else 1].ljust(len(word), "*") for word in text.split())


def create(ctx: Context, body: dict[str, Any], found: list[Violation]) -> Reply:
    """POST /Patient: 200 with the Patient, or one of the refusals of December 2024."""
    if found:
        raise Refuse.rules(found)
    niks, mothers = (_identifiers(body, system) for system in (NIK, NIK_IBU))
    if any(ctx.store.having("Patient", "identifier", f"{NIK}|{nik}") for nik in niks):
        raise Refuse.said(400, "exception", "Patient Resource Exists")
    if mothers and not niks:
        _newborn(ctx, body, mothers[0])
    _registry(ctx)
    resource_id = ctx.store.new_id("Patient")
    number = {"system": IHS, "use": "official", "value": resource_id}
    sent = body["identifier"] if isinstance(body["identifier"], list) else [body["identifier"]]
    made = {**body, "identifier": [*sent, number]}
    record = ctx.keep(made, resource_id, operation="add", payload=body, owner="")
    return Reply(200, record.body, record)


def _newborn(ctx: Context, body: dict[str, Any], mother_nik: str) -> None:
    mothers = ctx.store.having("Patient", "identifier", f"{NIK}|{mother_nik}")
    if not mothers:
        raise Refuse.said(404, "exception", "Failed to create new patient, nik-ibu not found")
    if mothers[0].body.get("gender") != "female":
        raise Refuse.said(400, "exception", "Patient with nik-ibu is not female")
    siblings = ctx.store.having("Patient", "identifier", f"{NIK_IBU}|{mother_nik}")
    alike = ("birthDate", "multipleBirthInteger")
    if any(all(sibling.body.get(name) == body.get(name) for name in alike) for sibling in siblings):
        raise Refuse.said(400, "duplicate", "Found duplicate: Patient")


def _registry(ctx: Context) -> None:
    says = ctx.options["patient_create"]
    if says == "unknown":
        raise Refuse.said(400, "exception", "Failed to get citizen")
    if says == "internal":
        raise Refuse.said(500, "exception", "An unexpected internal error has occurred.")
    if says == "differs":
        amiss = (("alamat", "Patient.address"), ("jenis_kelamin", "Patient.gender"))
        raise Refuse.rules([Violation(None, "exception", where, f"{name} TIDAK SESUAI") for name, where in amiss])


def patch(ctx: Context, held: Record, operations: list[dict[str, Any]]) -> Reply:
    """A JSON Patch list in which tests of name, gender and birthDate are mandatory. Its answers are no FHIR."""
    from jknbridge_adapters.satusehat.sandbox.patch import PatchError, apply

    if ctx.options["patient_edit"] == "refused":
        raise Refuse.rules([platform(20016, "forbidden")])
    edits = [str(o.get("path", "")).lstrip("/") for o in operations if o.get("op") != "test"]
    beyond = sorted({edit.partition("/")[0] for edit in edits} - _PORTAL_MAY_EDIT)
    if ctx.client.kind == "ops-portal" and beyond:
        raise Refuse.rules([platform(20015, "forbidden", attributes=", ".join(beyond))])
    tested = {str(o.get("path")).lstrip("/") for o in operations if o.get("op") == "test" and o.get("value")}
    missing = [name for name in _TESTED if name not in tested]
    if missing:
        return _not_updated([(name, f"Test operation for '{name}' can not be empty") for name in missing])
    try:
        after = apply(held.body, operations)
    except PatchError as error:
        return _not_updated([("patch", str(error))])
    ctx.keep(after, held.id, operation="edit", payload=operations, owner=held.owner)
    document = {
        "code": 200, "error": False, "message": "Patient data updated successfully", "data": {"patient_id": held.id},
    }  # fmt: skip
    return Reply(200, document)


def _not_updated(problems: Sequence[tuple[str, str]]) -> Reply:
    validation = [
        {"property": f"test:{name}", "message": message, "valid": False, "mandatory": True}
        for name, message in problems
    ]
    document = {
        "code": 400, "error": True, "message": "Failed to update patient data", "data": {"validation": validation},
    }  # fmt: skip
    return Reply(400, document)


def consents(ctx: Context, patient: str) -> dict[str, Any]:
    """A patient's consent as the consent service answers it."""
    choice = "OPTOUT" if patient in ctx.store.opted_out else "OPTIN"
    return {
        "resourceType": "Consent",
        "status": "active",
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": choice}]},
    }


def read_consent(ctx: Context, patient: str) -> Reply:
    return Reply(200, consents(ctx, patient))


def write_consent(ctx: Context, document: Any) -> Reply:
    """`{patient_id, action: OPTIN|OPTOUT, agent}` (satusehat §2)."""
    wanted = document if isinstance(document, dict) else {}
    patient, action = str(wanted.get("patient_id", "")), wanted.get("action")
    if not patient or action not in ("OPTIN", "OPTOUT"):
        return Reply(400, operation_outcome.said("value", "Missing or invalid patient_id or action"))
    (ctx.store.opted_out.add if action == "OPTOUT" else ctx.store.opted_out.discard)(patient)
    return Reply(200, consents(ctx, patient))


def _identifiers(body: dict[str, Any], system: str) -> list[str]:
    held = values(fold(body), "identifier")
    return [str(holder.get("value")) for holder in held if isinstance(holder, dict) and holder.get("system") == system]
