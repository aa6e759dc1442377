"""The demo's verdict: clean where all is as it should be, and red for each single thing that is not."""

from __future__ import annotations

from typing import Any

from jknbridge_consumers.demo.contacts import rates
from jknbridge_consumers.demo.order import breaks
from jknbridge_consumers.demo.people import JAKARTA
from jknbridge_consumers.demo.sandbox import Truth


def counts(clinic: Any) -> tuple[int, int, int, int]:
    found = clinic.findings()
    return len(found.lost), len(found.double), len(found.order_breaks), len(found.blind_repeats)


def test_a_day_as_it_should_be_is_clean(clinic: Any) -> None:
    assert clinic.findings().all() == []
    assert clinic.findings().clean


def test_a_missing_registration_is_lost_and_so_is_its_contact_s_ground(clinic: Any) -> None:
    story = clinic.story("imunisasi")
    clinic.state["pendaftaran"] = [r for r in clinic.state["pendaftaran"] if r["noKartu"] != story.visit.person.card]
    assert counts(clinic) == (1, 1, 0, 0)


def test_a_missing_visit_is_lost_with_its_drugs(clinic: Any) -> None:
    gone = clinic.state["kunjungan"].pop(0)
    lines = [row for row in clinic.state["obat"] if row["noKunjungan"] == gone["noKunjungan"]]
    assert counts(clinic) == (1 + len(lines), len(lines), 0, 0)  # the lines hang on nothing now


def test_a_missing_drug_is_lost(clinic: Any) -> None:
    clinic.state["obat"].pop()
    assert counts(clinic) == (1, 0, 0, 0)


def test_a_second_equal_drug_is_double(clinic: Any) -> None:
    clinic.state["obat"].append(dict(clinic.state["obat"][0]))
    assert counts(clinic) == (0, 1, 0, 0)


def test_a_visit_that_should_have_been_withdrawn_is_double(clinic: Any) -> None:
    story = clinic.story("entered in error")
    row = {**clinic.state["pendaftaran"][0], "noKartu": story.visit.person.card, "noUrut": "Z9"}
    clinic.state["pendaftaran"].append({**row, "facility": story.visit.clinic.code, "kdPoli": story.poli})
    assert counts(clinic) == (0, 1, 0, 0)


def test_a_correction_that_did_not_arrive_is_lost(clinic: Any) -> None:
    story = clinic.story("diagnosis corrected")
    row = next(r for r in clinic.state["kunjungan"] if r["noKartu"] == story.visit.person.card)
    row["kdDiag1"] = story.visit.case.icd10
    assert counts(clinic) == (1, 0, 0, 0)


def test_a_missing_contact_is_lost(clinic: Any) -> None:
    clinic.contacts.pop()
    assert counts(clinic) == (1, 0, 0, 0)


def test_a_contact_under_two_ids_is_double(clinic: Any, bend: Any) -> None:
    clinic.contacts.append(bend(clinic.contacts[0], id="f" * 32))
    assert counts(clinic) == (0, 1, 0, 0)


def test_a_contact_that_was_not_retracted_is_seen(clinic: Any, bend: Any) -> None:
    story = clinic.story("entered in error")
    one = clinic.contact_of(story)
    clinic.contacts[clinic.contacts.index(one)] = bend(one, state="recorded")
    lost, double, _, _ = counts(clinic)
    assert lost == 1  # the retraction
    assert double == 2  # a contact too many, and PCare holds no registration for it


def test_a_journey_that_waits_nowhere_is_lost(clinic: Any) -> None:
    clinic.ledger.waits.popitem()
    assert counts(clinic) == (1, 0, 0, 0)


def test_sums_that_do_not_add_up_are_lost(clinic: Any) -> None:
    clinic.ledger.sums["entries.newest"] -= 1
    assert counts(clinic) == (1, 0, 0, 0)


def test_what_the_sandbox_judged_counts(clinic: Any) -> None:
    finding = {"operation": "pendaftaran.add", "facility": "99990001", "first": 1, "second": 2}
    clinic.double.append(finding)
    clinic.blind.append(finding)
    assert counts(clinic) == (0, 1, 0, 1)


# --- order ------------------------------------------------------------------------------------------------------------

REGISTRATION = "pendaftaran:20-11-2026|0009999100001|001"
VISIT = "kunjungan:0009999100001|20-11-2026|001"


def _log(*rows: tuple[str, str, str]) -> Truth:
    """("ask" | "did", operation, identity) in order."""
    effects, requests = [], []
    for seq, (what, operation, identity) in enumerate(rows, start=1):
        row: dict[str, Any] = {"seq": seq, "facility": "99990001", "operation": operation}
        if what == "ask":
            requests.append({**row, "identity": [identity]})
        else:
            receipt = {"noKunjungan": "K1"} if operation.startswith("kunjungan") else {}
            effects.append({**row, "identity": identity, "key": "K1", "receipt": receipt})
    return Truth(effects, requests, [], [], {})


def _did(operation: str, identity: str) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    return ("ask", operation, identity), ("did", operation, identity)


DAY = (
    *_did("pendaftaran.add", REGISTRATION),
    *_did("kunjungan.add", VISIT),
    *_did("obat.add", "obat:K1|abc"),
    *_did("obat.delete", "obat:K1|#1"),
    *_did("kunjungan.delete", VISIT),
    *_did("pendaftaran.delete", REGISTRATION),
)


def test_there_and_back_in_order_breaks_nothing() -> None:
    assert list(breaks(_log(*DAY))) == []


def test_a_visit_asked_for_before_its_registration_is_a_break_though_refused() -> None:
    found = list(breaks(_log(("ask", "kunjungan.add", VISIT), *DAY)))
    assert len(found) == 1
    assert "before its registration" in found[0]


def test_a_drug_before_its_visit_is_a_break() -> None:
    assert len(list(breaks(_log(*DAY[:2], ("ask", "obat.add", "obat:K1|abc"))))) == 1


def test_withdrawals_in_the_wrong_order_are_breaks() -> None:
    assert len(list(breaks(_log(*DAY[:6], ("ask", "kunjungan.delete", VISIT))))) == 1
    assert len(list(breaks(_log(*DAY[:4], ("ask", "pendaftaran.delete", REGISTRATION))))) == 1


# --- Angka Kontak -----------------------------------------------------------------------------------------------------


def test_a_person_counts_once_and_only_through_the_gates(clinic: Any, bend: Any) -> None:
    one = clinic.contacts[0]
    contacts = [
        one,
        bend(one, id="a" * 32),
        bend(one, id="b" * 32, participant="b" * 32, encounter_status="arrived"),
        bend(one, id="c" * 32, participant="c" * 32, registered_here=False),
        bend(one, id="d" * 32, participant="d" * 32, active=None),
        bend(one, id="e" * 32, participant="e" * 32, state="retracted"),
    ]
    (rate,) = rates(contacts, [JAKARTA])
    assert len(rate.participants) == 1
    assert rate.excluded == {"belum selesai": 1, "tamu": 1, "tidak aktif": 1}
    assert rate.per_thousand == 1000 / JAKARTA.registered
