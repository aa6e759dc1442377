"""The simulated SATUSEHAT as a target of the sandbox: a request's path through this package.

``recognise`` finds what a path asks for and names what a write is about; ``answer`` lets the gateway look at the token,
then the handler does it. Operations are ``<Type>.add``, ``.edit``, ``.read``, ``.search``, and ``Bundle.add``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from jknbridge.sandbox.options import Options
from jknbridge.sandbox.target import Answer, Call, Clock, Conditions, Known, LoadError, SandboxTarget
from jknbridge_adapters.satusehat.sandbox import answers, bundle, patch, patients, search, writes
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.clients import Client, Desk
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.identities import name_of
from jknbridge_adapters.satusehat.sandbox.loading import load
from jknbridge_adapters.satusehat.sandbox.options import OPTIONS
from jknbridge_adapters.satusehat.sandbox.parameters import TYPES
from jknbridge_adapters.satusehat.sandbox.store import Store

_VERBS: Final = {"add": True, "edit": True, "read": False, "search": False}
_OPERATIONS: Final = {
    **{f"{kind}.{verb}": writes_ for kind in sorted(TYPES) for verb, writes_ in _VERBS.items()},
    "Bundle.add": True, "token.ask": False, "metadata.read": False, "everything.read": False,
    "consent.read": False, "consent.write": True,
}  # fmt: skip
_BASE: Final = "fhir-r4/v1"
_FIRST_DAY: Final = "2026-01-01"

Handler = Callable[[Context, Call], Reply]


class _Asked(NamedTuple):
    """What ``recognise`` found. No handler: the token endpoint, or a path that is none."""

    operation: str
    handle: Handler | None = None
    bodies: Sequence[Mapping[str, Any]] = ()


class SatusehatSandbox:
    """Implements ``jknbridge.sandbox.target.SandboxTarget``."""

    name = "satusehat"
    prefixes: Sequence[str] = ("oauth2", "fhir-r4", "consent")
    operations: Mapping[str, bool] = _OPERATIONS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.options = Options(OPTIONS)
        self._desk = Desk(self.options, clock)
        self._store = Store()

    def reset(self) -> None:
        """Empties the store; clients and their tokens stay."""
        self._store.clear()
        self._desk.reset()
        self.options.reset()

    def recognise(self, call: Call) -> Known:
        asked = _recognise(call)
        client = self._desk.client_of(call)
        facility = client.facility if client else ""
        names = [name_of(body) for body in asked.bodies]
        natural = all(name.natural for name in names)
        return Known(asked.operation, facility, tuple(name.identity for name in names), natural, asked)

    def answer(self, call: Call, known: Known, conditions: Conditions) -> Answer:
        asked: _Asked = known.detail
        if asked.operation == "token.ask":
            return self._desk.issue(call, conditions)
        if asked.handle is None:
            return answers.nowhere()
        client = self._desk.enter(call, conditions)
        if isinstance(client, Answer):
            return client
        ctx = self._context(client, call.headers.get("Host", "localhost"))
        ctx.skew, ctx.as_of, ctx.shifted = conditions.skew, conditions.as_of, conditions.shifted
        status, body, headers = answers.render(_run(asked.handle, ctx, call), call.method)
        return Answer(status, body, headers, tuple(ctx.effects), tuple(ctx.shown), client.facility)

    def spoil(self, kind: str, call: Call, answer: Answer, rng: Random) -> Answer | None:
        if kind == "http_5xx":
            return answers.server_error(self.options["server_error"])
        if kind == "http_429":
            return answers.too_many()
        return answers.blocked() if kind == "html" else None

    def by_hand(self, facility: str, operation: str, body: Any) -> Answer:
        """A resource written by the facility with another program: the same rules, no token."""
        client = self._desk.of_facility(facility)
        if client is None:
            known = ", ".join(client.facility for client in self._desk.clients.values())
            raise LoadError(f"unknown facility {facility!r}; known: {known}")
        kind, _, verb = operation.partition(".")
        if not _OPERATIONS.get(operation) or verb not in ("add", "edit") or not isinstance(body, dict):
            raise LoadError("operation is <Type>.add, <Type>.edit or Bundle.add, body the resource")
        ctx = self._context(client, "localhost")
        handle = _writer(kind, "POST" if verb == "add" else "PUT", str(body.get("id", "")))
        reply = _run(handle, ctx, Call("POST", "/", "", {}, json.dumps(body).encode()))
        if not ctx.effects:
            raise LoadError(f"SATUSEHAT answers {reply.status}: {json.dumps(reply.document)[:500]}")
        return Answer(reply.status, effects=tuple(ctx.effects), facility=facility)

    def load(self, document: Mapping[str, Any]) -> Mapping[str, int]:
        return load(self._store, self._desk, document, self._clock())

    def state(self) -> Any:
        """Resources by type, as they are stored, with their owners."""
        held: dict[str, list[dict[str, Any]]] = {}
        for record in self._store:
            held.setdefault(record.type, []).append({"owner": record.owner, "resource": record.body})
        return {"resources": held, "opted_out": sorted(self._store.opted_out)}

    def settings(self, base_url: str) -> Mapping[str, Any]:
        """``[faskes.<kode>]`` and ``[faskes.<kode>.satusehat]`` of every facility's client."""
        return {
            "faskes": {
                client.facility: {
                    "type": client.facility_type,
                    "zona": client.zone,
                    "satusehat": {
                        "base_url": base_url,
                        "client_id": client.client_id,
                        "client_secret": client.client_secret,
                        "organization_id": client.organization,
                        "mulai": _FIRST_DAY,
                        "mode": "jalan",
                    },
                }
                for client in self._desk.clients.values()
                if client.kind == "facility" and client.types is None
            }
        }

    def _context(self, client: Client, host: str) -> Context:
        return Context(self._store, self.options, client, self._clock(), f"http://{host}/{_BASE}")


