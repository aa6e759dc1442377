"""Hands at the target: what staff deleted is gone and stays gone, what they typed is noted and left alone."""

from __future__ import annotations

from typing import Any

from jknbridge.compact import loads


async def visit(clinic: Any) -> None:
    clinic.publish(clinic.patient(), clinic.encounter(), clinic.row_of("o1"), clinic.row_of("o2", "B"))
    await clinic.work()
    clinic.clock.advance(60)


async def test_a_day_that_stands_as_we_left_it_changes_nothing(clinic: Any) -> None:
    await visit(clinic)
    before = clinic.rows()
    (report,) = await clinic.reconcile()
    assert report.outcome == "read"
    assert report.counts() == {"same": 4, "gone": 0, "changed": 0, "foreign": 0, "undecided": 0}
    assert clinic.rows() == before
    assert clinic.noted() == [("same", None)]


async def test_what_staff_deleted_is_absent_parked_retracted_and_never_added_again(clinic: Any) -> None:
    await visit(clinic)
    assert clinic.contacts() == [("recorded", 1)]
    for kind in ("baris", "layanan", "daftar"):
        clinic.hand(kind)
    (report,) = await clinic.reconcile()
    assert report.counts()["gone"] == 4
    assert set(clinic.states().values()) == {("absent", "parked")}
    assert {row["hold"] for row in clinic.rows()} == {"gone"}
    assert clinic.contacts() == [("recorded", 1), ("retracted", 2)]
    effects = clinic.effects()
    clinic.publish(clinic.encounter(hasil="lain", meta={"lastUpdated": "2026-01-05T03:00:00Z"}))
    await clinic.work()
    clinic.clock.advance(90000)
    await clinic.work()
    assert clinic.effects() == effects
    assert clinic.far.rows == {}
    assert set(clinic.states().values()) == {("absent", "parked")}


async def test_rows_of_a_deleted_visit_are_gone_with_it(clinic: Any) -> None:
    await visit(clinic)
    clinic.hand("baris")
    clinic.hand("layanan")
    await clinic.reconcile()
    assert clinic.row("daftar")["held"] == "present"
    assert loads(clinic.row("layanan")["reason"])["code"] == "rekonsiliasi.hilang"
    assert loads(clinic.row("baris", "o1")["reason"])["code"] == "rekonsiliasi.hilang_induk"


async def test_the_second_reading_of_the_same_gap_says_nothing_more(clinic: Any) -> None:
    await visit(clinic)
    clinic.hand("baris")
    await clinic.reconcile()
    noted = clinic.noted()
    (report,) = await clinic.reconcile()
    assert report.counts()["gone"] == 0
    assert clinic.noted() == [*noted, ("same", None)]


async def test_another_visit_on_the_same_natural_key_does_not_add_what_staff_deleted(clinic: Any) -> None:
    clinic.publish(clinic.patient(), clinic.encounter(status="arrived"))
    await clinic.work()
    clinic.publish(clinic.encounter("enc-2", status="arrived"))
    await clinic.work()
    clinic.clock.advance(60)
    clinic.hand("daftar")
    await clinic.reconcile()
    await clinic.work()
    assert clinic.effects() == ["daftar.add"]
    assert clinic.states()["daftar enc-2"] == ("absent", "waiting")


async def test_what_nobody_wants_any_more_is_withdrawn_and_not_parked(make_clinic: Any) -> None:
    clinic = make_clinic()
    await visit(clinic)
    clinic.far.down = True  # the withdrawal cannot be sent
    clinic.publish(clinic.encounter(status="cancelled", meta={"lastUpdated": "2026-01-05T03:00:00Z"}))
    await clinic.work()
    clinic.far.down = False
    clinic.clock.advance(60)
    for kind in ("baris", "layanan", "daftar"):
        clinic.hand(kind)
    await clinic.reconcile()
    assert set(clinic.states().values()) == {("absent", "withdrawn")}
    assert clinic.contacts() == [("recorded", 1), ("retracted", 2)]


async def test_what_staff_typed_is_foreign_noted_once_and_left(clinic: Any) -> None:
    await visit(clinic)
    typed = {"kartu": "0009999000012", "hari": "2026-01-05", "poli": "002"}
    clinic.far.rows["99990001", "daftar", "T9"] = typed
    (report,) = await clinic.reconcile()
    assert [(n.outcome, n.kind, n.values) for n in report.noted] == [("foreign", "daftar", {"no": "T9"})]
    await clinic.reconcile()
    await clinic.work()
    assert clinic.noted() == [("foreign", "daftar"), ("same", None), ("same", None)]
    assert clinic.far.rows["99990001", "daftar", "T9"] == typed
    assert clinic.effects() == ["daftar.add", "layanan.add", "baris.add", "baris.add"]


async def test_what_was_adopted_is_ours_and_not_foreign(clinic: Any) -> None:
    clinic.far.rows["99990001", "daftar", "T1"] = {"kartu": "0009999000011", "hari": "2026-01-05", "poli": "001"}
    await visit(clinic)
    assert clinic.row("daftar")["how"] == "adopted"
    (report,) = await clinic.reconcile()
    assert report.counts() == {"same": 4, "gone": 0, "changed": 0, "foreign": 0, "undecided": 0}


async def test_typed_again_under_another_number_is_changed_and_left(clinic: Any) -> None:
    await visit(clinic)
    name = next(name for name in clinic.far.rows if name[1] == "daftar")
    clinic.far.rows["99990001", "daftar", "T7"] = clinic.far.rows.pop(name)
    (report,) = await clinic.reconcile()
    (noted,) = report.noted
    assert (noted.outcome, noted.reason.en) == (
        "changed", "At the target it differs from what was accepted (no): left alone, look in BPJS's page",
    )  # fmt: skip
    assert clinic.row("daftar")["held"] == "present"
    assert clinic.contacts() == [("recorded", 1)]


async def test_another_poli_under_our_number_is_changed_by_that_field(clinic: Any) -> None:
    await visit(clinic)
    name = next(name for name in clinic.far.rows if name[1] == "daftar")
    clinic.far.rows[name] |= {"poli": "009"}
    (report,) = await clinic.reconcile()
    assert [(n.outcome, n.reason.en.count("(poli)")) for n in report.noted] == [("changed", 1)]


async def test_typed_again_after_it_was_gone_is_told_and_a_person_may_adopt_it(clinic: Any) -> None:
    clinic.publish(clinic.patient(), clinic.encounter(status="arrived"))
    await clinic.work()
    clinic.clock.advance(60)
    clinic.hand("daftar")
    await clinic.reconcile()
    clinic.far.rows["99990001", "daftar", "T8"] = {"kartu": "0009999000011", "hari": "2026-01-05", "poli": "001"}
    (report,) = await clinic.reconcile()
    (noted,) = report.noted
    assert (noted.outcome, noted.reason.code) == ("foreign", "rekonsiliasi.kembali")
    assert noted.submission == clinic.row("daftar")["id"]
    await clinic.work()
    assert clinic.effects() == ["daftar.add"]
