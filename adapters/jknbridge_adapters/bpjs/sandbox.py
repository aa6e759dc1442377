"""What every simulated BPJS service shares: who may enter, and how an answer looks (bpjs-auth §1-§8, §12).

`Door` runs the checks of bpjs-auth §12.1 in order; `render` turns a `Reply` into bytes: encrypted with the request's
own X-timestamp string, or one of the refusal's shapes. Which paths exist and what they do is each service's own
(`pcare/sandbox`). Texts marked [invented] stand where no source recorded one.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from random import Random
from typing import Any, Final

from jknbridge.sandbox.options import Option, Options
from jknbridge.sandbox.target import Answer, Call, Clock, Conditions
from jknbridge_adapters.bpjs import crypto

NOT_REGISTERED: Final = "Unauthorized! You are not registered for this service!"
EXPIRED: Final = "Unauthorized! Consumer ID is expired!"
BAD_SIGNATURE: Final = "Signature Service Tidak Sesuai"
BAD_JSON: Final = "Format json tidak valid"
BAD_LOGIN: Final = "Unauthorized"  # [invented]
SERVER_ERROR: Final = "Index was out of range. Must be non-negative and less than the size of the collection."

_ORDER: Final = "user_key,path,consumer,signature,login"

OPTIONS: Final = (
    Option("check_order", _ORDER, "the order of the checks at the door", "bpjs-auth §12.1",
           (_ORDER, "path,user_key,consumer,signature,login", "user_key,path,consumer,login,signature")),
    Option("timestamp_tolerance", 300, "seconds that X-timestamp may be off, either way", "bpjs-auth §3"),
    Option("user_key_refusal", 403, "status of the text for an unknown user_key", "bpjs-auth §8", (403, 401, 200)),
    Option("consumer_expired", False, "every cons-id has lapsed", "bpjs-auth §9.3"),
    Option("consumer_registered", True, "the cons-ids are registered for this service", "bpjs-auth §8"),
    Option("metadata_name", "metaData", "the envelope's member", "bpjs-auth §7.1", ("metaData", "metadata")),
    Option("code_type", "number", "JSON type of the code", "bpjs-auth §7.1", ("number", "text")),
    Option("cipher_shift", 0, "answers are encrypted for X-timestamp plus this many seconds", "bpjs-auth §12.3"),
    Option("refusal_form", "default", "shape of a 412: the call's own, or always this", "bpjs-auth §7.2, pcare §22 #8",
           ("default", "list", "object", "encrypted", "string")),
    Option("write_answer", "null", "`response` of a PUT or DELETE", "bpjs-auth §7.2", ("null", "plain", "encrypted")),
    Option("strict_content_type", False, "400 for a body that is not text/plain", "bpjs-auth §4, pcare §19"),
)  # fmt: skip

_JSON_TYPE: Final = {"Content-Type": "application/json; charset=utf-8"}
_TEXT_TYPE: Final = {"Content-Type": "text/plain; charset=utf-8"}
_HTML_TYPE: Final = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Consumer:
    """A cons-id with its secret, and the user_key of the service simulated here."""

    cons_id: str
    secret_key: str
    user_key: str


@dataclass(frozen=True, slots=True)
class Account:
    """A person's log-in at a facility; it decides which facility calls (pcare §22 #17)."""

    username: str
    password: str
    kd_aplikasi: str
    facility: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who passed the door."""

    facility: str
    cons_id: str
    secret_key: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is rendered. `sealed` encrypts `response`; `entries` are a refusal's `(field, message)`.

    `single`: this call's refusals are one object instead of an array (pendaftaran). `write`: a PUT or DELETE that went
    well, whose `response` varies.
    """

    code: int
    message: str
    response: Any = None
    sealed: bool = False
    entries: tuple[tuple[str, str], ...] = ()
    single: bool = False
    write: bool = False

    @classmethod
    def ok(cls, response: Any) -> "Reply":
        return cls(200, "OK", response, sealed=response is not None)

    @classmethod
    def created(cls, response: Any) -> "Reply":
        return cls(201, "CREATED", response, sealed=True)

    @classmethod
    def written(cls) -> "Reply":
        return cls(200, "OK", write=True)

    @classmethod
    def refused(cls, *entries: tuple[str, str], single: bool = False, code: int = 412) -> "Reply":
        return cls(code, "PRECONDITION_FAILED", entries=entries, single=single)

    @classmethod
    def bodiless(cls, code: int) -> "Reply":
        """204 and 304."""
        return cls(code, "")


