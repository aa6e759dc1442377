"""The verdict on the day: what must be there against what is there (DESIGN §9: exit 1 if the ground truth disagrees).

Pure: stories, the sandbox's truth, the contacts read back and the ledger's sums in; findings out. Four kinds:

=============  =======================================================================================================
lost           PCare, the contact topic or the waiting list lacks something, shows an older content, or a sum does not
               add up
double         PCare or the contact topic has something more often than it should, or has what should not be there
order_breaks   see ``order.py``
blind_repeats  an add sent again after a doubtful answer without *absent* in between, or a delete without *still there*
               (the sandbox's judge)
=============  =======================================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jknbridge_consumers.demo import order
from jknbridge_consumers.demo.contacts import ReadBack
from jknbridge_consumers.demo.expect import Story
from jknbridge_consumers.demo.forms import Parcel
from jknbridge_consumers.demo.ledger_view import Book as LedgerBook
from jknbridge_consumers.demo.sandbox import Row, Truth

K = TypeVar("K", bound=Hashable)
ENTRIES = ("newest", "superseded", "duplicate", "ignored", "dead_lettered")


@dataclass(slots=True)
class Findings:
    """One line each, without a patient's number: the journey's id or a request's."""

    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    order_breaks: list[str] = field(default_factory=list)
    blind_repeats: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.double or self.order_breaks or self.blind_repeats)

    def all(self) -> list[tuple[str, str]]:
        named = {
            "hilang / lost": self.lost, "ganda / double": self.double,
            "urutan / order": self.order_breaks, "ulang buta / blind repeat": self.blind_repeats,
        }  # fmt: skip
        return [(name, line) for name, lines in named.items() for line in lines]

    def differ(self, wanted: Counter[K], found: Counter[K], name: Callable[[K], str]) -> None:
        """Everything that is wanted more often than found is lost; the other way round it is double."""
        for key in wanted.keys() | found.keys():
            missing = wanted[key] - found[key]
            if missing > 0:
                self.lost += [name(key)] * missing
            elif missing < 0:
                self.double += [name(key)] * -missing


def compare(
    stories: Sequence[Story],
    published: Sequence[Parcel],
    truth: Truth,
    back: ReadBack,
    ledger: LedgerBook,
    pseudonym: Callable[[str], str],
) -> Findings:
    found = Findings()
    held = Held(truth.state)
    _at_pcare(found, stories, held)
    _contacts(found, stories, back, held, pseudonym)
    _waiting(found, stories, ledger)
    _sums(found, published, back, ledger)
    found.double += [f"{row['operation']} twice at {row['facility']} (effect {row['second']})" for row in truth.double]
    found.blind_repeats += [f"{row['operation']} at {row['facility']} (request {row['second']})" for row in truth.blind]
    found.order_breaks += order.breaks(truth)
    return found


Key = tuple[str, str, str, str]
"""facility, noKartu, tglDaftar, kdPoli: PCare's natural key."""
_NOWHERE: Key = ("", "", "", "")


class Held:
    """What the sandbox holds, by natural key."""

    def __init__(self, state: Mapping[str, Sequence[Row]]) -> None:
        self.registrations = Counter(_key(row) for row in state["pendaftaran"])
        self.visits = Counter(_key(row) for row in state["kunjungan"])
        self.visit = {_key(row): row for row in state["kunjungan"]}
        self.numbers = {(row["facility"], str(row["noUrut"])): _key(row) for row in state["pendaftaran"]}
        visits = {row["noKunjungan"]: _key(row) for row in state["kunjungan"]}
        self.drugs = Counter(
            (visits.get(row["noKunjungan"], _NOWHERE), _drug(row), float(row["jmlObat"])) for row in state["obat"]
        )


def _key(row: Row) -> Key:
    return row["facility"], row["noKartu"], row["tglDaftar"], row["kdPoli"]


def _drug(row: Row) -> str:
    return str(row["kdObat"] if row["obatDPHO"] else row["nmObatNonDPHO"])


def _story_key(story: Story) -> Key:
    visit = story.visit
    return visit.clinic.code, visit.person.card, visit.day.tanggal, story.poli or ""


def _at_pcare(found: Findings, stories: Sequence[Story], held: Held) -> None:
    names = {_story_key(story): story.visit.id for story in stories}

    def called(what: str) -> Callable[[Any], str]:
        return lambda key: f"{what} of {names.get(key, 'a visit nobody expects')}"

    wanted = Counter(_story_key(story) for story in stories if story.expect.registered)
    found.differ(wanted, held.registrations, called("pendaftaran"))
    served = [story for story in stories if story.expect.visit is not None]
    found.differ(Counter(map(_story_key, served)), held.visits, called("kunjungan"))
    lines = Counter((_story_key(story), *line) for story in served for line in story.expect.drugs)
    found.differ(lines, held.drugs, lambda line: called(f"obat {line[1]}")(line[0]))
    for story in served:
        row = held.visit.get(_story_key(story), {})
        for name, value in (story.expect.visit or {}).items():
            if row and row.get(name) != value:
                found.lost.append(f"{name} of {story.visit.id}: PCare still shows another value")


def _contacts(
    found: Findings, stories: Sequence[Story], back: ReadBack, held: Held, pseudonym: Callable[[str], str]
) -> None:
    wanted: Counter[tuple[str, str, str, str]] = Counter()
    names: dict[str, str] = {}
    for story in stories:
        participant = pseudonym(story.visit.person.card)
        names[participant] = story.visit.id
        if story.expect.contact is not None:
            wanted[(story.visit.clinic.code, participant, *story.expect.contact)] += 1
    seen = Counter((one.facility, one.participant, str(one.kind), str(one.state)) for one in back.contacts)
    found.differ(wanted, seen, lambda key: f"contact {key[2]} {key[3]} of {names.get(key[1], 'nobody')}")
    for one in back.contacts:
        place = held.numbers.get((one.facility, str(one.pcare.noUrut)))
        if one.state == "recorded" and (place is None or names.get(pseudonym(place[1])) is None):
            found.double.append(f"contact {one.kind}: PCare holds no registration {one.pcare.noUrut} at {one.facility}")


def _waiting(found: Findings, stories: Iterable[Story], ledger: LedgerBook) -> None:
    for story in stories:
        visit = story.visit
        for waits in story.expect.waits:
            resource = waits.resource or f"Encounter/{visit.id}"
            if (visit.clinic.code, waits.kind, resource, waits.reason) not in ledger.waits:
                found.lost.append(f"{visit.id} ({story.title}): {waits.kind} does not wait with {waits.reason}")


def _sums(found: Findings, published: Sequence[Parcel], back: ReadBack, ledger: LedgerBook) -> None:
    """Nothing disappears (DESIGN §2.7)."""
    sums = ledger.sums
    dead_records = sum(1 for one in published if one.entries == 0)
    dead_entries = sum(one.dead_entries for one in published)
    for name, wanted, got in (
        ("records in", len(published), sums.get("records.in", 0)),
        ("records dead-lettered", dead_records, sums.get("records.dead_lettered", 0)),
        ("records decoded", len(published) - dead_records, sums.get("records.decoded", 0)),
        ("entries", sum(one.entries for one in published), sum(sums.get(f"entries.{kind}", 0) for kind in ENTRIES)),
        ("entries dead-lettered", dead_entries, sums.get("entries.dead_lettered", 0)),
        ("dead letters on their topics", dead_records + dead_entries, back.dead_letters),
        ("rows of the outbox refused", 0, ledger.failed_rows),
    ):
        if wanted != got:
            found.lost.append(f"{name}: {got} instead of {wanted}")
