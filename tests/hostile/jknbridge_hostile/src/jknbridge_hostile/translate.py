"""What the hostile adapter says about a journey: one misdeed for each row of :data:`SAYS`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from jknbridge.contacts import ContactDraft
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import TargetSettings
from jknbridge.targets import Known, Question
from jknbridge.verdicts import Need, Ref, Unwanted, Waiting, Wanted

register_all(
    {
        "jahat.tunggu": ("Menunggu", "Waits", "integrator"),
        "jahat.hilang": ("Jawaban hilang", "The answer was lost", "integrator"),
        "jahat.batal": ("Dibatalkan", "Cancelled", "integrator"),
    }
)
DAY = date(2026, 1, 5)


class HostileSettings(TargetSettings):
    """Nothing of its own."""


def translate(journey: Any, facts: Any) -> Any:
    content = journey.anchor.content or {}
    name = journey.anchor.id
    if name == "say-question":
        facts.get(Question("x" * 100, (1,), "hari"))  # type: ignore[arg-type]
    if name.startswith("ask-") and not isinstance(facts.get(Question("orang", (name,), DAY)), Known):
        return [Waiting("benda", journey.anchor.key, (Need(Reason.of("jahat.tunggu")),))]
    return SAYS.get(name, _wanted)(journey, content)


def _wanted(journey: Any, content: Any) -> Any:
    return [_one(journey)]


def _one(journey: Any, kind: str = "benda", **more: Any) -> Wanted:
    """A sound verdict; the client's misdeeds begin with it. Lines (``baris``) hang on no parent."""
    name = journey.anchor.id
    payload = more.pop("payload", {"salah": name, "nama": _person(journey)})
    if name.startswith("snap-"):
        kind = "baris"
    return Wanted(more.pop("kind", kind), more.pop("key", journey.anchor.key), payload, more.pop("day", DAY), **more)


def _person(journey: Any) -> str:
    return str(journey.resources["Patient"][0].content["name"][0]["text"])


def _raise(error: BaseException) -> Callable[[Any, Any], Any]:
    def misdeed(journey: Any, content: Any) -> Any:
        error.args = (_person(journey),)  # quotes the patient
        raise error

    return misdeed


def _mutate(journey: Any, content: Any) -> Any:
    """Rewrites whatever it was given, as if the visit had been cancelled and the patient were nobody."""
    for found in journey.resources.values():
        for resource in found:
            resource.content["status"] = "cancelled"
            resource.content.pop("identifier", None)
            resource.content.get("location", []).clear()
    content["status"] = "entered-in-error"
    journey.resources.clear()
    journey.links.clear()
    return []


def _contact(journey: Any, content: Any) -> Any:
    draft = ContactDraft("ANEH", "bulan", "langsung", DAY, "0", True, "finished", None, None)
    return [_one(journey, contact=draft)]


def _deep(journey: Any, content: Any) -> Any:
    inner: Any = []
    for _ in range(5000):
        inner = [inner]
    return [_one(journey, payload={"dalam": inner})]


SAYS: Mapping[str, Callable[[Any, Any], Any]] = {
    "say-raise": _raise(RuntimeError()),
    "say-exit": _raise(SystemExit()),
    "say-cancel": _raise(asyncio.CancelledError()),
    "say-none": lambda journey, content: None,
    "say-words": lambda journey, content: ["wanted"],
    "say-class": lambda journey, content: [Wanted],
    "say-generator": lambda journey, content: (one for one in (1, 2)),
    "say-foreign-kind": lambda journey, content: [_one(journey, kind="pendaftaran")],
    "say-foreign-source": lambda journey, content: [_one(journey, key="lain/Encounter/1")],
    "say-no-key": lambda journey, content: [_one(journey, key="x")],
    "say-no-kind": lambda journey, content: [_one(journey, kind=None)],
    "say-object": lambda journey, content: [_one(journey, payload={"isi": object()})],
    "say-dollar": lambda journey, content: [_one(journey, payload={"isi": {"$ref": [1]}})],
    "say-bad-ref": lambda journey, content: [_one(journey, payload={"isi": Ref(None, 1, {})})],  # type: ignore[arg-type]
    "say-nan": lambda journey, content: [_one(journey, payload={"isi": float("nan")})],
    "say-deep": _deep,
    "say-huge": lambda journey, content: [_one(journey, payload={"isi": "x" * 50_000_000})],
    "say-many": lambda journey, content: [_one(journey, key=f"{journey.anchor.key}-{n}") for n in range(30_000)],
    "say-no-day": lambda journey, content: [_one(journey, day="2026-01-05")],
    "say-naive": lambda journey, content: [_one(journey, deadline=datetime(2026, 1, 5))],  # noqa: DTZ001
    "say-settle": lambda journey, content: [_one(journey, settle={})],
    "say-contact": _contact,
    "say-no-reason": lambda journey, content: [Unwanted("benda", journey.anchor.key, "cancelled", None)],  # type: ignore[arg-type]
    "say-question": lambda journey, content: [],  # what it asks is the misdeed: see translate()
    "say-mutate": _mutate,
}