class Door:
    """The checks before anything is done, and the accounts' lock-out. One per simulated service."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.consumers: dict[str, Consumer] = {}
        self.accounts: dict[str, Account] = {}
        self._options = options
        self._clock = clock
        self._wrong: dict[str, int] = {}
        self._locked: set[str] = set()
        self._checks: Mapping[str, Callable[[Call, Conditions], Answer | None]] = {
            "user_key": self._user_key,
            "consumer": self._consumer,
            "signature": self._signature,
            "login": self._login,
        }

    def reset(self) -> None:
        self._wrong.clear()
        self._locked.clear()

    def facility_of(self, call: Call) -> str:
        """Whose log-in it claims to be, unchecked: for the log of a request that never gets to be answered."""
        login = crypto.parse_authorization(call.headers.get("X-authorization", ""))
        account = self.accounts.get(login.username) if login else None
        return account.facility if account else ""

    def enter(self, call: Call, no_such_path: Answer | None, conditions: Conditions) -> Caller | Answer:
        """The caller, or the answer that the first failing check gives."""
        for name in self._options["check_order"].split(","):
            refusal = no_such_path if name == "path" else self._checks[name](call, conditions)
            if refusal is not None:
                return refusal
        consumer = self.consumers[call.headers["X-cons-id"]]
        return Caller(self.facility_of(call), consumer.cons_id, consumer.secret_key, call.headers["X-timestamp"])

    def _user_key(self, call: Call, conditions: Conditions) -> Answer | None:
        sent = call.headers.get("user_key")
        if any(consumer.user_key == sent for consumer in self.consumers.values()):
            return None
        return plain_text(self._options["user_key_refusal"], "Authentication failed")

    def _consumer(self, call: Call, conditions: Conditions) -> Answer | None:
        if (cons_id := call.headers.get("X-cons-id")) is None:
            return self._missing("X-cons-id")
        if self._options["consumer_expired"]:
            return self._refusal(401, EXPIRED)
        if cons_id not in self.consumers or not self._options["consumer_registered"]:
            return self._refusal(404, NOT_REGISTERED)
        return None

    def _signature(self, call: Call, conditions: Conditions) -> Answer | None:
        timestamp, signed = call.headers.get("X-timestamp"), call.headers.get("X-signature")
        if timestamp is None:
            return self._missing("X-timestamp")
        if signed is None:
            return self._missing("X-signature")
        consumer = self.consumers.get(call.headers.get("X-cons-id", ""))
        expected = crypto.signature(consumer.cons_id, consumer.secret_key, timestamp) if consumer else ""
        now = self._clock() + conditions.skew
        in_time = timestamp.isdecimal() and abs(int(timestamp) - now) <= self._options["timestamp_tolerance"]
        if in_time and compare_digest(expected.encode(), signed.encode("utf-8", "replace")):
            return None
        return self._refusal(401, BAD_SIGNATURE)

    def _login(self, call: Call, conditions: Conditions) -> Answer | None:
        header = call.headers.get("X-authorization")
        if header is None:
            return self._missing("X-authorization")
        login = crypto.parse_authorization(header)
        account = self.accounts.get(login.username) if login else None
        if account is None or login is None:
            return self._refusal(401, BAD_LOGIN)
        name = account.username
        if name in self._locked:
            return self._refusal(401, BAD_LOGIN, fault="lockout")
        if (login.password, login.kd_aplikasi) == (account.password, account.kd_aplikasi):
            return None
        self._wrong[name] = self._wrong.get(name, 0) + 1
        if conditions.lockout_after is not None and self._wrong[name] >= conditions.lockout_after:
            self._locked.add(name)
        return self._refusal(401, BAD_LOGIN)

    def _missing(self, header: str) -> Answer:
        return self._refusal(401, f"{header} tidak ditemukan")  # pcare §22 #14: the header's name; the words [invented]

    def _refusal(self, code: int, message: str, fault: str = "") -> Answer:
        return envelope(code, message, None, self._options, facility="", fault=fault)


def render(reply: Reply, caller: Caller, options: Options) -> Answer:
    """The bytes of a reply. HTTP status and code are one, as PCare has it (bpjs-auth §8)."""
    if reply.code in (204, 304):
        return Answer(reply.code, facility=caller.facility)
    response, sealed = reply.response, reply.sealed
    if reply.entries:
        response, sealed = _refusal_form(reply, options["refusal_form"])
    elif reply.write:
        form = options["write_answer"]
        response, sealed = (None if form == "null" else "OK"), form == "encrypted"
    if sealed:
        timestamp = caller.timestamp
        if options["cipher_shift"]:
            timestamp = str(int(timestamp) + options["cipher_shift"])
        text = json.dumps(response, ensure_ascii=False, separators=(",", ":"))
        response = crypto.encrypt(text, crypto.answer_key(caller.cons_id, caller.secret_key, timestamp))
    return envelope(reply.code, reply.message, response, options, caller.facility)


def _refusal_form(reply: Reply, form: str) -> tuple[Any, bool]:
    entries = [{"field": field, "message": message} for field, message in reply.entries]
    own: Any = entries[0] if reply.single else entries
    return {
        "default": (own, False),
        "list": (entries, False),
        "object": (entries[0], False),
        "encrypted": (own, True),
        "string": (entries[0]["message"], False),
    }[form]


def envelope(code: int, message: str, response: Any, options: Options, facility: str, fault: str = "") -> Answer:
    meta = {"code": str(code) if options["code_type"] == "text" else code, "message": message}
    body = json.dumps({"response": response, options["metadata_name"]: meta}, ensure_ascii=False).encode()
    return Answer(code, body, _JSON_TYPE, facility=facility, fault=fault)


def plain_text(status: int, text: str) -> Answer:
    """The gateway's own words: it stands before the service and knows no envelope (bpjs-auth §8)."""
    return Answer(status, text.encode(), _TEXT_TYPE)


