"""Bytes of the simulated platform's answers: gateway faults, resources and headers, refusals (satusehat §4, §5)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final

from jknbridge.sandbox.target import Answer
from jknbridge_adapters.satusehat import operation_outcome
from jknbridge_adapters.satusehat.sandbox.store import Record
from jknbridge_adapters.satusehat.violations import Violation

JSON: Final = {"Content-Type": "application/json", "Via": "1.1 google"}
FHIR: Final = {"Content-Type": "application/fhir+json;charset=utf-8", "Via": "1.1 google"}
TEXT: Final = {"Content-Type": "text/plain"}
HTML: Final = {"Content-Type": "text/html"}
GOOGLE: Final = "https://healthcare.googleapis.com/v1/projects/dto-ihs-dev/locations/asia-southeast2/datasets/uji/fhirStores/uji/fhir"
"""`Location` of a single write names the store behind the API. Nobody can follow it (§4)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it becomes bytes. ``record``: the resource that was written or read by id."""

    status: int
    document: Any
    record: Record | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


class Refuse(Exception):
    """Ends a handler with this reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    @classmethod
    def rules(cls, violations: Sequence[Violation], status: int = 400) -> "Refuse":
        return cls(Reply(status, operation_outcome.refused(violations)))

    @classmethod
    def said(cls, status: int, code: str, text: str, *, expression: str = "") -> "Refuse":
        return cls(Reply(status, operation_outcome.said(code, text, expression=expression)))

    @classmethod
    def store(cls, status: int, code: str, key: str, diagnostics: str, *, expression: str = "") -> "Refuse":
        outcome = operation_outcome.store(code, key, diagnostics, expression=expression)
        return cls(Reply(status, outcome, headers=JSON if code == "no-store" else FHIR))


def render(reply: Reply, method: str) -> tuple[int, bytes, Mapping[str, str]]:
    headers = dict(reply.headers)
    if reply.record is not None:
        headers["ETag"] = reply.record.etag
        if method == "GET":
            headers["Last-Modified"] = formatdate(reply.record.updated / 1e9, usegmt=True)
        else:
            record = reply.record
            headers["Location"] = f"{GOOGLE}/{record.type}/{record.id}/_history/{record.version}"
    body = b"" if reply.document is None else json.dumps(reply.document, ensure_ascii=False, sort_keys=True).encode()
    return reply.status, body, headers


def fault(status: int, text: str, code: str) -> Answer:
    body = json.dumps({"fault": {"faultstring": text, "detail": {"errorcode": code}}}).encode()
    headers = {**JSON, "WWW-Authenticate": f'Bearer realm="null",error="invalid_token",error_description="{code}"'}
    return Answer(status, body, headers if status == 401 else JSON)


def too_many() -> Answer:
    """No `Retry-After`: no capture shows one (§4)."""
    text = "Rate limit quota violation. Quota limit  exceeded. Identifier : _default"
    return fault(429, text, "policies.ratelimit.QuotaViolation")


def blocked(fault: str = "") -> Answer:
    page = b'<!doctype html><meta charset="utf-8"><title>403</title>403 Forbidden'
    return Answer(403, page, HTML, fault=fault)


def nowhere() -> Answer:
    """A wrong path at the gateway: 404 without a body."""
    return Answer(404)


def server_error(form: str) -> Answer:
    """An error of the platform; `form` is the HTTP status, and each has its own look (§3, §4, §5)."""
    if form == "500":
        outcome = operation_outcome.said("exception", "An unexpected internal error has occurred.")
        return Answer(500, json.dumps(outcome).encode(), JSON)
    if form == "502":
        page = b"<html><head><title>502 Server Error</title></head><body><h1>Error: Server Error</h1></body></html>"
        return Answer(502, page, HTML)
    return Answer(int(form), b"Gateway Timeout" if form == "504" else b"no healthy upstream", TEXT)
