"""What a handler gets (store, switches, caller, moment) and where it reports effects and what it showed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jknbridge.sandbox.options import Options
from jknbridge.sandbox.target import Effect, Shown
from jknbridge_adapters.satusehat.rules_check_references import split
from jknbridge_adapters.satusehat.sandbox.clients import Client
from jknbridge_adapters.satusehat.sandbox.store import Record, Store, last_updated, version


@dataclass(slots=True)
class Context:
    store: Store
    options: Options
    client: Client
    now: float
    base: str
    """The FHIR base as the caller addressed it, without a slash at the end."""
    skew: float = 0.0
    as_of: float | None = None
    shifted: bool = False
    effects: list[Effect] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def judged_at(self) -> float:
        """The platform's clock as the rules see it."""
        return self.now + self.skew

    def keep(
        self, body: dict[str, Any], resource_id: str, *, operation: str, payload: Any, sent: Sequence[str] = (),
        updated: int = 0, owner: str | None = None,
    ) -> Record:  # fmt: skip
        """Stores a body with the platform's ``id`` and ``meta`` and reports the effect."""
        updated = updated or self.store.tick(self.now)
        meta = {**(body.get("meta") or {}), "lastUpdated": last_updated(updated), "versionId": version(updated)}
        stored = {**body, "id": resource_id, "meta": meta}
        holder = self.client.organization if owner is None else owner
        record = self.store.put(stored, holder, self.now, updated=updated, sent=sent)
        name = record.name
        receipt = {"resourceType": record.type, "id": resource_id, "version": record.version}
        key = f"{record.type}/{name.value or resource_id}"
        facility, done = self.client.facility, f"{record.type}.{operation}"
        self.effects.append(Effect(facility, done, name.identity, key, payload, name.natural, receipt))
        return record

    def saw(self, scope: str, found: Sequence[str], first: int, last: int, total: int) -> None:
        self.shown.append(Shown(scope, tuple(found), first, last, total))

    def withheld(self, record: Record) -> bool:
        """Whether the patient's consent withholds this row."""
        return any(
            name in ("subject", "patient") and split(value)[1] in self.store.opted_out for name, value in record.keys
        )
