"""The end of the demo on paper: a table for people (Bahasa Indonesia, English beside it), one object for machines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from jknbridge_consumers.demo.compare import ENTRIES
from jknbridge_consumers.demo.config import BRAKE, TARGET, WAKTU
from jknbridge_consumers.demo.people import CLINICS
from jknbridge_consumers.demo.runner import Outcome

WIDTH = 100
_KINDS = ("pendaftaran", "kunjungan", "obat")
_WORKS = {
    "waiting": "menunggu / waiting", "parked": "diparkir / parked", "expired": "kedaluwarsa / expired",
    "not_applicable": "bukan urusan PCare / not applicable", "galat": "galat / failure",
}  # fmt: skip
_OUTCOMES = {
    "found": "ditemukan, buatan kami / found, ours", "adopted": "ditemukan, diketik petugas / found, typed by hand",
    "repeated": "tidak ada, dikirim ulang / absent, sent again", "gone": "sudah terhapus / gone",
    "absent": "tidak ada / absent", "ambiguous": "beberapa baris / several rows",
    "cannot_tell": "tidak dapat dipastikan / cannot tell",
}  # fmt: skip


def opening() -> str:
    """What is said before the day begins: which times were shortened."""
    times = ", ".join(f"{name} {_seconds(value)}" for name, value in WAKTU.items())
    return "\n".join([
        "jknbridge demo: sehari di dua klinik rekaan / one day at two invented clinics",
        *textwrap.wrap(f"waktu dipendekkan / times shortened: {times}; rem / brake {BRAKE}", WIDTH - 2,
                       initial_indent="  ", subsequent_indent="  "),
    ])  # fmt: skip


def _seconds(value: Any) -> str:
    if isinstance(value, dict):
        return "/".join(sorted({_seconds(one) for one in value.values()}))
    return f"{value:g} s"


# --- for people -------------------------------------------------------------------------------------------------------


def as_text(outcome: Outcome) -> str:
    return "\n".join(line for part in _parts(outcome) for line in ("", *part)).lstrip("\n")


def _parts(outcome: Outcome) -> Iterator[list[str]]:
    yield _intake(outcome)
    yield _pcare(outcome)
    yield _contacts(outcome)
    yield _rates(outcome)
    yield _waits(outcome)
    yield _doubts(outcome)
    yield _verdict(outcome)


def _heading(text: str) -> str:
    return f"{text} ".ljust(WIDTH, "-")


def _row(name: str, *cells: object) -> str:
    return (f"  {name:<52}" + "".join(f"{cell!s:>15}" for cell in cells)).rstrip()


def _intake(outcome: Outcome) -> list[str]:
    document = as_json(outcome)
    records, entries = document["records"], document["entries"]
    names = {
        "newest": "terbaru / newest", "superseded": "sudah usang / superseded", "duplicate": "duplikat / duplicate",
        "ignored": "tipe lain / ignored", "dead_lettered": "rusak / dead-lettered",
    }  # fmt: skip
    return [
        _heading("MASUK / IN"),
        _row("pesan Kafka / records", records["in"]),
        _row("  terbaca / decoded", records["decoded"]),
        _row("  tidak terbaca, ke topik -dlt / dead-lettered", records["dead_lettered"]),
        _row("entri FHIR / entries", sum(entries.values())),
        *(_row(f"  {names[name]}", number) for name, number in entries.items()),
        _row("perjalanan pasien / journeys", document["journeys"]),
    ]


def _pcare(outcome: Outcome) -> list[str]:
    state = outcome.truth.state
    visits = {row["noKunjungan"]: row["facility"] for row in state["kunjungan"]}
    facilities = {
        "pendaftaran": [row["facility"] for row in state["pendaftaran"]],
        "kunjungan": list(visits.values()),
        "obat": [visits[row["noKunjungan"]] for row in state["obat"]],
    }
    lines = [_heading("ISI PCARE MENURUT SANDBOX / WHAT PCARE HOLDS"), _row("", *_KINDS)]
    for clinic in CLINICS:
        name = f"{clinic.code} {clinic.name} ({clinic.zone})"
        lines.append(_row(name, *(facilities[kind].count(clinic.code) for kind in _KINDS)))
    return lines


def _contacts(outcome: Outcome) -> list[str]:
    contacts = outcome.back.contacts
    recorded = Counter(str(one.kind) for one in contacts if one.state == "recorded")
    retracted = Counter(str(one.kind) for one in contacts if one.state == "retracted")
    lines = [_heading("KONTAK (jkn.kbk.kontak.v1) / CONTACTS"), _row("", "tercatat", "ditarik")]
    kinds = sorted(recorded.keys() | retracted.keys())
    lines += [_row(kind, recorded[kind], retracted[kind] or "") for kind in kinds]
    return [*lines, _row("jumlah / total (recorded, retracted)", recorded.total(), retracted.total())]


def _rates(outcome: Outcome) -> list[str]:
    lines = [_heading("ANGKA KONTAK / CONTACT RATE"), _row("", "peserta", "terdaftar", "per seribu")]
    for rate in outcome.rates:
        clinic = rate.clinic
        found = (len(rate.participants), clinic.registered, f"{rate.per_thousand:.1f}")
        lines.append(_row(f"{clinic.code} {clinic.name}", *found))
    excluded = sum((rate.excluded for rate in outcome.rates), Counter[str]())
    if excluded:
        left_out = ", ".join(f"{name} {number}" for name, number in sorted(excluded.items()))
        lines.append(f"  kontak yang tidak dihitung / contacts not counted: {left_out}")
    return lines


def _waits(outcome: Outcome) -> list[str]:
    lines = [_heading("MENUNGGU ATAU DIPARKIR, DAN SEBABNYA / WAITING OR PARKED, AND WHY")]
    reasons = outcome.ledger.reasons
    for work, title in _WORKS.items():
        found = sorted((item for item in reasons.items() if item[0][0] == work), key=lambda item: (-item[1], item[0]))
        if found:
            lines.append(f"  {title}")
        for (_, reason), number in found:
            lines += textwrap.wrap(reason, WIDTH, initial_indent=f"  {number:>4}  ", subsequent_indent=" " * 8)
    return lines


def _doubts(outcome: Outcome) -> list[str]:
    """What was asked after answers were lost, and how it ended."""
    lost = Counter(row["fault"] for row in outcome.truth.requests if row["fault"])
    caused = ", ".join(f"{name} {number}" for name, number in sorted(lost.items()))
    lines = [_heading("GANGGUAN DAN PROBE / TROUBLE AND PROBES")]
    lines += textwrap.wrap(
        f"dibuat sandbox / caused: {caused or '-'}", WIDTH, initial_indent="  ", subsequent_indent="    "
    )
    lines.append(_row("probe / probes", outcome.probes))
    return lines + [
        _row(f"  {_OUTCOMES.get(name, name)}", number) for name, number in sorted(outcome.ledger.findings.items())
    ]


def _verdict(outcome: Outcome) -> list[str]:
    found = outcome.findings
    lines = [
        _heading("DIBANDINGKAN DENGAN SANDBOX / AGAINST THE GROUND TRUTH"),
        _row("hilang / lost", len(found.lost)),
        _row("ganda / double", len(found.double)),
        _row("urutan salah / order breaks", len(found.order_breaks)),
        _row("pengulangan buta / blind repeats", len(found.blind_repeats)),
        _row("detik / seconds", f"{outcome.seconds:.1f}"),
    ]
    for kind, line in found.all():
        lines += textwrap.wrap(f"{kind}: {line}", WIDTH, initial_indent="  ! ", subsequent_indent="    ")
    lines.append("  " + ("SESUAI / AGREES" if found.clean else "TIDAK SESUAI / DISAGREES"))
    return lines


# --- for machines -----------------------------------------------------------------------------------------------------


def as_json(outcome: Outcome) -> dict[str, Any]:
    sums, found = outcome.ledger.sums, outcome.findings
    contacts = outcome.back.contacts
    return {
        "records": {name: sums.get(f"records.{name}", 0) for name in ("in", "decoded", "dead_lettered")},
        "entries": {name: sums.get(f"entries.{name}", 0) for name in ENTRIES},
        "submissions": outcome.ledger.submissions,
        "effects": _counted(f"{row['target'] or TARGET}.{row['operation']}" for row in outcome.truth.effects),
        "contacts": {
            "recorded": sum(one.state == "recorded" for one in contacts),
            "retracted": sum(one.state == "retracted" for one in contacts),
            "by_kind": _counted(str(one.kind) for one in contacts if one.state == "recorded"),
        },
        "journeys": outcome.ledger.journeys,
        "probes": outcome.probes,
        "lost": len(found.lost),
        "double": len(found.double),
        "order_breaks": len(found.order_breaks),
        "blind_repeats": len(found.blind_repeats),
        "seconds": round(outcome.seconds, 1),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
