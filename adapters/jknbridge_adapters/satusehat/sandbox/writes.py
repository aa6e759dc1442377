"""POST and PUT of one resource: rights, rules, duplicate, references, store, in this order (satusehat §20)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from jknbridge_adapters.satusehat import operation_outcome
from jknbridge_adapters.satusehat.rules_check import check
from jknbridge_adapters.satusehat.rules_check_bundle import platform
from jknbridge_adapters.satusehat.rules_check_references import check_references, split
from jknbridge_adapters.satusehat.sandbox import patients
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.identities import fingerprint
from jknbridge_adapters.satusehat.sandbox.members import canonical
from jknbridge_adapters.satusehat.sandbox.store import Record
from jknbridge_adapters.satusehat.violations import StoreView, Violation

_STORE_REQUIRES: Final[Mapping[str, tuple[str, ...]]] = {
    "CarePlan": ("status", "intent"),
    "ClinicalImpression": ("status",),
    "Composition": ("status", "type"),
    "DiagnosticReport": ("status", "code"),
    "Encounter": ("status", "class"),
    "EpisodeOfCare": ("status",),
    "Immunization": ("status", "vaccineCode"),
    "MedicationRequest": ("status", "intent"),
    "Observation": ("status", "code"),
    "Procedure": ("status",),
    "QuestionnaireResponse": ("status",),
    "ServiceRequest": ("intent",),
}
"""Elements that FHIR requires and no rule does: the store behind the validator refuses their absence (§5)."""
_READ_ONLY: Final = frozenset({"Practitioner"})
_SINGLE_IDENTIFIER: Final = frozenset({"Composition", "QuestionnaireResponse"})
_CREATOR: Final = "http://sys-ids.kemkes.go.id/creator"


def parse(body: bytes) -> Any:
    """The document, or rules 20005 and 20006."""
    if not body.strip():
        raise Refuse.rules([platform(20005, "structure")])
    try:
        return json.loads(body)
    except ValueError:
        raise Refuse.rules([platform(20006, "structure")]) from None


def create(ctx: Context, kind: str, document: Any) -> Reply:
    body = received(ctx, kind, document)
    if kind == "Patient":
        return patients.create(ctx, body, violations(ctx, body, ctx.store))
    refuse_if(violations(ctx, body, ctx.store))
    store_requires(body, f"{kind[0].lower()}{kind[1:]}")
    if (twin := duplicate(ctx, body)) is not None:
        raise Refuse(duplicate_reply(ctx, twin))
    refuse_if(references(ctx, body, ctx.store))
    consent(ctx, body)
    record = ctx.keep(answered(ctx, body), ctx.store.new_id(kind), operation="add", payload=document,
                      sent=[fingerprint(body)])  # fmt: skip
    return Reply(201, record.body, record)


def update(ctx: Context, kind: str, resource_id: str, document: Any) -> Reply:
    if kind == "EpisodeOfCare":
        raise Refuse.said(403, "forbidden", "Operation cannot be performed due to consent or privacy rules.")
    body = received(ctx, kind, document)
    if kind == "Patient":
        raise Refuse.rules([platform(20016, "forbidden")])
    if body.get("id") != resource_id:
        text = f"resource id mismatch, id of specified resource: {resource_id}, id from payload: {body.get('id', '')}"
        raise Refuse.store(400, "structure", "resource_mismatch", text)
    held = ctx.store.get(kind, resource_id)
    own(ctx, held)
    refuse_if(violations(ctx, body, ctx.store))
    store_requires(body, f"{kind[0].lower()}{kind[1:]}")
    refuse_if(references(ctx, body, ctx.store))
    consent(ctx, body)
    record = ctx.keep(answered(ctx, body), resource_id, operation="edit" if held else "add", payload=document,
                      sent=[fingerprint(body)])  # fmt: skip
    return Reply(200 if held else 201, record.body, record)


def received(ctx: Context, kind: str, document: Any) -> dict[str, Any]:
    """The body in FHIR's spelling, after what the platform asks of any: an object of this type, and rights to it."""
    if not isinstance(document, dict):
        raise Refuse.rules([platform(20008, "structure")])
    body: dict[str, Any] = canonical(document)
    if ctx.options["member_case"] == "exact" and body != document:
        raise Refuse.store(400, "structure", "unparseable_resource", "unknown field in another case")
    if body.get("resourceType") != kind or not isinstance(body.get("meta", {}), dict):
        raise Refuse.rules([platform(20008, "structure")])
    if ctx.client.types is not None and kind not in ctx.client.types:
        raise Refuse.rules([platform(20003, "forbidden")])
    if kind in _READ_ONLY:
        raise Refuse.rules([platform(20004, "forbidden", Type=kind)])
    return body


def own(ctx: Context, held: Record | None) -> None:
    """A resource of another organisation is never edited; one that nobody owns may be."""
    if held is not None and held.owner and held.owner != ctx.client.organization and not ctx.client.sender.mpdn:
        raise Refuse(Reply(400, operation_outcome.forbidden()))


def violations(ctx: Context, body: dict[str, Any], view: StoreView | None) -> list[Violation]:
    """Every rule that the body breaks."""
    closed = ctx.options["national_codes"] == "closed"
    return check(body, ctx.client.sender, ctx.judged_at, view, closed_lists=closed)


def refuse_if(found: list[Violation]) -> None:
    if found:
        raise Refuse.rules(found)


def store_requires(body: dict[str, Any], expression: str) -> None:
    for name in _STORE_REQUIRES.get(body["resourceType"], ()):
        if not body.get(name):
            text = f'missing required field "{name}"'
            raise Refuse.store(400, "structure", "unparseable_resource", text, expression=expression)


def duplicate(ctx: Context, body: dict[str, Any]) -> Record | None:
    return ctx.store.duplicate_of(body, content=ctx.options["duplicate_by"] == "content")


def duplicate_reply(ctx: Context, twin: Record, *, bundle: bool = False) -> Reply:
    form = ctx.options["duplicate_form"]
    if form.startswith("array") and bundle:
        status = 200 if form == "array200" else 400
        return Reply(status, [{"ruleNumber": "20002", "message": f"Found duplicate: {twin.type}"}])
    if form == "2023":
        return Reply(400, operation_outcome.said("duplicate", f"Found duplicate resource: {twin.type}"))
    text = f"Found duplicate: {twin.type} (RuleNumber: 20002)"
    return Reply(400, operation_outcome.said("duplicate", text))


def references(ctx: Context, body: dict[str, Any], view: StoreView) -> list[Violation]:
    return check_references(body, view, numbered_form=ctx.options["reference_form"] == "20007")


def consent(ctx: Context, body: dict[str, Any]) -> None:
    """A write about a patient who has opted out."""
    for name in ("subject", "patient"):
        about = body.get(name)
        sent = about.get("reference") if isinstance(about, dict) else None
        if isinstance(sent, str) and split(sent)[1] in ctx.store.opted_out:
            raise Refuse(Reply(400, operation_outcome.forbidden()))


def answered(ctx: Context, body: dict[str, Any]) -> dict[str, Any]:
    """The body as it is stored: what the platform does to ``identifier`` (§7)."""
    form = ctx.options["identifier_answer"]
    if form == "as_sent" or body["resourceType"] in _SINGLE_IDENTIFIER:
        return body
    identifiers = body.get("identifier", [])
    if form == "creator" and isinstance(identifiers, list):
        creator = {"system": _CREATOR, "value": ctx.client.organization}
        return {**body, "identifier": [*(i for i in identifiers if i != creator), creator]}
    return body if "identifier" in body else {**body, "identifier": []}
