"""POST of a transaction Bundle (satusehat §18): every entry judged, links resolved, all or nothing.

Refused as a whole with all its issues; by a switch its Encounter stays behind, as one client reported. The answer has
one entry for each of the request, in that order, with members that are no FHIR.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jknbridge_adapters.satusehat.rules_check_bundle import check_entries, platform
from jknbridge_adapters.satusehat.rules_check_references import literal
from jknbridge_adapters.satusehat.sandbox import writes
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.identities import fingerprint
from jknbridge_adapters.satusehat.sandbox.store import Record, Store, last_updated, rewritten
from jknbridge_adapters.satusehat.violations import Violation

_URN: Final = "urn:uuid:"


@dataclass(slots=True)
class Entry:
    """One entry: what was sent, under which id it will stand, and what speaks against it."""

    index: int
    full_url: str
    method: str
    kind: str
    resource_id: str
    sent: dict[str, Any]
    body: dict[str, Any]
    found: list[Violation]

    @property
    def place(self) -> str:
        return f"{self.kind}/{self.resource_id}"


class _With:
    """The store as it will be: the Bundle's own resources exist for each other."""

    def __init__(self, store: Store, places: set[str]) -> None:
        self._store = store
        self._places = places

    def exists(self, resource_type: str, resource_id: str) -> bool:
        return f"{resource_type}/{resource_id}" in self._places or self._store.exists(resource_type, resource_id)

    def has_active_episode(self, patient: str, kind: str) -> bool:
        return self._store.has_active_episode(patient, kind)


def transaction(ctx: Context, document: Any) -> Reply:
    listed = document.get("entry") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or document.get("type") != "transaction":
        raise Refuse.store(400, "structure", "unparseable_resource", 'missing required field "entry"',
                           expression="Bundle")  # fmt: skip
    writes.refuse_if(check_entries(listed, placeholders=ctx.options["full_url_uuid"] == "placeholders"))
    entries = [_entry(ctx, index, entry) for index, entry in enumerate(listed)]
    links = _links(entries)
    for entry in entries:
        entry.body = rewritten(entry.body, lambda sent: links.get(sent, sent))
    try:
        _judge(ctx, entries)
    except Refuse:
        _leave_encounter(ctx, entries)
        raise
    return _stored(ctx, entries)


def _entry(ctx: Context, index: int, entry: Any) -> Entry:
    request, resource = (entry.get(name) if isinstance(entry, dict) else None for name in ("request", "resource"))
    method, url = (str(request.get(name, "")) if isinstance(request, dict) else "" for name in ("method", "url"))
    kind, _, resource_id = url.strip("/").partition("/")
    if not isinstance(resource, dict) or method not in ("POST", "PUT") or bool(resource_id) != (method == "PUT"):
        text = "invalid request of a transaction entry"
        raise Refuse.store(400, "structure", "unparseable_resource", text, expression=f"Bundle.entry[{index}].request")
    body = writes.received(ctx, kind, resource)
    if method == "PUT":
        writes.own(ctx, ctx.store.get(kind, resource_id))
    resource_id = resource_id or ctx.store.new_id(kind)
    return Entry(index, str(entry.get("fullUrl", "")), method, kind, resource_id, body, body, [])


def _links(entries: list[Entry]) -> Mapping[str, str]:
    """What a link between entries means: ``urn:uuid:…``, and ``Type/…`` with an entry's UUID (§18)."""
    links = {}
    for entry in entries:
        name = entry.full_url.removeprefix(_URN)
        links[entry.full_url] = links[f"{entry.kind}/{name}"] = entry.place
    return links


def _judge(ctx: Context, entries: list[Entry]) -> None:
    """Rules of every entry, then duplicates, then references; the first of these that speaks refuses the Bundle."""
    view = _With(ctx.store, {entry.place for entry in entries})
    for entry in entries:
        entry.found = writes.violations(ctx, entry.sent, view)
    if any(entry.found for entry in entries):
        raise Refuse.rules(_issues(ctx, entries))
    for entry in entries:
        name = f"{entry.kind[0].lower()}{entry.kind[1:]}"
        writes.store_requires(entry.body, f"Bundle.entry[{entry.index}].resource.{name}")
    for entry in entries:
        twin = writes.duplicate(ctx, entry.sent) if entry.method == "POST" else None
        if twin is not None:
            raise Refuse(writes.duplicate_reply(ctx, twin, bundle=True))
    missing = [violation for entry in entries for violation in writes.references(ctx, entry.body, view)]
    writes.refuse_if(missing)
    for entry in entries:
        writes.consent(ctx, entry.body)


def _issues(ctx: Context, entries: list[Entry]) -> list[Violation]:
    """All entries' issues together; or, by a switch, the first one's and what the dictionary says of its followers."""
    if ctx.options["bundle_followers"] == "judged":
        return [violation for entry in entries for violation in entry.found]
    first = next(entry for entry in entries if entry.found)
    issues = list(first.found)
    for entry in entries[first.index + 1 :]:
        rule = 20013 if first.place in literal(entry.body) else 20012
        issues.append(platform(rule, "value", Type=entry.kind))
    return issues


def _leave_encounter(ctx: Context, entries: list[Entry]) -> None:
    """The half-done Bundle that one client reported: its Encounter is registered, with links to nothing (§18)."""
    if not ctx.options["bundle_leaves_encounter"]:
        return
    for entry in entries:
        if entry.kind == "Encounter" and not entry.found and writes.duplicate(ctx, entry.sent) is None:
            _keep(ctx, entry, ctx.store.tick(ctx.now), entry.sent)


def _stored(ctx: Context, entries: list[Entry]) -> Reply:
    updated = ctx.store.tick(ctx.now)
    answers = []
    for entry in entries:
        new = not ctx.store.exists(entry.kind, entry.resource_id)
        answers.append({"response": _response(ctx, _keep(ctx, entry, updated, entry.body), new=new)})
    document = {"resourceType": "Bundle", "type": "transaction-response", "total": len(answers), "entry": answers}
    return Reply(200, document)


def _keep(ctx: Context, entry: Entry, updated: int, body: dict[str, Any]) -> Record:
    """Remembered as sent, with its links unresolved: a repeat of the same bytes is a duplicate (§15)."""
    return ctx.keep(
        writes.answered(ctx, body),
        entry.resource_id,
        operation="edit" if ctx.store.exists(entry.kind, entry.resource_id) else "add",
        payload=entry.sent,
        sent=[fingerprint(entry.sent), fingerprint(entry.body)],
        updated=updated,
    )


def _response(ctx: Context, record: Record, *, new: bool) -> dict[str, str]:
    return {
        "status": "201 Created" if new else "200 OK",
        "etag": record.etag,
        "lastModified": last_updated(record.updated),
        "location": f"{ctx.base}/{record.type}/{record.id}/_history/{record.version}",
        "resourceType": record.type,
        "resourceID": record.id,
    }
