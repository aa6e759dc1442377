"""The PCare adapter as the host sees it: declarations, the pure translation, and a client per facility.

Open ``translate.py`` for what a visit becomes, ``client.py`` for how it is said to PCare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jknbridge.http import Http
from jknbridge.journey import Journey
from jknbridge.reasons import Reason
from jknbridge.settings import TargetSettings
from jknbridge.targets import Call, Facts, Instance, Kind, Receipts
from jknbridge.verdicts import Payload, Verdict
from jknbridge_adapters.pcare import compose, reasons, translate
from jknbridge_adapters.pcare.client import PCareClient
from jknbridge_adapters.pcare.kinds import KINDS, TARGET
from jknbridge_adapters.pcare.settings import PCareSettings

__all__ = ["PCareAdapter", "reasons"]


class PCareAdapter:
    """Implements :class:`jknbridge.targets.Adapter`."""

    target: str = TARGET
    version: int = 1
    kinds: Mapping[str, Kind] = KINDS
    reads: frozenset[str] = translate.READS
    settings: type[TargetSettings] = PCareSettings

    def translate(
        self, journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings
    ) -> Sequence[Verdict]:
        return translate.translate(journey, receipts, facts, settings)

    def compose(self, call: Call) -> Payload | Reason:
        return compose.compose(call)

    def client(self, instance: Instance, http: Http) -> PCareClient:
        return PCareClient(instance, http)
