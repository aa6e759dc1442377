"""The table of answers, row by row, and that it is complete and silent about people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jknbridge.reasons import registered
from jknbridge.targets import (
    Accepted,
    Call,
    CredentialRefused,
    Duplicate,
    Instance,
    Later,
    Refused,
    Unknown,
    Verb,
)  # fmt: skip
from jknbridge_adapters.bpjs import crypto
from jknbridge_adapters.bpjs.envelope import PCARE_SUCCESS, decode
from jknbridge_adapters.bpjs.session import Answer
from jknbridge_adapters.pcare import outcomes, reasons
from jknbridge_adapters.pcare.kinds import KINDS

KEY = crypto.answer_key("90001", "rahasia-01", "1767225600")
NOW = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)  # 01:30 WIB and 03:30 WIT on the 3rd
CARD = "0009999000001"


def envelope(code: int, message: str = "", response: Any = None) -> bytes:
    return json.dumps({"response": response, "metaData": {"code": code, "message": message}}).encode()


def refused(field: str, message: str) -> bytes:
    return envelope(412, "PRECONDITION_FAILED", [{"field": field, "message": message}])


def sealed(code: int, response: Any) -> bytes:
    return envelope(code, "", crypto.encrypt(json.dumps(response), KEY))


def answer(status: int, body: bytes, pause: float | None = None) -> Answer:
    return Answer(decode(status, body, KEY, success=PCARE_SUCCESS), pause)


def call(kind: str = "pendaftaran", verb: Verb = Verb.ADD, day: str = "02-03-2026", zone: str = "Asia/Jakarta") -> Call:
    place: Any = SimpleNamespace(zone=ZoneInfo(zone))
    settings: Any = None
    return Call("r", Instance("99990001", "pcare", "dev", settings, place), KINDS[kind], verb, {"tglDaftar": day})


def of(
    status: int, body: bytes, *, kind: str = "pendaftaran", verb: Verb = Verb.ADD, pause: float | None = None
) -> Any:
    return outcomes.of_write(call(kind, verb), answer(status, body, pause), NOW)


FIELD = {"field": "noKartu", "message": "Peserta sudah di-entri di poli yang sama pada hari yang sama."}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (412, envelope(412, "PRECONDITION_FAILED", FIELD)),
        (412, envelope(412, "PRECONDITION_FAILED", [FIELD])),
        (401, envelope(401, "Unauthorized", FIELD)),
        (428, envelope(428, "", FIELD["message"])),
        (401, envelope(401, FIELD["message"])),
        (412, sealed(412, [FIELD])),
        (412, sealed(412, FIELD["message"])),
    ],
)
def test_a_duplicate_in_every_shape_and_before_any_credential(status: int, body: bytes) -> None:
    assert isinstance(of(status, body), Duplicate)
    assert isinstance(of(status, body, kind="kunjungan"), Duplicate)


R = {"kdObatSK": "7", "kdRacikan": "R1"}


@pytest.mark.parametrize(
    ("kind", "response", "values"),
    [
        ("pendaftaran", {"field": "noUrut", "message": "A1"}, {"noUrut": "A1"}),
        (
            "pendaftaran",
            [{"field": "noKartu", "message": CARD}, {"field": "noUrut", "message": "C2"}],
            {"noUrut": "C2"},
        ),
        ("kunjungan", [{"field": "noKunjungan", "message": "K1"}], {"noKunjungan": "K1"}),
        ("kunjungan", {"field": "noKunjungan", "message": "K1"}, {"noKunjungan": "K1"}),
        ("kunjungan", {"field": None, "message": "K1"}, {"noKunjungan": "K1"}),
        ("obat", [{"field": "kdObatSK", "message": 7}, {"field": "kdRacikan", "message": None}], {"kdObatSK": "7"}),
        ("obat", [{"field": "kdObatSK", "message": "7"}, {"field": "kdRacikan", "message": "R1"}], R),
    ],
)
def test_what_an_add_gives_back(kind: str, response: Any, values: dict[str, str]) -> None:
    outcome = of(201, sealed(201, response), kind=kind)
    assert isinstance(outcome, Accepted)
    assert outcome.values == values
    assert CARD not in " ".join(outcome.notices)


ROWS: list[tuple[str, int, bytes, type, str]] = [
    ("add", 200, envelope(200, "OK"), Unknown, "tanpa_nomor"),
    ("add", 201, envelope(201, "CREATED", "Format json tidak valid"), Unknown, "jawaban_tak_terbaca"),
    ("edit", 200, envelope(200, "OK"), Accepted, ""),
    ("edit", 200, envelope(200, "OK", "OK"), Accepted, ""),
    ("delete", 200, envelope(200, "OK"), Accepted, ""),
    ("delete", 204, b"", Unknown, "hapus_dilihat"),
    ("delete", 304, b"", Unknown, "hapus_dilihat"),
    ("delete", 412, refused("noKartu", "kdObatSK Tidak sesuai dengan referensi sistem."), Unknown, "hapus_dilihat"),
    ("delete", 412, refused("noKartu", "Peserta sudah dilayani"), Refused, "sudah_dilayani"),
    ("delete", 412, refused("noKartu", "masih memiliki obat"), Refused, "masih_ada_turunan"),
    ("add", 200, b"Authentication failed", CredentialRefused, "user_key"),
    ("add", 403, b"Authentication failed", CredentialRefused, "user_key"),
    ("add", 403, envelope(403, "user_key"), CredentialRefused, "user_key"),
    ("add", 401, envelope(401, "Signature Service Tidak Sesuai"), CredentialRefused, "tanda_tangan"),
    ("add", 401, envelope(401, "Unauthorized! Consumer ID is expired!"), CredentialRefused, "cons_id_kedaluwarsa"),
    ("add", 401, envelope(401, "Unauthorized"), CredentialRefused, "login"),
    ("add", 401, b"", CredentialRefused, "login"),
    ("add", 401, envelope(401, "", "a" * 64), Unknown, "jawaban_tak_terbaca"),
    (
        "add",
        404,
        envelope(404, "Unauthorized! You are not registered for this service!"),
        Refused,
        "tidak_terdaftar_layanan",
    ),
    ("add", 404, b"No Mapping Rule matched", Refused, "jalur"),
    ("edit", 405, b"Method Not Allowed", Refused, "jalur"),
    ("add", 400, b"<html><title>Request Error</title></html>", Refused, "jalur"),
    ("add", 412, refused("noKartu", "Belum melakukan pendaftaran pada poli tersebut."), Refused, "belum_daftar"),
    ("add", 412, refused("noKartu", "noKartu peserta tidak ditemukan"), Refused, "peserta_tidak_ditemukan"),
    ("add", 412, refused("kdPoli", "kdPoli Tidak sesuai dengan referensi sistem."), Refused, "referensi"),
    ("add", 500, envelope(500, "kdPoli Tidak sesuai dengan referensi sistem"), Refused, "referensi"),
    (
        "add",
        500,
        envelope(500, "Cannot access child value on Newtonsoft.Json.Linq.JValue.", []),
        Refused,
        "bentuk_salah",
    ),
    ("add", 400, envelope(400, "Format json tidak valid"), Refused, "bentuk_salah"),
    ("add", 412, refused("noKartu", "TIDAK AKTIF KARENA PREMI"), Refused, "ditolak_tidak_aktif"),
    ("edit", 412, refused("sistole", "sistole tidak sesuai."), Refused, "ditolak"),
    ("add", 424, envelope(424, ""), Refused, "ditolak"),
    ("add", 429, b"Too Many Requests", Later, "sibuk"),
    ("add", 500, envelope(500, "Index was out of range.", []), Unknown, "jawaban_tak_terbaca"),
    ("add", 503, b"<html>Runtime Error</html>", Unknown, "jawaban_tak_terbaca"),
    ("add", 502, b"Bad Gateway", Unknown, "jawaban_tak_terbaca"),
    ("add", 408, b"", Unknown, "jawaban_tak_terbaca"),
    ("add", 200, b"", Unknown, "jawaban_tak_terbaca"),
    ("add", 201, b'{"response": "abc', Unknown, "jawaban_tak_terbaca"),
    ("delete", 500, envelope(500, "Index was out of range.", []), Unknown, "jawaban_tak_terbaca"),
]


@pytest.mark.parametrize(("verb", "status", "body", "kind", "code"), ROWS)
def test_rows(verb: str, status: int, body: bytes, kind: type, code: str) -> None:
    where = "obat" if verb == "delete" else "kunjungan" if verb == "edit" else "pendaftaran"
    outcome = of(status, body, kind=where, verb=Verb(verb))
    assert type(outcome) is kind
    if code:
        assert outcome.reason.code == f"pcare.{code}"


def test_every_row_of_the_table_is_reached() -> None:
    seen = {outcomes.row_for(verb, answer(status, body).envelope) for verb, status, body, *_ in ROWS}  # type: ignore[arg-type]
    seen |= {outcomes.row_for("add", answer(412, envelope(412, "", FIELD)).envelope)}
    seen |= {outcomes.row_for("add", answer(412, refused("tglDaftar", "x")).envelope)}
    seen |= {outcomes.row_for("read", answer(status, b"x").envelope) for status in (418, 500)}
    assert [row for row in outcomes.TABLE if row not in seen] == []


@pytest.mark.parametrize(
    ("day", "zone", "outcome"),
    [
        ("03-03-2026", "Asia/Jayapura", Later),  # the facility's today, the server's tomorrow
        ("04-03-2026", "Asia/Jayapura", Refused),
        ("01-03-2026", "Asia/Jakarta", Refused),
    ],
)
def test_a_refused_date_that_is_today_waits_for_midnight_in_jakarta(day: str, zone: str, outcome: type) -> None:
    """At half past midnight in Jayapura it is the 3rd there and still the 2nd in Jakarta."""
    body = refused("tglDaftar", "tglDaftar tidak boleh lebih dari tanggal hari ini.")
    now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    result = outcomes.of_write(call(day=day, zone=zone), answer(412, body), now)
    assert type(result) is outcome
    if isinstance(result, Later):
        assert result.at == datetime(2026, 3, 3, tzinfo=ZoneInfo("Asia/Jakarta"))


def test_a_gateway_names_its_pause() -> None:
    outcome = of(429, b"Too Many Requests", pause=30.0)
    assert (outcome.after, outcome.busy) == (30.0, True)


def test_reasons_carry_field_names_and_codes_and_nothing_else() -> None:
    bad = [{"field": f"kdPoli {CARD}", "message": CARD}, {"field": "sistole", "message": "PESERTA KENARI"}]
    outcome = of(412, envelope(412, f"{CARD} KENARI", bad))
    assert "sistole" in outcome.reason.en
    assert CARD not in outcome.reason.en + outcome.reason.id
    assert "KENARI" not in outcome.reason.en + outcome.reason.id


def test_the_documentation_names_every_reason_of_the_table() -> None:
    text = outcomes.markdown()
    assert all(row.source and row.source in text for row in outcomes.TABLE)
    assert {row.reason for row in outcomes.TABLE if row.reason} <= set(reasons.REASONS) <= set(registered())
