"""PCare's answers → outcomes, as a table: the first row that fits decides (bpjs-auth §8; pcare §14, §15, §22).

PCare's codes vary between sources and its texts hardly do, so texts are looked for first, in every part of the
answer, and a duplicate before any credential: it may come as 401 (§22 #2). A row may say "surely no effect" only
where a source shows that the service or its gateway stopped before doing anything; whatever no row knows is
*unknown* on a write, never "failed".

:func:`markdown` prints the table for the documentation. Reasons carry codes and field names, never BPJS's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from jknbridge.reasons import Reason
from jknbridge.targets import (
    Accepted,
    Call,
    CredentialRefused,
    Duplicate,
    Later,
    Outcome,
    Refused,
    Unknown,
    Verb,
)
from jknbridge_adapters.bpjs.envelope import Envelope, Kind
from jknbridge_adapters.bpjs.session import Answer
from jknbridge_adapters.pcare import wire

WIB = ZoneInfo("Asia/Jakarta")

On: TypeAlias = Literal["add", "edit", "delete", "read"]
Means: TypeAlias = Literal["accepted", "duplicate", "refused", "later", "busy", "credential", "unknown", "date"]

WRITES: frozenset[On] = frozenset({"add", "edit", "delete"})
ANY: frozenset[On] = WRITES | {"read"}
_ANSWERED = frozenset({Kind.REFUSAL, Kind.GATEWAY, Kind.EMPTY})


@dataclass(frozen=True, slots=True)
class Row:
    """Fits if every condition given holds: the kind of call, the code, a text (any of them), a field, the answer's
    kind.

    ``date`` is *later*, after midnight WIB, for a date that is today on the facility's calendar, else *refused*.
    """

    on: frozenset[On]
    means: Means
    reason: str
    source: str
    codes: frozenset[str] = frozenset()
    says: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    kinds: frozenset[Kind] = frozenset()

    def fits(self, on: On, answer: Envelope) -> bool:
        return (
            on in self.on
            and (not self.codes or answer.code in self.codes)
            and (not self.kinds or answer.kind in self.kinds)
            and (not self.fields or any(entry.field in self.fields for entry in answer.entries))
            and (not self.says or any(fragment in said(answer) for fragment in self.says))
        )


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REFUSAL = frozenset({Kind.REFUSAL})
_GATEWAY = frozenset({Kind.GATEWAY})
_ADD: frozenset[On] = frozenset({"add"})
_DELETE: frozenset[On] = frozenset({"delete"})
_BODY: frozenset[On] = frozenset({"add", "edit"})
_READ: frozenset[On] = frozenset({"read"})

TABLE: tuple[Row, ...] = (
    Row(_ADD, "duplicate", "pcare.sudah_dientri", "pcare §14.1, §22 #2", says=("sudah di-entri",)),
    Row(ANY, "accepted", "", "bpjs-auth §7.3; pcare §22 #23", kinds=frozenset({Kind.OK})),
    Row(ANY, "credential", "pcare.user_key", "bpjs-auth §8 (gateway, also with 200)", says=("authentication failed",)),
    Row(ANY, "credential", "pcare.tanda_tangan", "bpjs-auth §8; pcare §22 #16",
        says=("signature service tidak sesuai",)),
    Row(ANY, "credential", "pcare.cons_id_kedaluwarsa", "bpjs-auth §8, §9.3", says=("consumer id is expired",)),
    Row(ANY, "refused", "pcare.tidak_terdaftar_layanan", "bpjs-auth §8; pcare §6.1",
        says=("not registered for this service",)),
    Row(_DELETE, "unknown", "pcare.hapus_dilihat", "pcare §22 #1 (304: look, never 'withdrawn')",
        codes=_codes("204 304")),
    Row(_DELETE, "refused", "pcare.sudah_dilayani", "pcare §5.2", says=("dilayani",), kinds=_REFUSAL),
    Row(_DELETE, "refused", "pcare.masih_ada_turunan", "pcare §22 #13", says=("masih memiliki",), kinds=_REFUSAL),
    Row(_DELETE, "unknown", "pcare.hapus_dilihat", "pcare §22 #5 (a second delete: look)",
        says=("tidak sesuai dengan referensi", "tidak ditemukan"), kinds=_REFUSAL),
    Row(_ADD, "refused", "pcare.belum_daftar", "pcare §14.2", says=("belum melakukan pendaftaran",)),
    Row(_BODY, "refused", "pcare.peserta_tidak_ditemukan", "pcare §15", says=("peserta tidak ditemukan",)),
    Row(_BODY, "refused", "pcare.referensi", "pcare §15, §22 #19 (also under 500)",
        says=("tidak sesuai dengan referensi",)),
    Row(_BODY, "refused", "pcare.bentuk_salah", "pcare §15 (400, 500: before anything is stored)",
        says=("newtonsoft", "format json tidak valid")),
    Row(_BODY, "date", "pcare.tanggal_depan", "pcare §5.1, §22 #3", fields=("tglDaftar", "tglPulang"), kinds=_REFUSAL),
    Row(_ADD, "refused", "pcare.ditolak_tidak_aktif", "pcare §4 ketAktif, §22 #22",
        says=("tidak aktif", "non aktif", "nonaktif", "menunggak", "penangguhan"), kinds=_REFUSAL),
    Row(ANY, "credential", "pcare.login", "bpjs-auth §8; pcare §22 #2 (after the duplicate)", codes=_codes("401"),
        kinds=_ANSWERED),
    Row(ANY, "credential", "pcare.user_key", "pcare §22 #14", codes=_codes("403"), kinds=_ANSWERED),
    Row(ANY, "busy", "pcare.sibuk", "bpjs-auth §10: undocumented; a gateway's 429 stands before the service [I]",
        codes=_codes("429")),
    Row(WRITES, "refused", "pcare.jalur", "bpjs-auth §8 (no such path or verb: nothing reached the service)",
        codes=_codes("400 404 405"), kinds=_GATEWAY),
    Row(WRITES, "refused", "pcare.ditolak", "bpjs-auth §8 (validation, before anything is stored)",
        codes=_codes("400 404 405 412 424 428"), kinds=_REFUSAL),
    Row(_READ, "busy", "pcare.sibuk", "bpjs-auth §8, §10", codes=_codes("500 502 503 504")),
    Row(_READ, "later", "pcare.bacaan_gagal", "pcare §22 #6"),
    Row(WRITES, "unknown", "pcare.jawaban_tak_terbaca", "pcare §14.3, §22 #27; bpjs-auth §8"),
)  # fmt: skip
"""Ends with a row for every read and every write."""

_FIELDS = frozenset().union(*(model.model_fields for model in (wire.Pendaftaran, wire.Kunjungan, wire.Obat)))
_LONG_NUMBER = re.compile(r"\d{6,}")


def said(answer: Envelope) -> str:
    """Every text of the answer, in lower case: message, entries, a bare string, a page's words."""
    bare = answer.response if isinstance(answer.response, str) else ""
    return "\n".join((answer.message, *(e.message for e in answer.entries), bare, answer.excerpt)).lower()


