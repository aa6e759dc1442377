"""Mappings: setting one releases what waited, revises only on request, and a file comes back as it went."""

from __future__ import annotations

from typing import Any

import pytest

from jknbridge import mappings, proposals
from jknbridge.errors import NeedsPerson
from jknbridge.mappings import Line

BARU = [{"location": {"reference": "Location/baru"}}]


def put(office: Any, *lines: Line, revise: bool = False) -> mappings.Applied:
    applied: mappings.Applied = office.decide(mappings.put, lines, revise=revise)
    return applied


def work(office: Any) -> list[tuple[str, str, int]]:
    rows = office.host.ledger.read_now(mappings.work_list)
    return [(row["facility"], row["local"], row["waiting"]) for row in rows]


async def _unmapped(office: Any) -> None:
    office.publish(office.patient(), office.encounter(status="arrived", location=BARU))
    there = {"reference": "Organization/99990002"}
    office.publish(office.encounter("enc-2", status="arrived", location=BARU, serviceProvider=there))
    await office.settle(0)
    assert office.state("daftar")[:2] == office.state("daftar", "enc-2")[:2] == ("absent", "parked")


async def test_a_mapping_releases_what_waited_in_its_facility_only(office: Any) -> None:
    await _unmapped(office)
    assert work(office) == [("99990001", "Location/baru", 1), ("99990002", "Location/baru", 1)]
    applied = put(office, Line("99990001", "memori.poli", "Location/baru", "003"))
    assert (applied.written, [one.key for one in applied.released]) == (1, ["emr/Encounter/enc-1"])
    await office.settle(0)
    assert office.state("daftar")[:2] == ("present", "none")
    assert office.state("daftar", "enc-2")[:2] == ("absent", "parked")
    assert work(office) == [("99990002", "Location/baru", 1)]


async def test_a_mapping_for_all_releases_every_facility_and_a_facilitys_own_goes_before_it(office: Any) -> None:
    await _unmapped(office)
    put(office, Line("99990002", "memori.poli", "Location/baru", "004"))
    put(office, Line("*", "memori.poli", "Location/baru", "003"))
    await office.settle(0)
    assert {key[0]: row["poli"] for key, row in office.far.rows.items()} == {"99990001": "003", "99990002": "004"}
    assert work(office) == []


async def test_what_nobody_waits_for_is_said(office: Any) -> None:
    slip = Line("*", "memori.polii", "Location/baru", "003")
    assert put(office, slip).unasked == [slip]
    assert put(office, slip).unchanged == 1


async def test_accepted_things_are_revised_only_on_request(office: Any) -> None:
    office.publish(office.patient(), office.encounter())
    await office.settle(0, 61)
    effects = office.effects()
    assert put(office, Line("*", "memori.poli", "Location/umum", "009")).revised == []
    await office.settle(0, 61)
    assert office.effects() == effects
    applied = put(office, Line("*", "memori.poli", "Location/umum", "009"), revise=True)
    assert sorted(one.kind for one in applied.revised) == ["daftar", "layanan"]
    await office.settle(0, 61)
    # the registration has a visit upon it, so the chain is one proposal
    (proposal,) = [p for p in office.proposals() if p["state"] == "open"]
    assert (proposal["action"], office.effects()) == ("replace", effects)
    office.decide(proposals.accept, office.host.instances, proposal["id"])
    await office.settle(0, 61)
    assert office.effects() == [*effects, "layanan.delete", "daftar.delete", "daftar.add", "layanan.add"]
    assert {row["poli"] for row in office.far.rows.values()} == {"009"}
    assert put(office, Line("*", "memori.poli", "Location/umum", "009"), revise=True).revised == []


async def test_removing_a_mapping_touches_nothing_accepted(office: Any) -> None:
    office.publish(office.patient(), office.encounter())
    await office.settle(0, 61)
    effects = office.effects()
    assert office.decide(mappings.remove, "*", "memori.poli", "Location/umum")
    assert not office.decide(mappings.remove, "*", "memori.poli", "Location/umum")
    office.publish(office.encounter(version=2))
    await office.settle(0, 61)
    assert office.effects() == effects
    assert [entry["action"] for entry in office.audit()] == ["mapping remove"]


def test_a_file_comes_back_as_it_went() -> None:
    lines = [
        Line("99990001", "pcare.poli", "Location/gigi, lt. 2", "002", 'Poli "Gigi"'),
        Line("*", "pcare.obat", "kfa|93000001", "", None),
    ]
    assert mappings.from_csv(mappings.to_csv(lines)) == lines
    semicolons = "\ufefffaskes;daftar;lokal;kode\r\n*;pcare.poli;Location/a;001\r\n;;;\r\n"
    assert mappings.from_csv(semicolons) == [Line("*", "pcare.poli", "Location/a", "001")]


@pytest.mark.parametrize(
    ("text", "why"), [("a,b\n1,2\n", "faskes, daftar"), ("faskes,daftar,lokal,kode\n*,,x,1\n", "baris 2")]
)
def test_a_file_that_cannot_be_used_names_the_place(text: str, why: str) -> None:
    with pytest.raises(NeedsPerson, match=why):
        mappings.from_csv(text)
