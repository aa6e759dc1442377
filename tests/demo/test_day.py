"""The day as it is written: complete, valid, synthetic, and today at any hour."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jknbridge.fhir.check import unknown_and_invalid
from jknbridge.fhir.order import sortable_instant
from jknbridge.fhir.records import Record, SourceRules, TopicRules, decode
from jknbridge.settings import ZONES
from jknbridge_adapters.pcare.translate import READS
from jknbridge_consumers.demo import journeys
from jknbridge_consumers.demo.config import FAULTS, TOMBSTONES, late_mappings, mappings
from jknbridge_consumers.demo.forms import FORMS, Parcel
from jknbridge_consumers.demo.people import CLINICS
from jknbridge_consumers.demo.visit import DRUGS, Wave
from jknbridge_consumers.demo.waves import waves
from jknbridge_consumers.topics import FHIR_TOPICS

JUST_AFTER_MIDNIGHT = datetime(2026, 11, 19, 17, 0, 30, tzinfo=UTC).timestamp()  # 00:00:30 in Jakarta
JUST_BEFORE_MIDNIGHT = datetime(2026, 11, 19, 14, 59, 58, tzinfo=UTC).timestamp()  # 23:59:58 in Jayapura


def everything(book: journeys.Book) -> list[dict[str, Any]]:
    told = [version.resource for story in book.stories for version in story.versions]
    return [version.resource for version in book.master()] + told


def test_the_day_is_large_enough_and_happens_at_two_clinics(book: journeys.Book) -> None:
    assert len(book.stories) >= 50
    assert {story.visit.clinic.zone for story in book.stories} == {"WIB", "WIT"}
    assert len({story.visit.id for story in book.stories}) == len(book.stories)
    assert {story.form for story in book.stories} == set(FORMS)


def test_six_journeys_and_more_cannot_be_submitted_each_for_another_reason(book: journeys.Book) -> None:
    reasons = {(waits.kind, waits.reason) for story in book.stories for waits in story.expect.waits}
    assert len(reasons) >= 12


def test_contacts_of_every_built_kind_are_expected(book: journeys.Book) -> None:
    kinds = {story.expect.contact[0] for story in book.stories if story.expect.contact}
    assert kinds >= {"SAKIT_RAJAL", "SAKIT_RUMAH", "SAKIT_JARAK", "SEHAT_IMUNISASI", "SEHAT_KIA", "SEHAT_RUMAH"}
    assert {story.expect.contact[1] for story in book.stories if story.expect.contact} == {"recorded", "retracted"}


def test_every_resource_is_valid_r4b(book: journeys.Book) -> None:
    wrong = {f"{r['resourceType']}/{r['id']}": unknown_and_invalid(r) for r in everything(book)}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_bundle_is_valid_r4b(book: journeys.Book) -> None:
    seen = set()
    for story in book.stories:
        if story.form in seen or story.form.startswith(("bare", "cloudevent")):
            continue
        seen.add(story.form)
        parcel = _wrapped(story.form, [version.resource for version in story.versions if version.wave == Wave.FINISHED])
        assert unknown_and_invalid(json.loads(parcel[0].record.value or b"")) == []
    assert len(seen) == 5


def _wrapped(form: str, resources: list[dict[str, Any]]) -> list[Parcel]:
    from jknbridge_consumers.demo.forms import wrap

    return wrap(form, resources, FHIR_TOPICS)


def test_people_and_places_are_synthetic(parcels: list[Parcel], book: journeys.Book) -> None:
    for parcel in parcels:
        text = (parcel.record.value or b"").decode()
        for number in re.findall(r"(?<![\d.])\d{13}(?!\d)", text):
            assert number.startswith("0009999")
        for number in re.findall(r"(?<!\d)\d{16}(?!\d)", text):
            assert number.startswith("9999")
    assert all(clinic.code.startswith("9999") for clinic in CLINICS)
    assert len({person.card for person in book.people.people}) == len(book.people.people)


@pytest.mark.parametrize("now", [JUST_AFTER_MIDNIGHT, JUST_BEFORE_MIDNIGHT])
def test_visits_are_today_and_past_at_any_hour(now: float) -> None:
    for story in journeys.day(now).stories:
        zone: ZoneInfo = ZONES[story.visit.clinic.zone]
        today = datetime.fromtimestamp(now, zone).date()
        for version in story.versions:
            period = version.resource.get("period")
            if version.resource["resourceType"] == "Encounter" and period:
                start = datetime.fromisoformat(period["start"])
                end = datetime.fromisoformat(period.get("end", period["start"]))
                assert start.astimezone(zone).date() == end.astimezone(zone).date() == today
                assert start <= end <= datetime.fromtimestamp(now, UTC)


def test_later_waves_have_later_versions(book: journeys.Book) -> None:
    for story in book.stories:
        versions: dict[str, list[tuple[Wave, str]]] = {}
        for version in story.versions:
            moment = sortable_instant(version.resource["meta"]["lastUpdated"])
            assert moment is not None
            versions.setdefault(version.name, []).append((version.wave, moment))
        for name, found in versions.items():
            for (earlier, before), (later, after) in pairwise(found):
                assert earlier < later, name
                assert before < after, name


def test_each_parcel_decodes_to_what_it_is_counted_as(parcels: list[Parcel]) -> None:
    topics = {topic: TopicRules(key_is_resource=topic == TOMBSTONES) for topic in FHIR_TOPICS}
    rules = SourceRules("emr", READS | {"Encounter", "Patient", "Organization"}, topics=topics)
    for number, parcel in enumerate(parcels):
        one = parcel.record
        decoded = decode(Record(one.topic, 0, number, one.key, one.value, one.headers, 1_700_000_000_000), rules)
        entries = len(decoded.entries) + len(decoded.ignored) + len(decoded.dead_entries)
        assert (entries, len(decoded.dead_entries)) == (parcel.entries, parcel.dead_entries)
        assert (decoded.dead_record is not None) == (parcel.entries == 0)


def test_records_are_duplicated_shuffled_and_the_same_in_every_run(book: journeys.Book) -> None:
    first, second = waves(book, FHIR_TOPICS), waves(book, FHIR_TOPICS)
    assert first == second
    values = [parcel.record.value for wave in first.values() for parcel in wave if parcel.record.value]
    assert len(values) - len(set(values)) >= 30


def test_what_is_unmapped_is_unmapped_on_purpose() -> None:
    lines = {(line.list, line.local) for line in (*mappings(), *late_mappings())}
    assert [name for name, drug in DRUGS.items() if ("pcare.obat", f"kfa|{drug.kfa}") not in lines] == ["jamu"]
    assert not any("akupunktur" in local for _, local in lines)


def test_every_wave_has_trouble() -> None:
    assert set(FAULTS) == set(Wave)
    assert {fault["kind"] for faults in FAULTS.values() for fault in faults} >= {"lost_after", "late_effect", "reset"}