def row_for(on: On, answer: Envelope) -> Row:
    return next(row for row in TABLE if row.fits(on, answer))


def of_write(call: Call, answer: Answer, now: datetime) -> Outcome:
    """What the answer to one add, edit or delete came to. ``now`` is aware."""
    row = row_for(call.verb.value, answer.envelope)
    if row.means == "accepted":
        return _accepted(call, answer.envelope)
    reason = _reason(row, answer.envelope)
    if row.means == "date":
        return _date(call, reason, now)
    return _OUTCOMES[row.means](reason, answer)


def of_read(answer: Answer) -> Later | CredentialRefused | None:
    """Why a read cannot be used, or ``None`` where it succeeded (which may mean: there is nothing)."""
    if answer.envelope.found_nothing:
        return None
    row = row_for("read", answer.envelope)
    if row.means == "accepted":
        return None
    reason = _reason(row, answer.envelope)
    if row.means == "credential":
        return CredentialRefused(reason)
    return Later(reason, after=answer.retry_after, busy=row.means == "busy")


def midnight_wib(now: datetime) -> datetime:
    """The next midnight in Jakarta, where BPJS's calendar is kept."""
    tomorrow = now.astimezone(WIB).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, tzinfo=WIB)


def markdown() -> str:
    """The table for ``docs/pcare.md``."""
    lines = [
        "| call | code | answer says | field | kind | means | reason | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        cells = (
            "any" if row.on == ANY else _listed(row.on),
            _listed(row.codes) or "any",
            ", ".join(f"`{text}`" for text in row.says),
            ", ".join(row.fields),
            _listed(kind.value for kind in row.kinds) or "any",
            row.means,
            f"`{row.reason}`" if row.reason else "",
            row.source,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _accepted(call: Call, answer: Envelope) -> Outcome:
    if call.verb is not Verb.ADD:
        return Accepted()
    first, *others = call.kind.receipt
    number = answer.entry(first)
    if not number and len(answer.entries) == 1 and not answer.entries[0].field:
        number = answer.entries[0].message  # an entry that names no field (pcare §6.4: else take the only message)
    if not number:
        return Unknown(Reason.of("pcare.tanpa_nomor", field=first))
    values = {first: number} | {name: value for name in others if (value := answer.entry(name))}
    notices = [entry for entry in answer.entries if entry.field not in call.kind.receipt]
    return Accepted(values, tuple(f"{entry.field}: {_LONG_NUMBER.sub('…', entry.message)}" for entry in notices))


def _date(call: Call, reason: Reason, now: datetime) -> Outcome:
    today = now.astimezone(call.instance.facility_settings.zone).strftime("%d-%m-%Y")
    if today in (call.payload.get("tglDaftar"), call.payload.get("tglPulang")):
        return Later(reason, at=midnight_wib(now))
    return Refused(Reason.of("pcare.tanggal_ditolak"))


_OUTCOMES: Mapping[Means, Callable[[Reason, Answer], Outcome]] = {
    "duplicate": lambda reason, answer: Duplicate(reason),
    "refused": lambda reason, answer: Refused(reason),
    "later": lambda reason, answer: Later(reason, after=answer.retry_after),
    "busy": lambda reason, answer: Later(reason, after=answer.retry_after, busy=True),
    "credential": lambda reason, answer: CredentialRefused(reason),
    "unknown": lambda reason, answer: Unknown(reason),
}


def _reason(row: Row, answer: Envelope) -> Reason:
    """Field names only if they are BPJS's own, codes only if they are numbers: an answer may hold anything."""
    named = {field for field in _FIELDS if any(_names(entry.field, entry.message, field) for entry in answer.entries)}
    named |= {field for field in _FIELDS if _starts(answer.message, field)}
    shown: Mapping[str, str] = {
        "fields": ", ".join(sorted(named)) or "-",
        "kode": answer.code if answer.code.isdecimal() and len(answer.code) == 3 else "-",
    }
    return Reason.of(row.reason, **shown)


def _names(field: str, message: str, known: str) -> bool:
    return field.lower() == known.lower() or (not field and _starts(message, known))


def _starts(message: str, known: str) -> bool:
    return message.lower().startswith(known.lower())


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