def request_error_page(status: int = 400) -> Answer:
    """The WCF page for a path that does not fit."""
    page = (
        "<?xml version='1.0' encoding='utf-8'?><html><head><title>Request Error</title></head><body>"
        "<p class='heading1'>Request Error</p><p>The server encountered an error processing the request.</p>"
        "</body></html>"
    )
    return Answer(status, page.encode(), _HTML_TYPE)


def spoil(kind: str, answer: Answer, rng: Random, options: Options) -> Answer | None:
    """The framework's faults in BPJS's clothes; None where the plain form fits."""
    if kind == "http_5xx":
        return envelope(500, SERVER_ERROR, [], options, answer.facility)
    if kind == "html":
        return request_error_page(503)
    if kind == "garbage":
        noise = b64encode(rng.randbytes(16 * rng.randint(2, 8))).decode()
        return envelope(answer.status if answer.body else 200, "OK", noise, options, answer.facility)
    if kind == "empty_null":
        return envelope(200, "OK", None, options, answer.facility)
    return None


def read_json(call: Call, options: Options) -> dict[str, Any] | Reply:
    """The body as an object under any Content-Type (bpjs-auth §4), or the refusal."""
    if options["strict_content_type"] and not call.headers.get("Content-Type", "").lower().startswith("text/plain"):
        return Reply(400, BAD_JSON, BAD_JSON)
    try:
        document = json.loads(call.body)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else Reply(400, BAD_JSON, BAD_JSON)
