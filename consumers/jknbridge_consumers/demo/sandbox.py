"""The sandbox's admin calls, and what they tell: effects, requests, its own judgement, what it holds (DESIGN §8)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jknbridge_consumers.demo.config import TARGET
from jknbridge_consumers.demo.people import CLINICS, Person

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened. ``double`` and ``blind``: findings of the sandbox's judge."""

    effects: Sequence[Row]
    requests: Sequence[Row]
    double: Sequence[Row]
    blind: Sequence[Row]
    state: Mapping[str, Sequence[Row]]


class Admin:
    """``/_sandbox/*`` of one sandbox in this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def load(self, participants: Sequence[Mapping[str, Any]]) -> None:
        doctors = [
            {"facility": clinic.code, "kdDokter": code, "nmDokter": name.replace("-", ". ").title()}
            for clinic in CLINICS
            for name, code in clinic.doctors
        ]
        self._call("POST", "load", {"target": TARGET, "participants": list(participants), "doctors": doctors})

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """From now on these, in place of any before."""
        self._call("POST", "faults", list(faults))

    def register_by_hand(self, facility: str, person: Person, tanggal: str, poli: str) -> None:
        """What staff do in PCare's own page when the patient stands before them."""
        vitals = ("sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate", "lingkarPerut")
        body = {
            "kdProviderPeserta": person.home, "tglDaftar": tanggal, "noKartu": person.card, "kdPoli": poli,
            "keluhan": None, "kunjSakit": True, **dict.fromkeys(vitals, 0), "rujukBalik": 0, "kdTkp": "10",
        }  # fmt: skip
        self._call(
            "POST", "tangan", {"target": TARGET, "facility": facility, "operation": "pendaftaran.add", "body": body}
        )

    def truth(self) -> Truth:
        """All of it, read when the day is over."""
        judged = self._call("GET", "judge")
        state = self._call("GET", f"state?target={TARGET}")
        effects, requests = self._call("GET", "effects"), self._call("GET", "requests")
        return Truth(effects, requests, judged["double"], judged["blind_repeats"], state)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, f"/_sandbox/{path}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            document = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the sandbox refuses {method} {path}: {document.get('error')}")
        return document