def _run(handle: Handler, ctx: Context, call: Call) -> Reply:
    try:
        return handle(ctx, call)
    except Refuse as refusal:
        return refusal.reply


def _recognise(call: Call) -> _Asked:
    path = tuple(segment for segment in call.segments if segment)
    match (call.method, *(part.lower() for part in path)):
        case ("POST", "oauth2", "v1", "accesstoken"):
            return _Asked("token.ask")
        case ("GET", "consent", "v1", "consent"):
            return _Asked("consent.read", _read_consent)
        case ("POST", "consent", "v1", "consent"):
            return _Asked("consent.write", _write_consent)
        case ("POST", "fhir-r4", "v1"):
            return _bundle(call)
        case ("GET", "fhir-r4", "v1", "metadata"):
            return _Asked("metadata.read", _metadata)
        case (method, "fhir-r4", "v1", _, *_) if path[2] in TYPES:
            return _resource(method, path[2], path[3:], call)
    return _Asked("")


def _resource(method: str, kind: str, rest: Sequence[str], call: Call) -> _Asked:
    match (method, len(rest)):
        case ("GET", 0):
            return _Asked(f"{kind}.search", lambda ctx, call: search.search(ctx, kind, call.query))
        case ("GET", 1):
            return _Asked(f"{kind}.read", lambda ctx, call: search.read(ctx, kind, rest[0]))
        case ("GET", 2) if rest[1] == "$everything":
            return _Asked("everything.read", lambda ctx, call: _raise(search.everything(kind)))
        case ("POST", 0):
            return _Asked(f"{kind}.add", _writer(kind, method, ""), _objects(call))
        case ("PUT" | "PATCH", 1):
            bodies = _objects(call) if method == "PUT" else ()
            return _Asked(f"{kind}.edit", _writer(kind, method, rest[0]), bodies)
    return _Asked("")


def _writer(kind: str, method: str, resource_id: str) -> Handler:
    def handle(ctx: Context, call: Call) -> Reply:
        if method == "PATCH":
            return patch.patch(ctx, kind, resource_id, call.headers.get("Content-Type", ""), call.body)
        document = writes.parse(call.body)
        if kind == "Bundle":
            return bundle.transaction(ctx, document)
        if method == "PUT":
            return writes.update(ctx, kind, resource_id, document)
        return writes.create(ctx, kind, document)

    return handle


def _bundle(call: Call) -> _Asked:
    """A Bundle is all or nothing, so its Encounters stand for the rest; without one every entry stands for itself."""
    listed = [entries for document in _objects(call) if isinstance(entries := document.get("entry"), list)]
    resources = [
        entry["resource"]
        for entries in listed
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]
    encounters = [resource for resource in resources if resource.get("resourceType") == "Encounter"]
    return _Asked("Bundle.add", _writer("Bundle", "POST", ""), encounters or resources)


def _objects(call: Call) -> Sequence[Mapping[str, Any]]:
    """The body, if it is an object: what the request would be about."""
    try:
        document = json.loads(call.body)
    except ValueError:
        return ()
    return (document,) if isinstance(document, dict) else ()


def _metadata(ctx: Context, call: Call) -> Reply:
    return Reply(200, {"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1"})


def _read_consent(ctx: Context, call: Call) -> Reply:
    return patients.read_consent(ctx, call.query.partition("patient_id=")[2].partition("&")[0])


def _write_consent(ctx: Context, call: Call) -> Reply:
    return patients.write_consent(ctx, writes.parse(call.body))


def _raise(refusal: Refuse) -> Reply:
    raise refusal


def make_sandbox(clock: Clock) -> SandboxTarget:
    """The factory that the sandbox's server asks each adapter for."""
    return SatusehatSandbox(clock)
