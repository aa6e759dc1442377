"""Target instances out of the settings: which adapter serves which facility, and the gates that come before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jknbridge.reasons import Reason, register_all
from jknbridge.settings import Settings
from jknbridge.targets import Adapter, Instance, Kind
from jknbridge.verdicts import NotApplicable, Verdict, Wanted

register_all(
    {
        "gerbang.mulai": (
            "Tanggal pelayanan sebelum hari pertama yang dikirim ({mulai})",
            "The service date is before the first day that is sent ({mulai})",
            "IT",
        ),
        "gerbang.faskes": (
            "Faskes pada kunjungan ini tidak ada di pengaturan (Encounter.serviceProvider)",
            "The Encounter's facility is not in the settings (Encounter.serviceProvider)",
            "IT",
        ),
        "gerbang.tujuan": (
            "Faskes ini tidak mengirim ke {target} menurut pengaturan",
            "By its settings this facility does not send to {target}",
            "IT",
        ),
        "galat.adaptor": (
            "Galat adaptor {target}: {error}. Kunjungan lain tidak terganggu; laporkan kepada pembuat adaptor",
            "The adapter for {target} failed ({error}); other journeys are not affected",
            "integrator",
        ),
    }
)


class Instances:
    """Every (facility, target) of the settings as an :class:`Instance`, by name and by place."""

    def __init__(self, settings: Settings, adapters: Mapping[str, Adapter]) -> None:
        self.adapters = adapters
        self._by_place: dict[tuple[str, str], Instance] = {}
        for kode, facility in settings.faskes.items():
            for target, own in facility.targets.items():
                self._by_place[kode, target] = Instance(kode, target, own.lingkungan, own, facility)
        self.by_name = {instance.name: instance for instance in self._by_place.values()}

    def at(self, facility: str, target: str) -> Instance | None:
        return self._by_place.get((facility, target))

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._by_place.values())

    def kind_of(self, target: str, kind: str) -> Kind | None:
        adapter = self.adapters.get(target)
        return adapter.kinds.get(kind) if adapter else None


def gate(verdict: Verdict, instance: Instance) -> Verdict:
    """The host's own gate: nothing before the facility's first service date at this target."""
    if isinstance(verdict, Wanted) and verdict.service_date < instance.settings.mulai:
        rule = Reason.of("gerbang.mulai", mulai=instance.settings.mulai.isoformat())
        return NotApplicable(verdict.kind, verdict.key, rule)
    return verdict
