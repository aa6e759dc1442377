"""``[rekonsiliasi]``: when the nightly reconciliation runs. A module of its own, so that :mod:`jknbridge.settings` can
hold it without importing what reconciles."""

from __future__ import annotations

from datetime import time

from pydantic import BaseModel, ConfigDict, Field


class RekonsiliasiSettings(BaseModel):
    """Settings of the nightly reconciliation (DESIGN §4 step 9)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aktif: bool = Field(True, description="Whether the nightly reconciliation runs; the command works in any case")
    jam: time = Field(time(2, 30), description="When it runs, on each facility's own clock")
    hari: int = Field(3, ge=1, le=62, description="How many service days it reads, the current one included")
