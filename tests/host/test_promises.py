"""Each promise of DESIGN §2 on a target in memory, and the bug that breaks it: put back once, the same scenario is red.

A row of :data:`PROMISES` is a number of DESIGN §2 (or §1), what is promised, a scenario, and the bug.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from jknbridge import difference, planner
from jknbridge.compact import dumps, loads
from jknbridge.courier import doubts, outcomes, take
from jknbridge.courier.loop import Courier
from jknbridge.courier.outcomes import Case
from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import engine, intake, work
from jknbridge.ledger import schema as s
from jknbridge.ledger.engine import Ledger
from jknbridge.ledger.vault import Vault
from jknbridge.ledger.work import Sheet
from jknbridge.planner import Planner
from jknbridge.targets import Absent, Accepted, CannotTell, Duplicate
from jknbridge.testing.memory import MemoryClient
from jknbridge.testing.stage import CARDS, FACILITY, TOPIC, Stage, encounter, observation, patient

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Promise:
    number: str
    says: str
    holds: Callable[[Stage, Patch], Awaitable[None]]
    bug: Callable[[Patch], None]


# --- 1, 2: inbox first, intent first ---------------------------------------------------------------------------------


async def offsets_are_stored_with_the_resources(stage: Stage, _: Patch) -> None:
    records = stage.publish(patient(), encounter())
    before = stage.sums()
    stage.reopen()
    stage.deliver(records)
    assert stage.sums() == before


async def the_intent_is_durable_before_the_request_leaves(stage: Stage, patch: Patch) -> None:
    file = stage.config["ledger"]["url"].removeprefix("sqlite:///")
    send, durable = MemoryClient.send, []

    async def look(client: MemoryClient, call: Any) -> Any:
        other = sqlite3.connect(file)
        durable.append(other.execute("select state from request where id = ?", (call.request,)).fetchone())
        other.close()
        return await send(client, call)

    patch.setattr(MemoryClient, "send", look)
    stage.publish(patient(), encounter())
    await stage.play(61)
    assert durable == [("sending",), ("sending",)]


def results_before_the_commit(patch: Patch) -> None:
    def early(self: Ledger, jobs: list[Any]) -> None:
        with engine._writing(self._engine) as connection:
            for job in jobs:
                job.done.set_result(job.run(connection))
            time.sleep(0.05)
        self._committed()

    patch.setattr(Ledger, "_commit", early)


async def a_stop_does_not_part_an_intent_from_its_request(stage: Stage, patch: Patch) -> None:
    taking = take.take

    def stop(*args: Any) -> Any:
        taken = taking(*args)
        if taken.intents:
            stage.host.announce(stage.host._stop)
            time.sleep(0.05)
        return taken

    patch.setattr(take, "take", stop)
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play()
    assert stage.row("daftar")["work"] == "none"


def a_stop_at_any_time(patch: Patch) -> None:
    class Open:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *_: object) -> None: ...

    made = Courier.__init__

    def init(self: Courier, host: Host) -> None:
        made(self, host)
        self._turn = Open()  # type: ignore[assignment]

    patch.setattr(Courier, "__init__", init)


# --- 3: ask before repeating -----------------------------------------------------------------------------------------


async def a_lost_answer_is_looked_up(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["lost"])
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play(2, 5)
    assert stage.far.requests["daftar.add"] == 1
    assert stage.row("daftar")["how"] == "found"


def unknown_is_taken_for_failed(patch: Patch) -> None:
    doubt = Case.in_doubt

    def retry(case: Case, reason: Any, probe_at: float, *, duplicate: bool = False) -> None:
        if duplicate:
            doubt(case, reason, probe_at, duplicate=True)
        else:
            case.again(case.desk.now, reason, "later")

    patch.setattr(Case, "in_doubt", retry)


async def a_crash_between_intent_and_receipt_is_a_doubt(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["later"])
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play()
    stage.clock.advance(5)
    taken = await stage.host.ledger.write(stage.host.courier._take)
    stage.far.apply(taken.intents[0].call)  # it arrived; then the process is gone
    stage.reopen()
    await stage.play(2, 5)
    assert stage.far.requests["daftar.add"] == 1
    assert stage.row("daftar")["how"] == "found"


def recovery_sends_again(patch: Patch) -> None:
    def forget(connection: Any, now: float) -> int:
        connection.execute(update(s.request).where(s.request.c.state == "sending").values(state="closed"))
        cut = update(s.submission).where(s.submission.c.work == "sending")
        return int(connection.execute(cut.values(work="retry", due_at=now)).rowcount)

    patch.setattr(doubts, "recover", forget)


async def absent_is_believed_only_after_visibility(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["late"])
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play(2, 8)
    stage.far.land()
    await stage.play(31)
    assert stage.far.requests["daftar.add"] == 1
    assert stage.row("daftar")["held"] == "present"


async def a_late_effect_is_waited_for_where_nothing_refuses_a_second(stage: Stage, _: Patch) -> None:
    stage.far.faults["baris.add"] = deque(["late"])
    stage.publish(patient(), encounter(), observation())
    await stage.play(61, 2, 60)
    stage.far.land()
    await stage.play(900)
    assert stage.far.requests["baris.add"] == 1
    assert [kind for _, kind, _ in stage.far.rows].count("baris") == 1


def without_waiting(name: str) -> Callable[[Patch], None]:
    """The bug: one of the waits is taken for nothing."""

    def bug(patch: Patch) -> None:
        found_out = doubts.found_out
        patch.setattr(doubts, "found_out", lambda *a: found_out(*a[:-1], a[-1].model_copy(update={name: 0.0})))

    return bug


async def cannot_tell_is_not_absent(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["lost"])
    stage.far.unreadable = True
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play(2, 60, 900)
    assert stage.far.requests["daftar.add"] == 1
    stage.far.unreadable = False
    await stage.play(60)
    assert stage.row("daftar")["held"] == "present"


def an_outage_is_taken_for_absence(patch: Patch) -> None:
    found_out = doubts.found_out

    def believe(connection: Any, desk: Any, request: str, finding: Any, *rest: Any) -> bool:
        return found_out(connection, desk, request, Absent(True) if isinstance(finding, CannotTell) else finding, *rest)

    patch.setattr(doubts, "found_out", believe)


async def a_doubt_is_decided_before_anything_else_starts(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["lost"])
    stage.far.unreadable = True
    stage.publish(patient(), encounter(status="arrived"))
    await stage.play(2)
    stage.publish(encounter(status="cancelled", version=2))
    await stage.play(5)
    stage.far.unreadable = False
    await stage.play(60, 60)
    assert not stage.far.rows
    assert stage.row("daftar")["work"] == "withdrawn"


def a_doubt_is_brushed_aside(patch: Patch) -> None:
    resettle = Sheet._resettle

    def careless(self: Sheet, row: Any) -> None:
        if row["work"] == "in_doubt" and row["desire"] == "unwanted":
            row["work"], row["held"] = "waiting", "absent"
            self.connection.execute(update(s.request).values(state="closed"))
        resettle(self, row)

    patch.setattr(Sheet, "_resettle", careless)


# --- 4: same desired state, no second effect -------------------------------------------------------------------------


async def equal_content_sends_nothing(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(), observation())
    await stage.play(61)
    before = +stage.far.requests
    stage.publish(patient(version=2), encounter(version=2), observation(version=2))
    await stage.play(61)
    assert stage.far.requests == before


def fingerprints_differ_every_time(patch: Patch) -> None:
    fingerprint, numbers = Vault.fingerprint, itertools.count()
    patch.setattr(Vault, "fingerprint", lambda self, value: f"{fingerprint(self, value)[:40]}{next(numbers)}")
    patch.setattr(difference, "changed_fields", lambda desired, accepted: ["isi"])


async def one_record_owns_a_natural_key(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(status="arrived"), encounter("enc-2", status="arrived"))
    await stage.play()
    assert stage.far.requests["daftar.add"] == 1
    assert sorted(state for name, state in stage.states().items() if "daftar" in name) == [
        ("absent", "waiting"), ("present", "none"),
    ]  # fmt: skip


async def one_request_at_a_time_under_one_parent(stage: Stage, _: Patch) -> None:
    stage.far.faults["baris.add"] = deque(["late"])
    stage.publish(patient(), encounter(), observation("o1"), observation("o2"))
    await stage.play(61, 2)
    assert stage.far.requests["baris.add"] == 1


async def rows_from_before_are_not_taken_for_ours(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter())
    await stage.play(61)
    parent = next(number for _, kind, number in stage.far.rows if kind == "layanan")
    stage.far.rows[FACILITY, "baris", "TANGAN"] = {"layanan": parent, "isi": "A"}
    stage.far.faults["baris.add"] = deque(["dropped"])
    stage.publish(observation("o1", "A"))
    await stage.play(61, 2, 901, 5)
    assert stage.row("baris", "o1")["how"] == "made"
    assert [kind for _, kind, _ in stage.far.rows].count("baris") == 2


def the_snapshot_is_forgotten(patch: Patch) -> None:
    taken = Courier._take_with
    patch.setattr(Courier, "_take_with", lambda self, connection, prepared, rows: taken(self, connection, prepared, []))


async def a_surplus_row_is_noticed(stage: Stage, _: Patch) -> None:
    stage.far.faults["baris.add"] = deque(["late"])
    stage.publish(patient(), encounter(), observation())
    await stage.play(61, 2, 901)
    stage.far.land()
    await stage.play(901)
    assert stage.states()["baris o1"] == ("present", "parked")


async def staffs_own_registration_is_adopted(stage: Stage, _: Patch) -> None:
    stage.far.rows[FACILITY, "daftar", "T1"] = {"kartu": CARDS[0], "hari": "2026-01-05", "poli": "001"}
    stage.publish(patient(), encounter())
    await stage.play(61)
    assert stage.row("daftar")["how"] == "adopted"
    assert [row["daftar"] for (_, kind, _), row in stage.far.rows.items() if kind == "layanan"] == ["T1"]


def a_duplicate_is_taken_for_accepted(patch: Patch) -> None:
    settle = outcomes.settle

    def careless(connection: Any, desk: Any, request: str, outcome: Any, waktu: Any) -> bool:
        accepted = Accepted({"no": "?"}) if isinstance(outcome, Duplicate) else outcome
        return settle(connection, desk, request, accepted, waktu)

    patch.setattr(outcomes, "settle", careless)


async def what_we_did_not_make_is_not_withdrawn(stage: Stage, patch: Patch) -> None:
    await staffs_own_registration_is_adopted(stage, patch)
    stage.publish(encounter(status="cancelled", version=2))
    await stage.play(1)
    assert stage.far.requests["daftar.delete"] == 0
    assert stage.row("daftar")["proposal_id"] is not None


def standing_with(**changes: Any) -> Callable[[Patch], None]:
    """The bug: the difference is taken with something about the row left out of account."""

    def bug(patch: Patch) -> None:
        step = difference.step
        patch.setattr(work, "step", lambda standing, kind: step(replace(standing, **changes), kind))

    return bug


async def a_closed_month_is_not_rewritten(stage: Stage, _: Patch) -> None:
    november = {"start": "2025-11-03T01:00:00+00:00"}
    stage.publish(patient(), encounter(period=november, hasil="a"))
    await stage.play(61)
    stage.publish(encounter(period=november, hasil="b", version=2))
    await stage.play(61)
    assert stage.far.requests["layanan.edit"] == 0
    assert stage.row("layanan")["proposal_id"] is not None


async def the_brake_holds_many_withdrawals(stage: Stage, _: Patch) -> None:
    visits = [(f"enc-{n}", f"p{n}", f"00099990001{n:02d}") for n in range(8)]
    stage.far.people |= {card: {"sini": True} for _, _, card in visits}
    for status, version in (("arrived", 1), ("cancelled", 2)):
        for id_, person, card in visits:
            subject = {"reference": f"Patient/{person}"}
            stage.publish(patient(card, person), encounter(id_, status, version, subject=subject))
        await stage.play(1)
    assert stage.far.requests["daftar.add"] == 8
    assert stage.far.requests["daftar.delete"] == 5
    assert [row["hold"] for row in stage.rows() if row["kind"] == "daftar"].count("brake") == 3


async def silence_withdraws_nothing(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(), observation())
    await stage.play(61)
    before = +stage.far.requests
    stage.plugin.adapter.silent = True
    stage.publish(encounter(version=2, hasil="x"))
    await stage.play(61)
    assert stage.far.requests == before
    assert {row["desire"] for row in stage.rows()} == {"silent"}


def silence_is_taken_for_unwanted(patch: Patch) -> None:
    patch.setattr(planner, "_unmentioned", lambda row, turn, said: row.update(desire="unwanted", evidence="deleted"))


# --- 5: order inside a journey, none between -------------------------------------------------------------------------


async def a_visit_waits_for_its_registration(stage: Stage, _: Patch) -> None:
    stage.far.faults["daftar.add"] = deque(["later"] * 20)
    stage.publish(patient(), encounter())
    await stage.play(61, 10)
    assert stage.far.requests["layanan.add"] == 0


async def withdrawals_go_the_other_way(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(), observation())
    await stage.play(61)
    stage.publish(encounter(status="cancelled", version=2))
    await stage.play(1)
    assert [operation for _, operation, _ in stage.far.effects[3:]] == [
        "baris.delete",
        "layanan.delete",
        "daftar.delete",
    ]


async def one_poisoned_journey_stops_no_other(stage: Stage, _: Patch) -> None:
    translate = stage.plugin.adapter.translate

    def poisoned(journey: Any, *rest: Any) -> Any:
        if journey.anchor.id == "enc-2":
            raise RuntimeError("a defect of the adapter")
        return translate(journey, *rest)

    stage.plugin.adapter.translate = poisoned  # type: ignore[method-assign]
    stage.publish(patient(), encounter("enc-2"), encounter("enc-1", "arrived"))
    await stage.play()
    assert stage.states() == {"daftar enc-1": ("present", "none"), "layanan enc-1": ("absent", "waiting")}


def an_adapter_that_raises_ends_the_turn(patch: Patch) -> None:
    ask = Planner._ask

    def fragile(self: Planner, *args: Any) -> Any:
        said = ask(self, *args)
        assert said.failure is None, "the turn ends here"
        return said

    patch.setattr(Planner, "_ask", fragile)


async def a_visit_is_sent_when_its_journey_is_quiet(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(hasil="a"))
    await stage.play(10)
    stage.publish(encounter(hasil="b", version=2))
    await stage.play(61)
    assert (stage.far.requests["layanan.add"], stage.far.requests["layanan.edit"]) == (1, 0)


def planned_without(name: str) -> Callable[[Patch], None]:
    """The bug: something that a verdict says is not kept."""

    def bug(patch: Patch) -> None:
        wanted = planner._wanted

        def hasty(sheet: Any, row: Any, *rest: Any) -> None:
            wanted(sheet, row, *rest)
            row[name] = None

        patch.setattr(planner, "_wanted", hasty)

    return bug


# --- 6 to 9: contacts, sums, nothing invented, nothing in the open ---------------------------------------------------


async def a_contact_is_told_after_the_acknowledgement(stage: Stage, _: Patch) -> None:
    stage.far.faults["layanan.add"] = deque(["dropped"])
    stage.far.unreadable = True
    stage.publish(patient(), encounter())
    await stage.play(61, 2)
    assert stage.contacts() == []
    stage.far.unreadable = False
    await stage.play(31, 31)
    assert [contact["state"] for contact in stage.contacts()] == ["recorded"]


def a_doubtful_contact_is_told(patch: Patch) -> None:
    tell = work.tell_contact

    def eager(sheet: Any, row: Any, before: Any) -> None:
        believed = {**row, "held": "present", "accepted_box": row["desired_box"]}
        tell(sheet, believed if row["held"] == "unknown" else row, before)

    patch.setattr(work, "tell_contact", eager)


async def a_withdrawn_contact_is_retracted(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter())
    await stage.play(61)
    stage.publish(encounter(status="cancelled", version=2))
    await stage.play(1)
    assert [(c["state"], c["revision"]) for c in stage.contacts()] == [("recorded", 1), ("retracted", 2)]
    assert len({contact["id"] for contact in stage.contacts()}) == 1


def only_recordings_are_told(patch: Patch) -> None:
    tell = work.tell_contact
    patch.setattr(work, "tell_contact", lambda *a: tell(*a) if a[1]["held"] == "present" else None)


async def what_cannot_be_decoded_is_kept(stage: Stage, _: Patch) -> None:
    stage.deliver([Record(TOPIC, 0, 0, None, b"{not json", (), 0)])
    sums = stage.sums()
    assert sums["records.in"] == sums.get("records.decoded", 0) + sums["records.dead_lettered"] == 1
    out = stage.host.ledger.read_now(lambda c: c.execute(s.outbox.select()).all())
    assert [(row.topic, stage.host.ledger.vault.open_bytes(row.value_box, None)) for row in out] == [
        (f"{TOPIC}-dlt", b"{not json")
    ]


async def a_missing_code_is_not_made_up(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter(location=[{"location": {"reference": "Location/baru"}}]))
    await stage.play(61)
    assert stage.far.requests["daftar.add"] == 0
    asked = stage.host.ledger.read_now(lambda c: c.execute(s.mapping_work.select()).all())
    assert [row.local for row in asked] == ["Location/baru"]


async def a_participant_cannot_be_guessed(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter())
    await stage.play(61)
    guesses = {hashlib.new(name, CARDS[0].encode()).hexdigest()[:32] for name in ("md5", "sha1", "sha256")}
    assert len(stage.contacts()) == 1
    assert CARDS[0] not in json.dumps(stage.contacts())
    assert stage.contacts()[0]["participant"] not in guesses


def the_pseudonym_has_no_key(patch: Patch) -> None:
    patch.setattr(Host, "pseudonym", lambda self, card: hashlib.sha256(card.encode()).hexdigest()[:32])


async def the_ledgers_file_shows_no_card(stage: Stage, _: Patch) -> None:
    stage.publish(patient(), encounter())
    await stage.play(61)
    file = stage.config["ledger"]["url"].removeprefix("sqlite:///")
    written = await asyncio.to_thread(lambda: Path(file).read_bytes() + Path(f"{file}-wal").read_bytes())
    assert written.startswith(b"SQLite format 3")
    assert CARDS[0].encode() not in written


def boxes_stand_open(patch: Patch) -> None:
    patch.setattr(Vault, "seal", lambda self, value, wrapped: dumps(value))
    patch.setattr(Vault, "open", lambda self, box, wrapped: loads(box))


def nothing(where: Any, name: str, answer: Any = None) -> Callable[[Patch], None]:
    """The bug: a function that does nothing."""
    return lambda patch: patch.setattr(where, name, lambda *_, **__: answer)


PROMISES = (
    Promise("1", "offsets with resources", offsets_are_stored_with_the_resources, nothing(intake, "_advance")),
    Promise("2", "intent before send", the_intent_is_durable_before_the_request_leaves, results_before_the_commit),
    Promise("2", "a stop sends what it intended", a_stop_does_not_part_an_intent_from_its_request, a_stop_at_any_time),
    Promise("3", "unknown is not failed", a_lost_answer_is_looked_up, unknown_is_taken_for_failed),
    Promise("3", "a crash is a doubt", a_crash_between_intent_and_receipt_is_a_doubt, recovery_sends_again),
    Promise("3", "visibility", absent_is_believed_only_after_visibility, without_waiting("visibility")),
    Promise(
        "3", "late effect", a_late_effect_is_waited_for_where_nothing_refuses_a_second, without_waiting("late_effect")
    ),
    Promise("3", "cannot tell", cannot_tell_is_not_absent, an_outage_is_taken_for_absence),
    Promise("3", "doubt first", a_doubt_is_decided_before_anything_else_starts, a_doubt_is_brushed_aside),
    Promise("4", "equal content", equal_content_sends_nothing, fingerprints_differ_every_time),
    Promise("4", "claims", one_record_owns_a_natural_key, nothing(take, "_claim")),
    Promise("4", "lanes", one_request_at_a_time_under_one_parent, planned_without("lane")),
    Promise("4", "snapshot", rows_from_before_are_not_taken_for_ours, the_snapshot_is_forgotten),
    Promise("4", "surplus", a_surplus_row_is_noticed, nothing(outcomes, "look_for_surplus")),
    Promise("4", "duplicate", staffs_own_registration_is_adopted, a_duplicate_is_taken_for_accepted),
    Promise("§1", "adopted", what_we_did_not_make_is_not_withdrawn, standing_with(how="made")),
    Promise("§1", "window", a_closed_month_is_not_rewritten, standing_with(in_window=True)),
    Promise("§1", "brake", the_brake_holds_many_withdrawals, nothing(take, "_brake")),
    Promise("§1", "silence", silence_withdraws_nothing, silence_is_taken_for_unwanted),
    Promise("5", "dependencies", a_visit_waits_for_its_registration, nothing(take, "_value", "?")),
    Promise("5", "reverse order", withdrawals_go_the_other_way, nothing(Sheet, "dependants", [])),
    Promise("5", "poison", one_poisoned_journey_stops_no_other, an_adapter_that_raises_ends_the_turn),
    Promise("5", "settle", a_visit_is_sent_when_its_journey_is_quiet, planned_without("settle_at")),
    Promise("6", "acknowledged", a_contact_is_told_after_the_acknowledgement, a_doubtful_contact_is_told),
    Promise("6", "retracted", a_withdrawn_contact_is_retracted, only_recordings_are_told),
    Promise("7", "dead letters", what_cannot_be_decoded_is_kept, nothing(intake, "_bury")),
    Promise("8", "nothing invented", a_missing_code_is_not_made_up, nothing(take, "_code", "000")),
    Promise("9", "pseudonym", a_participant_cannot_be_guessed, the_pseudonym_has_no_key),
    Promise("9", "encrypted", the_ledgers_file_shows_no_card, boxes_stand_open),
)
NAMES = [f"{promise.number} {promise.says}" for promise in PROMISES]


@pytest.mark.parametrize("promise", PROMISES, ids=NAMES)
async def test_it_holds(promise: Promise, jkn_stage: Callable[..., Stage], monkeypatch: Patch) -> None:
    await promise.holds(jkn_stage(), monkeypatch)


@pytest.mark.parametrize("promise", PROMISES, ids=NAMES)
async def test_with_the_bug_it_is_red(promise: Promise, jkn_stage: Callable[..., Stage], monkeypatch: Patch) -> None:
    promise.bug(monkeypatch)
    with pytest.raises(AssertionError):
        await promise.holds(jkn_stage(), monkeypatch)
