"""One signed request to a BPJS service → its answer, decrypted (bpjs-auth §1-§4, §6, §7).

The one timestamp of a request is made here, goes out in its header and opens its answer; clients that make it twice
fail at second boundaries (bpjs-auth §3). What an answer means for a submission is each adapter's ``outcomes.py``;
only what holds for every service is said here: no connection means surely no effect, a lost answer means the effect
is unknown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from jknbridge.http import AnswerLost, Http, NotSent
from jknbridge.reasons import Reason, Table, register_all
from jknbridge.targets import Later, Unknown
from jknbridge_adapters.bpjs import crypto, envelope
from jknbridge_adapters.bpjs.envelope import Envelope

REASONS: Table = {
    "bpjs.tidak_tersambung": (
        "Tidak tersambung ke BPJS ({error}): jaringan, alamat, atau daftar IP yang diizinkan.",
        "No connection to BPJS ({error}): network, address, or the list of allowed IPs.",
        "IT",
    ),
    "bpjs.jawaban_hilang": (
        "Jawaban BPJS tidak sampai ({error}); akan dilihat dulu apakah sudah tercatat.",
        "BPJS's answer was lost ({error}); it is looked up first whether it was recorded.",
        "BPJS",
    ),
    "bpjs.bacaan_terputus": (
        "BPJS tidak menjawab saat dibaca ({error}).",
        "BPJS did not answer a read ({error}).",
        "BPJS",
    ),
}
register_all(REASONS)

LONGEST_PAUSE = 900.0
"""A ``Retry-After`` beyond this (seconds) is taken for this: nobody waits a day on a gateway's word."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a request. ``login`` only for services that share the FKTP log-in (X-authorization)."""

    cons_id: str
    secret_key: SecretStr
    user_key: SecretStr
    login: crypto.Login | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer; ``retry_after`` in seconds where a gateway asked for a pause."""

    envelope: Envelope
    retry_after: float | None = None


Reply: TypeAlias = Answer | Later | Unknown
"""What came of a request: an answer, surely nothing (``Later``), or an effect nobody knows of (``Unknown``)."""


class Session:
    """Requests to one service with one credential. Safe for concurrent use: nothing is shared between requests."""

    def __init__(
        self,
        http: Http,
        base_url: str,
        credentials: Credentials,
        *,
        success: frozenset[str],
        content_type: str = "text/plain",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._credentials = credentials
        self._success = success
        self._content_type = content_type
        self._now = now
        login = credentials.login
        self._authorization = crypto.authorization(*login) if login else None

    async def read(self, *segments: str) -> Answer | Later:
        """A GET. Without an answer it is to be asked again: a read has no effect."""
        reply = await self._request("GET", segments, None, effect=False)
        return Later(reply.reason) if isinstance(reply, Unknown) else reply

    async def write(self, method: str, segments: Sequence[str], body: Mapping[str, Any] | None = None) -> Reply:
        """A call with an effect."""
        return await self._request(method, segments, body, effect=True)

    async def _request(
        self, method: str, segments: Sequence[str], body: Mapping[str, Any] | None, *, effect: bool
    ) -> Reply:
        secret = self._credentials.secret_key.get_secret_value()
        timestamp = str(int(self._now()))  # floor: a moment in the future may be refused
        headers = crypto.headers(
            self._credentials.cons_id,
            secret,
            self._credentials.user_key.get_secret_value(),
            timestamp,
            self._authorization,
        )
        headers["Accept"] = "application/json"
        content = None
        if body is not None:
            headers["Content-Type"] = self._content_type
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        else:
            headers["Content-Type"] = "application/json; charset=utf-8"
        url = "/".join((self._base, *(quote(segment, safe="") for segment in segments)))
        try:
            response = await self._http.request(method, url, headers=headers, content=content, effect=effect)
        except NotSent as error:
            return Later(Reason.of("bpjs.tidak_tersambung", error=error), busy=True)
        except AnswerLost as error:
            return Unknown(Reason.of("bpjs.jawaban_hilang" if effect else "bpjs.bacaan_terputus", error=error))
        key = crypto.answer_key(self._credentials.cons_id, secret, timestamp)
        decoded = envelope.decode(response.status, response.body, key, success=self._success)
        return Answer(decoded, _pause(response.headers.get("Retry-After")))


def _pause(header: str | None) -> float | None:
    """Seconds of a ``Retry-After``; the date form is not used by the gateways seen."""
    return min(float(header), LONGEST_PAUSE) if header and header.strip().isdecimal() else None
