"""Talks to one facility's PCare: sends, looks up, asks (pcare §2, §4-§8).

Knows what a call looks like on the wire and nothing of when or how often it is made. What an answer means is
``outcomes.py``, how lists are read ``reading.py``, what a doubt comes to ``probe.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from jknbridge.http import Http
from jknbridge.reasons import Reason
from jknbridge.targets import (
    Answer,
    Call,
    CredentialRefused,
    Day,
    Doubt,
    Finding,
    Held,
    Instance,
    Known,
    Later,
    NotKnown,
    Outcome,
    Question,
    Refused,
    Unknown,
    Verb,
)
from jknbridge_adapters.bpjs import session
from jknbridge_adapters.bpjs.crypto import Login
from jknbridge_adapters.bpjs.envelope import PCARE_SUCCESS, Kind
from jknbridge_adapters.bpjs.session import Credentials, Session
from jknbridge_adapters.pcare import outcomes, peserta, reference
from jknbridge_adapters.pcare.compose import compose, delete_keys
from jknbridge_adapters.pcare.daily import read_day
from jknbridge_adapters.pcare.probe import Probe
from jknbridge_adapters.pcare.reading import Reader, Unread
from jknbridge_adapters.pcare.settings import PCareSettings

Segments = tuple[str, ...]

REFERENCE_QUESTION = "referensi"
_NO_SUCH = frozenset({"400", "404", "412"})
"""Codes under which P1/P2 says that it does not know the number (§4: any non-object answer is "not found")."""


class PCareClient:
    """One facility at one environment. Every method may run concurrently; none raises for what PCare answers."""

    def __init__(self, instance: Instance, http: Http, *, now: Callable[[], float] = time.time) -> None:
        settings = instance.settings
        assert isinstance(settings, PCareSettings)
        self._instance = instance
        self._settings = settings
        self._now = now
        login = Login(settings.username, settings.password.get_secret_value(), settings.kd_aplikasi)
        credentials = Credentials(settings.cons_id, settings.secret_key, settings.user_key, login)
        self._session = Session(http, settings.base_url, credentials, success=PCARE_SUCCESS, now=now)
        self._reader = Reader(self._session)

    async def send(self, call: Call) -> Outcome:
        body = compose(call)
        if isinstance(body, Reason):
            return Refused(body)
        method, segments = self._address(call)
        reply = await self._session.write(method, segments, None if call.verb is Verb.DELETE else body)
        if isinstance(reply, Later | Unknown):
            return reply
        return outcomes.of_write(call, reply, datetime.fromtimestamp(self._now(), UTC))

    async def snapshot(self, call: Call) -> Sequence[Mapping[str, Any]] | Later | CredentialRefused:
        """O2 before a drug is added. An empty list is believed only while PCare's reads are seen to work."""
        reading = await self._reader.drugs(str(call.payload["noKunjungan"]))
        if isinstance(reading, Unread):
            return reading.cause or Later(reading.reason)
        if reading.empty and not await self._reader.alive(str(call.payload.get("noKartu") or "")):
            return Later(Reason.of("pcare.bacaan_kosong"))
        return [dict(row) for row in reading.rows]

    async def probe(self, doubts: Sequence[Doubt]) -> Sequence[Finding]:
        round_ = Probe(self._reader, self._instance.facility, at_once=self._settings.serentak)
        return await round_.findings(doubts)

    async def ask(self, question: Question) -> Answer:
        if question.kind == peserta.QUESTION:
            return await self._participant(*question.subject)
        if question.kind == REFERENCE_QUESTION and question.subject[0] in reference.LISTS:
            return await self._codes(reference.LISTS[question.subject[0]])
        return NotKnown(Reason.of("pcare.pertanyaan"))

    async def day(self, day: date, held: Sequence[Held]) -> Day:
        return await read_day(self._reader, day, held)

    async def _participant(self, by: str, number: str) -> Answer:
        reply = await self._session.read("peserta", by, number)
        if isinstance(reply, Later):
            return reply
        answer = reply.envelope
        if answer.kind is Kind.OK and isinstance(answer.response, Mapping) and answer.response.get("noKartu"):
            return Known(peserta.keep(answer.response))
        known = answer.found_nothing or answer.kind is Kind.OK
        if known or (answer.kind is Kind.REFUSAL and answer.code in _NO_SUCH and not _is_ours(reply)):
            return NotKnown(Reason.of("pcare.peserta_tidak_ditemukan"))
        return outcomes.of_read(reply) or Later(Reason.of("pcare.bacaan_gagal", kode=answer.code))

    async def _codes(self, wanted: reference.CodeList) -> Answer:
        reading = await reference.read(self._reader, wanted)
        if isinstance(reading, Unread):
            return reading.cause or Later(reading.reason)
        return Known({"rows": reference.as_codes(wanted, reading)})

    def _address(self, call: Call) -> tuple[str, Segments]:
        keys = delete_keys(call) if call.verb is Verb.DELETE else {}
        visit = tuple(self._settings.jalur_kunjungan.strip("/").split("/"))
        match call.kind.name, call.verb:
            case "pendaftaran", Verb.ADD:
                return "POST", ("pendaftaran",)
            case "pendaftaran", Verb.DELETE:
                named = ("noKartu", "tglDaftar", "noUrut", "kdPoli")
                path = [part for name in named for part in (_WORDS.get(name, name), keys[name])]
                return "DELETE", ("pendaftaran", *path)
            case "kunjungan", Verb.ADD:
                return "POST", visit
            case "kunjungan", Verb.EDIT:
                return "PUT", visit
            case "kunjungan", Verb.DELETE:
                return "DELETE", ("kunjungan", keys["noKunjungan"])  # never /V1 (§6.1)
            case "obat", Verb.ADD:
                return "POST", ("obat", "kunjungan")
            case _:
                return "DELETE", ("obat", keys["kdObatSK"], "kunjungan", keys["noKunjungan"])


_WORDS = {"noKartu": "peserta"}
"""D2's path word for the card (§2)."""


def _is_ours(reply: session.Answer) -> bool:
    """Whether a refusal is about us and not about the participant: a credential or an unregistered service."""
    row = outcomes.row_for("read", reply.envelope)
    return row.means in ("credential", "refused")
