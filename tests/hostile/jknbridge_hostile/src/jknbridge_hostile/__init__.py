"""An adapter that does everything wrong. Which wrong is chosen by the Encounter's id: ``Encounter/send-hang`` hangs in
``send``. Found by jknbridge through its entry point, as any stranger's package is.

Open ``translate.py`` for what it says, ``client.py`` for what it does at its target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jknbridge.spec import hookimpl
from jknbridge.targets import Kind, Operation, Verb
from jknbridge_hostile.client import HostileClient
from jknbridge_hostile.translate import HostileSettings, translate

KINDS: Mapping[str, Kind] = {
    "benda": Kind("benda", Operation(Verb.ADD, natural_key=True), ("no",), delete=Operation(Verb.DELETE)),
    "baris": Kind("baris", Operation(Verb.ADD, snapshot=True), ("no",), delete=Operation(Verb.DELETE)),
}


class HostileAdapter:
    target = "hostile"
    version = 1
    kinds = KINDS
    reads = frozenset({"Encounter", "Patient"})
    settings = HostileSettings

    def translate(self, journey: Any, receipts: Any, facts: Any, settings: Any) -> Any:
        return translate(journey, facts)

    def compose(self, call: Any) -> Any:
        if call.payload["salah"] == "compose-raise":
            raise KeyError(call.payload["nama"])
        return call.payload

    def client(self, instance: Any, http: Any) -> HostileClient:
        return HostileClient()


@hookimpl
def jknbridge_adapters() -> Sequence[Any]:
    return [HostileAdapter()]
