"""Visits that cannot be submitted (issue: "Bad input"): each waits or is parked with a reason in both languages,
nothing is invented to get it through, and the sums of the report add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jknbridge import mappings
from jknbridge.decisions import Person
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import concept, visit

Resources = list[dict[str, Any]]
BPJS, NIK = "https://fhir.kemkes.go.id/id/bpjs", "https://fhir.kemkes.go.id/id/nik"


def sound(**more: Any) -> Resources:
    return visit("e1", **more)


def without_numbers() -> Resources:
    resources = sound()
    resources[0]["identifier"] = [{"system": "urn:rs:rm", "value": "RM-17"}]
    return resources


def with_payer(payer: str, *, numbers: bool = True) -> Resources:
    resources = sound() if numbers else without_numbers()
    coverage = {
        "resourceType": "Coverage", "id": "cov", "status": "active", "beneficiary": {"reference": "Patient/e1-p"},
        "type": {"text": payer}, "payor": [{"display": payer}],
    }  # fmt: skip
    return [*resources, coverage]


def of_tomorrow() -> Resources:
    return sound(start=datetime.now(UTC) + timedelta(days=2), status="arrived")


def with_doctor(name: str) -> Resources:
    resources = sound()
    resources[1]["participant"][0]["individual"] = {"reference": f"Practitioner/{name}"}
    return resources


def healthy_in_a_sick_poli() -> Resources:
    resources = sound()
    resources[1]["serviceType"] = concept("urn:jknbridge:kbk-jenis-layanan", "imunisasi")
    return resources[:2]


def of_nowhere() -> Resources:
    resources = sound()
    resources[1]["serviceProvider"] = {"reference": "Organization/unknown"}
    return resources


def by_unknown_nik() -> Resources:
    resources = sound()
    resources[0]["identifier"] = [{"system": NIK, "value": "9999000000000999"}]
    return resources


@dataclass(frozen=True)
class Case:
    """``held`` and ``work`` of the row ``kind``, and the code of its reason."""

    resources: Callable[[], Resources]
    kind: str
    work: str
    code: str
    effects: tuple[str, ...] = ()
    writes: int = 0


CASES = {
    "no card and no NIK": Case(without_numbers, "pendaftaran", "waiting", "pcare.tanpa_kartu_dan_nik"),
    "no card and no NIK, payer JKN": Case(
        lambda: with_payer("JKN", numbers=False), "pendaftaran", "parked", "pcare.klaim_tanpa_kartu"
    ),
    "unknown card": Case(lambda: sound(card="0009999888888"), "pendaftaran", "parked", "pcare.peserta_tidak_ditemukan"),
    "unknown NIK": Case(by_unknown_nik, "pendaftaran", "not_applicable", "pcare.bukan_peserta"),
    "inactive member": Case(
        lambda: sound(card="0009999000031"), "pendaftaran", "parked", "pcare.ditolak_tidak_aktif", writes=1
    ),
    "unknown payer": Case(
        lambda: with_payer("PT Asuransi Antah"), "pendaftaran", "parked", "pcare.penjamin_tidak_dikenal"
    ),
    "another payer": Case(lambda: with_payer("umum"), "pendaftaran", "not_applicable", "pcare.penjamin_lain"),
    "unmapped poli": Case(lambda: sound(poli="Location/baru"), "pendaftaran", "parked", "kirim.pemetaan"),
    "unmapped doctor": Case(
        lambda: with_doctor("d9"), "kunjungan", "parked", "kirim.pemetaan", ("pendaftaran.add",), 1
    ),
    "healthy visit in a sick poli": Case(healthy_in_a_sick_poli, "pendaftaran", "parked", "pcare.referensi", writes=1),
}


@pytest.mark.parametrize("name", CASES)
async def test_it_ends_where_a_person_finds_it(rig: Rig, name: str) -> None:
    case = CASES[name]
    rig.bench.map({"pcare.poli": {"kbk-jenis-layanan|imunisasi": "001"}})
    rig.bench.publish(*case.resources(), *visit("e2", card="0009999000002", drugs=0))
    await rig.work()
    row, reason = rig.row(case.kind, "e1"), rig.reason(case.kind, "e1")
    assert (row["held"], row["work"]) == ("absent", case.work)
    assert reason is not None
    assert reason["code"] == case.code
    assert reason["id"] != reason["en"]
    assert reason["who"] in ("IT", "klinik", "integrator", "BPJS")
    others = ["pendaftaran.add", "kunjungan.add"]
    assert sorted(rig.effects()) == sorted([*case.effects, *others])  # the visit beside it is not disturbed
    assert rig.writes() == case.writes + len(others)
    report = rig.report()
    assert report.ok, [check for check in report.checks if not check.ok]
    assert sum(report.journeys["targets"]["pcare"].values()) == report.journeys["total"] == 2
    assert sum(line["count"] for line in report.submissions) == len(rig.bench.rows())


async def test_a_date_in_the_future_waits_for_its_day_and_says_so(rig: Rig) -> None:
    rig.bench.publish(*of_tomorrow())
    await rig.bench.start()
    await rig.until(lambda: any("kirim.belum_waktunya" in (row["reason"] or "") for row in rig.bench.rows()))
    await rig.bench.stop()
    rig.reopen()
    assert rig.row("pendaftaran", "e1")["held"] == "absent"
    reason = rig.reason("pendaftaran", "e1")
    assert reason is not None
    assert (reason["code"], rig.writes()) == ("kirim.belum_waktunya", 0)
    assert rig.report().ok


async def test_a_date_in_the_future_that_is_corrected_goes(rig: Rig) -> None:
    rig.bench.publish(*of_tomorrow())
    await rig.bench.start()
    await rig.until(lambda: any("kirim.belum_waktunya" in (row["reason"] or "") for row in rig.bench.rows()))
    rig.bench.publish(*sound(version=2, status="arrived"))
    await rig.bench.until_closed()
    await rig.bench.stop()
    rig.reopen()
    assert rig.bench.states()["pendaftaran e1"] == ("present", "none")
    assert rig.reason("pendaftaran", "e1") is None


async def test_an_encounter_of_a_facility_nobody_configured_says_so(rig: Rig) -> None:
    rig.bench.publish(*of_nowhere())
    await rig.work()
    state, reason = rig.said("e1", "pcare")
    assert (state, reason and reason["code"]) == ("not_applicable", "gerbang.faskes")
    assert rig.writes() == 0
    assert rig.report().ok


async def test_a_mapping_that_is_added_releases_what_waited_for_it(rig: Rig) -> None:
    rig.bench.publish(*sound(poli="Location/baru"))
    await rig.work()
    assert rig.report().waiting["mapping"] == 1
    assert rig.effects() == []
    host, line = rig.bench.host, mappings.Line("*", "pcare.poli", "Location/baru", "001")
    host.ledger.write_now(lambda c: mappings.put(c, host.desk(), [line], Person("uji", "poli baru dibuka")))
    await rig.work()
    assert rig.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]
    assert rig.report().waiting["mapping"] == 0
    assert rig.report().ok
