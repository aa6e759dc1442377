"""The demo's settings: short times, both clinics, their code mappings, and the trouble that is caused on purpose.

What a hospital would write in its TOML file, as plain data; the log-ins come from the sandbox itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jknbridge.mappings import ALL, Line
from jknbridge_consumers.broker import API_VERSION
from jknbridge_consumers.demo.expect import HEALTHY_POLIS, POLIS
from jknbridge_consumers.demo.people import CLINICS, Clinic
from jknbridge_consumers.demo.visit import DRUGS, Wave
from jknbridge_consumers.topics import FHIR_TOPICS

SOURCE = "emr"
TARGET = "pcare"
TOMBSTONES = "fhir.medicationrequest"
"""The topic whose key names the resource, so that a record without value is a delete."""

WAKTU: Mapping[str, Any] = {
    "settle": {"kunjungan": 1.0, "obat": 1.0},
    "visibility": 0.5,
    "late_effect": 3.0,
    "probe_every": 0.5,
    "probe_for": 60.0,
    "retry_first": 0.2,
    "retry_cap": 1.0,
    "retry_for": 60.0,
    "total": 5.0,
}
"""A day in seconds. In a hospital: settle 60 s, visibility 30 s, late_effect 15 min, retry 2 s to 15 min."""

BRAKE = 25
"""Withdrawals an hour and clinic. The usual 5 would stop this day, on which a tenth of the visits is taken back."""


def settings(folder: Path, bootstrap: str, facilities: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The config as data. ``facilities``: ``[faskes]`` as the sandbox prints it, for its log-ins."""
    return {
        "ledger": {"url": f"sqlite:///{(folder / 'ledger.sqlite3').as_posix()}"},
        "waktu": dict(WAKTU),
        "rem": {"paling_sedikit": BRAKE},
        "sumber": {SOURCE: {"topics": list(FHIR_TOPICS), "mulai_dari": "awal", "key_resource": [TOMBSTONES]}},
        "kafka": kafka(bootstrap),
        "faskes": {clinic.code: _facility(clinic, facilities[clinic.code][TARGET], day) for clinic in CLINICS},
    }


def kafka(bootstrap: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": bootstrap,
        "api_version": API_VERSION,
        "group_id": "jknbridge-demo",
        "metadata_max_age_ms": 1_000,
        "reconnect_backoff_max_ms": 200,
        "request_timeout_ms": 5_000,
        "delivery_timeout_ms": 10_000,
        "berhenti_maks_detik": 3.0,
    }


def _facility(clinic: Clinic, login: Mapping[str, Any], day: date) -> dict[str, Any]:
    return {
        "nama": clinic.name,
        "zona": clinic.zone,
        "organisasi": [f"Organization/{clinic.code}"],
        "peserta_terdaftar": clinic.registered,
        TARGET: {**login, "mulai": (day - timedelta(days=30)).isoformat()},
    }


# --- mappings ---------------------------------------------------------------------------------------------------------


LATER = "lansia"
"""The place that somebody maps in the course of the day: what waited for it goes then."""


def mappings() -> list[Line]:
    """What the clinics mapped before the day began. What is missing here is missing on purpose."""
    lines = [
        Line(ALL, "pcare.status_pulang", "home", "3"),
        Line(ALL, "pcare.alergi_obat", f"kfa|{DRUGS['amoksisilin'].kfa}", "01"),
    ]
    lines += [Line(ALL, "pcare.obat", f"kfa|{drug.kfa}", drug.dpho) for drug in DRUGS.values() if drug.dpho is not None]
    lines += [Line(ALL, "pcare.poli", f"kbk-jenis-layanan|{jenis}", poli) for jenis, poli in HEALTHY_POLIS.items()]
    for clinic in CLINICS:
        lines += [_place(clinic, name) for name in POLIS if name != LATER]
        lines += [Line(clinic.code, "pcare.dokter", f"Practitioner/{name}", code) for name, code in clinic.doctors]
    return lines


def late_mappings() -> list[Line]:
    return [_place(clinic, LATER) for clinic in CLINICS]


def _place(clinic: Clinic, name: str) -> Line:
    return Line(clinic.code, "pcare.poli", f"Location/{clinic.code}-{name}", POLIS[name])


# --- trouble ----------------------------------------------------------------------------------------------------------


def _fault(operation: str, kind: str, count: int, ms: int | None = None) -> dict[str, Any]:
    return {"target": TARGET, "operation": operation, "kind": kind, "count": count} | ({"ms": ms} if ms else {})


FAULTS: Mapping[Wave, list[dict[str, Any]]] = {
    Wave.MORNING: [
        _fault("peserta.read", "http_5xx", 2),
        _fault("pendaftaran.add", "lost_after", 3),
        _fault("pendaftaran.add", "late_effect", 2, ms=900),
        _fault("pendaftaran.add", "reset", 1),
        _fault("pendaftaran.list", "empty_204", 1),
    ],
    Wave.SERVING: [_fault("pendaftaran.add", "garbage", 1), _fault("pendaftaran.add", "http_5xx", 1)],
    Wave.FINISHED: [
        _fault("kunjungan.add", "lost_after", 3),
        _fault("kunjungan.add", "late_effect", 1, ms=900),
        _fault("kunjungan.add", "truncate", 1),
        _fault("kunjungan.add", "html", 1),
        _fault("kunjungan.history", "empty_204", 1),
        _fault("obat.add", "lost_after", 3),
        _fault("obat.add", "late_effect", 1, ms=1_200),
        _fault("obat.add", "reset", 1),
    ],
    Wave.CORRECTED: [
        _fault("kunjungan.edit", "lost_after", 1),
        _fault("obat.delete", "lost_after", 1),
        _fault("kunjungan.delete", "reset", 1),
        _fault("pendaftaran.delete", "lost_after", 1),
    ],
}
"""What the sandbox is told before each wave: answers lost after their effect, effects after the client gave up, and
connections, answers and reads that break."""
