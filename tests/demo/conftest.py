"""The demo's day, and a clinic where all of it went as it should: what tests then bend."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

import jknbridge_adapters.pcare
import jknbridge_consumers
from jknbridge.cli.common import App
from jknbridge.contacts import Kontak
from jknbridge_consumers.demo import journeys
from jknbridge_consumers.demo.compare import Findings, compare
from jknbridge_consumers.demo.contacts import ReadBack
from jknbridge_consumers.demo.expect import Story
from jknbridge_consumers.demo.forms import Parcel
from jknbridge_consumers.demo.ledger_view import Book as LedgerBook
from jknbridge_consumers.demo.sandbox import Truth
from jknbridge_consumers.demo.waves import waves
from jknbridge_consumers.topics import FHIR_TOPICS

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC).timestamp()
"""Noon in Jakarta, two o'clock in Jayapura."""


def app(**more: Any) -> App:
    """The command line with the built-in plugins handed in: no installed package needed."""
    return App(extra=[jknbridge_adapters.pcare, jknbridge_consumers], entry_points=False, **more)


@pytest.fixture
def make_app() -> Iterator[Any]:
    """And afterwards no log handler that writes to this test's captured stderr."""
    yield app
    root = logging.getLogger()
    for handler in [one for one in root.handlers if getattr(one, "_jknbridge", False)]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def book() -> journeys.Book:
    return journeys.day(NOON)


@pytest.fixture(scope="session")
def parcels(book: journeys.Book) -> list[Parcel]:
    return [parcel for wave in waves(book, FHIR_TOPICS).values() for parcel in wave]


def pseudonym(card: str) -> str:
    return hashlib.sha256(card.encode()).hexdigest()[:32]


@dataclass
class Clinic:
    """Everything as it should be at the end of the day: rows, effects, contacts and sums that a test may bend."""

    stories: list[Story]
    parcels: list[Parcel]
    state: dict[str, list[dict[str, Any]]]
    effects: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    contacts: list[Kontak]
    ledger: LedgerBook
    double: list[dict[str, Any]]
    blind: list[dict[str, Any]]

    def findings(self) -> Findings:
        truth = Truth(self.effects, self.requests, self.double, self.blind, self.state)
        dead = sum(1 for one in self.parcels if one.entries == 0) + sum(one.dead_entries for one in self.parcels)
        back = ReadBack(self.contacts, len(self.contacts), dead)
        return compare(self.stories, self.parcels, truth, back, self.ledger, pseudonym)

    def story(self, words: str) -> Story:
        return next(story for story in self.stories if words in story.title)

    def contact_of(self, story: Story) -> Kontak:
        return next(one for one in self.contacts if one.participant == pseudonym(story.visit.person.card))


@pytest.fixture
def clinic(book: journeys.Book, parcels: list[Parcel]) -> Clinic:
    made = Clinic(
        book.stories, parcels, {"pendaftaran": [], "kunjungan": [], "obat": []}, [], [], [], _sums(parcels), [], []
    )
    for number, story in enumerate(book.stories, start=1):
        _hold(made, story, number)
        _contact(made, story, number)
        for waits in story.expect.waits:
            resource = waits.resource or f"Encounter/{story.visit.id}"
            made.ledger.waits[story.visit.clinic.code, waits.kind, resource, waits.reason] = "-"
    return made


def _hold(made: Clinic, story: Story, number: int) -> None:
    visit, expect = story.visit, story.expect
    key = {
        "facility": visit.clinic.code, "noKartu": visit.person.card, "tglDaftar": visit.day.tanggal,
        "kdPoli": story.poli,
    }  # fmt: skip
    if expect.registered:
        made.state["pendaftaran"].append({**key, "noUrut": f"A{number}"})
    if expect.visit is None:
        return
    made.state["kunjungan"].append({**key, **expect.visit, "noKunjungan": f"K{number}"})
    for name, amount in expect.drugs:
        covered = name.isdigit()
        made.state["obat"].append({
            "noKunjungan": f"K{number}", "obatDPHO": covered, "kdObat": name if covered else None,
            "nmObatNonDPHO": "-" if covered else name, "jmlObat": amount,
        })  # fmt: skip


def _contact(made: Clinic, story: Story, number: int) -> None:
    if story.expect.contact is None:
        return
    kind, state = story.expect.contact
    held = state == "recorded"
    made.contacts.append(
        Kontak.model_validate({
            "id": f"{number:032x}", "revision": 1, "state": state, "kind": kind, "sick": kind.startswith("SAKIT"),
            "place": "gedung", "mode": "langsung", "service_date": "2026-11-20", "month": "2026-11",
            "facility": story.visit.clinic.code, "participant": pseudonym(story.visit.person.card),
            "registered_here": True, "active": True, "encounter_status": "finished",
            "pcare": {"noUrut": f"A{number}" if held else None, "noKunjungan": None, "how": "made"},
        })
    )  # fmt: skip


def _sums(parcels: list[Parcel]) -> LedgerBook:
    dead = sum(1 for one in parcels if one.entries == 0)
    dead_entries = sum(one.dead_entries for one in parcels)
    sums = Counter({
        "records.in": len(parcels), "records.decoded": len(parcels) - dead, "records.dead_lettered": dead,
        "entries.newest": sum(one.entries for one in parcels) - dead_entries, "entries.dead_lettered": dead_entries,
    })  # fmt: skip
    return LedgerBook(sums, [], 0)


@pytest.fixture
def bend() -> Any:
    """``bend(contact, state="retracted")``: a copy with other values."""

    def change(one: Any, **changes: Any) -> Any:
        return one.model_copy(update=changes) if isinstance(one, Kontak) else replace(one, **changes)

    return change
