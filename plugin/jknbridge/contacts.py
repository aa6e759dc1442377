"""The KBK contact event ``jkn.kbk.kontak.v1``: what an adapter drafts, and what leaves on the topic.

Contacts are a desired set like any other: an event carries the contact's whole state under a deterministic id with a
revision that only grows; readers keep the highest. The participant is a keyed pseudonym, still personal data, and
never a card number (DESIGN §2.6, §2.9; ``contracts/kontak.md`` §1, §3, §4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TOPIC = "jkn.kbk.kontak.v1"
TYPE_RECORDED = "id.jknbridge.kbk.kontak.recorded.v1"
TYPE_RETRACTED = "id.jknbridge.kbk.kontak.retracted.v1"

KINDS = (
    "SAKIT_RAJAL",
    "SAKIT_DARURAT",
    "SAKIT_INAP",
    "SAKIT_RUMAH",
    "SAKIT_JARAK",
    "SEHAT_IMUNISASI",
    "SEHAT_KIA",
    "SEHAT_KB",
    "SEHAT_SKRINING",
    "SEHAT_EDUKASI",
    "SEHAT_KELOMPOK",
    "SEHAT_SENAM",
    "SEHAT_RUMAH",
    "SEHAT_JARAK",
    "SEHAT_LAIN",
)
PLACES = ("gedung", "jaringan", "jejaring", "ukbm", "rumah", "lain")


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """What an adapter knows of a contact before the target has acknowledged it.

    ``card`` (noKartu, 13 digits) never leaves the ledger: the host turns it into the pseudonym. ``registered_here`` and
    ``active`` come from the target's own answer about the participant; ``None`` means it did not say.
    """

    kind: str
    place: str
    mode: Literal["langsung", "tidak_langsung"]
    service_date: date
    card: str
    sick: bool
    encounter_status: str
    registered_here: bool | None
    active: bool | None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "service_date": self.service_date.isoformat()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> ContactDraft:
        return ContactDraft(**{**value, "service_date": date.fromisoformat(value["service_date"])})


class PCareReceipt(BaseModel):
    """The acknowledgement that lets the contact count: noUrut of the registration, noKunjungan of a sick visit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    noUrut: str | None = None
    noKunjungan: str | None = None
    how: Literal["made", "found", "adopted"]


class Kontak(BaseModel):
    """One contact's whole state. The topic is keyed by ``id`` and compacted; readers keep the highest ``revision``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[
        str, Field(pattern=r"^[0-9a-f]{32}$", description="Deterministic id of the contact; also the record's key")
    ]
    revision: Annotated[int, Field(ge=1, description="Grows with every change of state; a repeat has an equal one")]
    state: Annotated[
        Literal["recorded", "retracted"], Field(description="Whether the contact counts or was taken back")
    ]
    kind: Annotated[str, Field(description="kontak.md §3, e.g. SAKIT_RAJAL", pattern="^(" + "|".join(KINDS) + ")$")]
    sick: Annotated[bool, Field(description="PCare kunjSakit")]
    place: Annotated[str, Field(description="kontak.md §3, dimension place", pattern="^(" + "|".join(PLACES) + ")$")]
    mode: Annotated[Literal["langsung", "tidak_langsung"], Field(description="kontak.md §3, dimension mode")]
    service_date: Annotated[date, Field(description="Local calendar date of Encounter.period.start")]
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", description="Local month the contact belongs to")]
    facility: Annotated[str, Field(description="kdProvider of the serving facility")]
    participant: Annotated[
        str, Field(pattern=r"^[0-9a-f]{32}$", description="Keyed pseudonym of noKartu; personal data")
    ]
    registered_here: Annotated[
        bool | None, Field(description="Participant registered at this facility; null: not said")
    ]
    active: Annotated[bool | None, Field(description="Membership active on the service date; null: not said")]
    encounter_status: Annotated[
        str, Field(description="Encounter.status; the aggregation applies kontak.md §4 gate 0.2")
    ]
    pcare: Annotated[PCareReceipt, Field(description="PCare's acknowledgement")]
