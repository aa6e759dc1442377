"""The token endpoint and who may call (satusehat §3, §4): Apigee's part of the platform."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from jknbridge.sandbox.options import Options
from jknbridge.sandbox.target import Answer, Call, Clock, Conditions, LoadError
from jknbridge_adapters.satusehat.sandbox import answers
from jknbridge_adapters.satusehat.violations import Sender

_LOCKED: Final = "lockout"
_BAD_CLIENT: Final = {"ErrorCode": "invalid_client", "Error": "ClientId is Invalid"}
_BAD_CLIENT_TEXT: Final = (
    "The user or system was not able to be authenticated (either client_id or client_secret combination is "
    "unacceptable)"
)
_KEYS: Final = {"client_id", "client_secret", "organization_id", "facility", "kind", "types", "facility_type", "zone"}
_KINDS: Final = ("facility", "mpdn", "ops-portal")

Kind = Literal["facility", "mpdn", "ops-portal"]


@dataclass(frozen=True, slots=True)
class Client:
    """One client id. It belongs to one Organization; ``types`` limits what it may write (rule 20003)."""

    client_id: str
    client_secret: str
    organization: str
    facility: str
    kind: Kind = "facility"
    types: frozenset[str] | None = None
    facility_type: str = "FKTP"
    zone: str = "WIB"

    @property
    def sender(self) -> Sender:
        return Sender(self.organization, mpdn=self.kind == "mpdn")


def _facility(organization: str, facility: str, facility_type: str = "FKTP", zone: str = "WIB") -> Client:
    return Client(
        f"uji-klien-{organization}", f"rahasia-{organization}", organization, facility, "facility", None, facility_type,
        zone,
    )  # fmt: skip


DEFAULTS: Final = (
    _facility("10000004", "99990001"),
    _facility("10000005", "99990002", zone="WIT"),
    _facility("10000006", "99990101", "FKRTL"),
    Client("uji-klien-mpdn", "rahasia-mpdn", "10000090", "mpdn", "mpdn"),
    Client("uji-klien-portal", "rahasia-portal", "10000091", "portal", "ops-portal"),
    Client("uji-klien-lab", "rahasia-lab", "10000092", "lab", "facility",
           frozenset({"Observation", "Specimen", "DiagnosticReport"})),
)  # fmt: skip
"""The PCare sandbox's two clinics, a hospital, and three clients that may do more or less than a facility."""


class Desk:
    """Issues tokens and knows whose a token is. Clients and tokens outlive a reset of the store."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.clients: dict[str, Client] = {client.client_id: client for client in DEFAULTS}
        self._options = options
        self._clock = clock
        self._tokens: dict[str, tuple[Client, float]] = {}
        self._last: dict[str, float] = {}
        self._wrong: dict[str, int] = {}
        self._locked: set[str] = set()
        self._issued = 0

    def reset(self) -> None:
        self._wrong.clear()
        self._locked.clear()
        self._last.clear()

    def client_of(self, call: Call) -> Client | None:
        """Whose token it carries, valid or not any more: for the log."""
        kind, _, token = call.headers.get("Authorization", "").partition(" ")
        held = self._tokens.get(token.strip()) if kind.lower() == "bearer" else None
        return held[0] if held else None

    def of_facility(self, facility: str) -> Client | None:
        return next((client for client in self.clients.values() if client.facility == facility), None)

    def enter(self, call: Call, conditions: Conditions) -> Client | Answer:
        """The caller, or the gateway's refusal."""
        if not call.headers.get("User-Agent") and self._options["user_agent"] != "any":
            return answers.blocked() if self._options["user_agent"] == "403" else Answer(200)
        _, _, token = call.headers.get("Authorization", "").partition(" ")
        client = self.client_of(call)
        if client is None or self._tokens[token.strip()][1] <= self._clock() + conditions.skew:
            return answers.fault(401, "Invalid access token", "oauth.v2.InvalidAccessToken")
        if not self._options["api_product"]:
            name = "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"
            return answers.fault(401, "Invalid API call as no apiproduct match found", name)
        return client

    def issue(self, call: Call, conditions: Conditions) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        grant = parse_qs(call.query).get("grant_type", [""])[-1]
        client_id = form.get("client_id", "")
        if client_id in self._locked:
            return self._refusal(fault=_LOCKED)
        client = self.clients.get(client_id)
        if client is None or client.client_secret != form.get("client_secret") or grant != "client_credentials":
            self._wrong[client_id] = self._wrong.get(client_id, 0) + 1
            if conditions.lockout_after is not None and self._wrong[client_id] >= conditions.lockout_after:
                self._locked.add(client_id)
            return self._refusal()
        now = self._clock() + conditions.skew
        if now - self._last.get(client_id, float("-inf")) < self._options["token_interval"]:
            return answers.too_many()
        self._last[client_id] = now
        return self._token(client, now)

    def _token(self, client: Client, now: float) -> Answer:
        self._issued += 1
        lifetime = self._options["token_lifetime"]
        token = f"uji-token-{client.organization}-{self._issued}"
        self._tokens[token] = (client, now + lifetime)
        answer = {
            "refresh_token_expires_in": "0", "api_product_list": "[api-sandbox]",
            "api_product_list_json": ["api-sandbox"], "organization_name": "ihs-dev",
            "developer.email": "developer@example.org", "token_type": "BearerToken",
            "issued_at": str(int(now * 1000)), "client_id": client.client_id, "access_token": token,
            "application_name": "uji-app", "scope": "", "expires_in": str(lifetime), "refresh_count": "0",
            "status": "approved",
        }  # fmt: skip
        return Answer(200, json.dumps(answer).encode(), answers.JSON, facility=client.facility)

    def _refusal(self, fault: str = "") -> Answer:
        form = self._options["token_refusal"]
        if form == "html":
            return answers.blocked(fault)
        document: Mapping[str, Any] = _BAD_CLIENT
        if form == "outcome":  # severity "invalid" is no legal FHIR code; the documents print it so
            issue = {"severity": "invalid", "code": "value", "details": {"text": _BAD_CLIENT_TEXT}}
            document = {"resourceType": "OperationOutcome", "issue": [issue]}
        return Answer(401, json.dumps(document).encode(), answers.JSON, fault=fault)


def client(document: Any) -> Client:
    """A client to be loaded: ``client_id``, ``client_secret``, ``organization_id``, and what else differs."""
    if not isinstance(document, dict) or set(document) - _KEYS:
        raise LoadError(f"a client is an object with {', '.join(sorted(_KEYS))}")
    missing = [name for name in ("client_id", "client_secret", "organization_id") if not document.get(name)]
    if missing:
        raise LoadError(f"a client needs {', '.join(missing)}")
    kind, types = document.get("kind", "facility"), document.get("types")
    if kind not in _KINDS:
        raise LoadError(f"kind is one of {', '.join(_KINDS)}")
    organization = str(document["organization_id"])
    return Client(
        str(document["client_id"]), str(document["client_secret"]), organization,
        str(document.get("facility", organization)), kind, frozenset(types) if types else None,
        str(document.get("facility_type", "FKTP")), str(document.get("zone", "WIB")),
    )  # fmt: skip
