"""What leaves on Kafka besides contacts: results for the EMR (``jkn.hasil.v1``), as CloudEvents 1.0 in binary mode.

A result's body may name noUrut, noKunjungan and the reason why not; its headers carry no patient data (DESIGN §2.9,
§5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RESULT_TOPIC = "jkn.hasil.v1"
RESULT_TYPE = "id.jknbridge.hasil.v1"


class Hasil(BaseModel):
    """What became of one submission, told to the EMR whenever it changes. Keyed by ``id``; the newest one counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(description="Stable id of the submission; also the record's key")]
    source: Annotated[str, Field(description="Name of the FHIR source, [sumber.<name>]")]
    resource: Annotated[str, Field(description="The EMR's own resource, e.g. Encounter/enc-1")]
    facility: Annotated[str, Field(description="kdProvider")]
    target: Annotated[str, Field(description="e.g. pcare")]
    kind: Annotated[str, Field(description="e.g. pendaftaran, kunjungan, obat")]
    held: Annotated[Literal["absent", "present", "unknown"], Field(description="What the target has as far as we know")]
    work: Annotated[str, Field(description="What is being done about it, e.g. none, parked, withdrawn")]
    values: Annotated[Mapping[str, str], Field(description="What the target gave back, e.g. noUrut, noKunjungan")]
    how: Annotated[Literal["made", "found", "adopted"] | None, Field(description="How we came by the values")]
    reason: Annotated[Mapping[str, str] | None, Field(description="code, id (Bahasa Indonesia), en, who can mend it")]
    at: Annotated[datetime, Field(description="When this state was reached")]


def headers(event_id: str, type_: str, source: str) -> list[tuple[str, bytes]]:
    """CloudEvents binary-mode headers. ``source`` names the ledger, never a patient or facility."""
    values: dict[str, Any] = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": type_,
        "ce_source": source,
        "content-type": "application/json",
    }
    return [(name, str(value).encode()) for name, value in values.items()]
