"""SIGKILL at every ledger write, send, receive, commit and produce of a journey: each effect once, one contact each.

The scenario runs once to count its steps, then once per step with a child that dies there and a clean start over the
same ledger (DESIGN §2.1-§2.3, §2.6).
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from signal import SIGKILL
from typing import Any

import pytest

from jknbridge.testing.crash import Step, deaths

CONTACTS, RESULTS = "jkn.kbk.kontak.v1", "jkn.hasil.v1"
ADDS = ("pendaftaran.add", "kunjungan.add", "obat.add")
DELETES = ("obat.delete", "kunjungan.delete", "pendaftaran.delete")
EFFECTS = {ADDS[0]: 2, ADDS[1]: 2, ADDS[2]: 3, DELETES[0]: 1, DELETES[1]: 1, DELETES[2]: 1}
HELD = {
    ("pendaftaran", "Encounter/e1"): ("present", "none"), ("kunjungan", "Encounter/e1"): ("present", "none"),
    ("obat", "MedicationRequest/e1-m1"): ("present", "none"), ("obat", "MedicationRequest/e1-m2"): ("present", "none"),
    ("pendaftaran", "Encounter/e2"): ("absent", "withdrawn"), ("kunjungan", "Encounter/e2"): ("absent", "withdrawn"),
    ("obat", "MedicationRequest/e2-m1"): ("absent", "withdrawn"),
}  # fmt: skip
EVERYWHERE = {
    "migrate.before", "ledger.before", "ledger.after", "receive.after", "commit.before", "commit.after", "read.before",
    "read.after", "send.before", "send.after", "produce.before", "produce.after",
}  # fmt: skip

Said = dict[str, list[dict[str, Any]]]
"""Ledger id → what its bridge published on a topic, partition by partition in order."""


@pytest.mark.timeout(600)
def test_a_crash_at_any_step_leaves_each_effect_and_each_contact_once(ward: Any, clean: Any, topic: Any) -> None:
    began = time.monotonic()
    assert set(clean.report.steps) >= EVERYWHERE
    kills = deaths(clean.report.steps)
    runs = [clean, *ward.all(kills, [None] * len(kills))]
    contacts, results = by_ledger(topic.read(CONTACTS)), by_ledger(topic.read(RESULTS))

    wrong = {str(run.kill): found for run in runs if (found := [*faults(run, contacts, results)])}
    reached = sum(run.codes[0] == -SIGKILL for run in runs)
    probes = sum(run.report.counters.get("probes", 0) for run in runs if run.report)
    covered = Counter(step.name for step in kills)
    print(f"\n{len(clean.report.steps)} steps, {len(kills)} deaths, {reached} reached, {probes} probes", end=", ")
    print(f"{time.monotonic() - began:.0f} s: {dict(covered)}")
    assert not wrong, "\n".join(f"{step}: {'; '.join(found)}" for step, found in wrong.items())
    assert reached >= 0.9 * len(kills)  # a run may need a write less than the one that was counted


def test_with_a_bug_put_back_a_crash_shows(ward: Any, clean: Any, topic: Any) -> None:
    steps = clean.report.steps
    stored = steps[: steps.index("receive.after")].count("ledger.before") + 2  # the second write after the first batch
    chosen = [
        *((Step("send.after", n), "recovery_sends_again") for n in (1, 6, 7)),
        (Step("ledger.before", stored), "offsets_before_resources"),
        (Step("produce.before", 2), "published_before_sent"),
    ]
    runs = ward.all(*zip(*chosen, strict=True))
    contacts, results = by_ledger(topic.read(CONTACTS)), by_ledger(topic.read(RESULTS))
    seen: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        seen[run.bug] += faults(run, contacts, results)
    for bug, found in seen.items():
        print(f"\n{bug}: {'; '.join(found)[:200]}")
        assert found, f"{bug} goes unseen"


def by_ledger(records: Iterable[tuple[str, dict[str, Any]]]) -> Said:
    said: Said = defaultdict(list)
    for source, value in records:
        said[source.removeprefix("urn:jknbridge:")].append(value)
    return said


def faults(run: Any, contacts: Said, results: Said) -> Iterable[str]:
    """What is wrong with a run, in words."""
    if run.codes not in ([0], [-SIGKILL, 0]):
        yield f"children ended with {run.codes}: {run.said}"
        return
    counts = Counter(row.effect.operation for row in run.effects)
    if counts != EFFECTS:
        yield f"effects {dict(counts)}"
    if run.verdict.double or run.verdict.blind_repeats:
        yield f"the judge says {run.verdict.render()}"
    yield from doubles(run.effects)
    yield from disorder(run.effects)
    held = {(kind, key.removeprefix("emr/")): (held, work) for kind, key, held, work, _ in run.report.rows}
    if held != HELD:
        yield f"the ledger holds {held}"
    yield from wrong_contacts(contacts[run.report.ledger])
    yield from wrong_results(results[run.report.ledger])


def doubles(effects: Sequence[Any]) -> Iterable[str]:
    """The same thing added, or taken back, twice. A drug line is the visit's and the drug's."""
    named = Counter(
        (e.operation, e.key, str(e.payload.get("kdObat")) if e.payload else "") for e in (r.effect for r in effects)
    )
    yield from (f"{n} times {name}" for name, n in named.items() if n > 1)


def disorder(effects: Sequence[Any]) -> Iterable[str]:
    """Registration, visit, drugs; and back the other way."""
    for chain, card in ((ADDS, "0009999000001"), (ADDS, "0009999000002"), (DELETES, "0009999000002")):
        visits = {r.effect.receipt.get("noKunjungan") for r in effects if r.effect.key.startswith(card)} - {None}
        own = [r.effect.operation for r in effects if r.effect.key.startswith(card) or r.effect.key in visits]
        own = [operation for operation in own if operation in chain]
        if own != sorted(own, key=chain.index):
            yield f"out of order: {own}"


def wrong_contacts(events: Sequence[dict[str, Any]]) -> Iterable[str]:
    contents: dict[tuple[str, int], set[str]] = defaultdict(set)
    for event in events:
        contents[event["id"], event["revision"]].add(json.dumps(event, sort_keys=True))
    yield from (f"two contents of contact {name}" for name, said in contents.items() if len(said) > 1)
    newest = {id_: max(revision for i, revision in contents if i == id_) for id_, _ in contents}
    states = sorted(e["state"] + str(e["revision"]) for e in events if newest[e["id"]] == e["revision"])
    if sorted(set(states)) != ["recorded1", "retracted2"] or len(newest) != 2:
        yield f"contacts end as {states}"


def wrong_results(events: Sequence[dict[str, Any]]) -> Iterable[str]:
    """The newest result of each submission, as the EMR would keep it, is what the ledger holds."""
    last = {(event["kind"], event["resource"]): (event["held"], event["work"]) for event in events}
    if last != HELD:
        yield f"the EMR was last told {last}"
