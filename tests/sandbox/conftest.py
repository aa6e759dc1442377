"""A running sandbox and a small PCare client over a real socket, with the project's own crypto and envelope."""

import json
from dataclasses import dataclass, field

import aiohttp
import pytest
from yarl import URL

from jknbridge.sandbox.server import Sandbox
from jknbridge_adapters.bpjs import crypto
from jknbridge_adapters.bpjs.envelope import PCARE_SUCCESS, Envelope, decode
from jknbridge_adapters.pcare.sandbox import make_sandbox

NOW = 1_781_000_000.0  # 2026-06-09 17:13:20 WIB, 19:13:20 WIT
TODAY = "09-06-2026"
CARD, CARD_2, GUEST, INACTIVE = "0009999000001", "0009999000002", "0009999000035", "0009999000031"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self):
        return self.now


@dataclass
class Client:
    """One facility's PCare log-in."""

    session: aiohttp.ClientSession
    base: str
    clock: Clock
    facility: str = "99990001"
    prefix: str = "pcare-rest"
    changes: dict = field(default_factory=dict)

    def headers(self, timestamp):
        account = crypto.authorization(f"uji-{self.facility}", f"Sandi#{self.facility}")
        made = crypto.headers("90001", "rahasia-01", "kunci-pcare-01", timestamp, account)
        made |= {"Content-Type": "text/plain"} | self.changes
        return {name: value for name, value in made.items() if value is not None}

    async def raw(self, method, path, body=None):
        timestamp = str(int(self.clock()))
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        url = URL(f"{self.base}/{self.prefix}{path}", encoded=True)
        async with self.session.request(method, url, data=data, headers=self.headers(timestamp)) as response:
            return response.status, await response.read(), timestamp

    async def call(self, method, path, body=None) -> Envelope:
        status, raw, timestamp = await self.raw(method, path, body)
        key = crypto.answer_key("90001", "rahasia-01", timestamp)
        return decode(status, raw, key, success=PCARE_SUCCESS)

    async def admin(self, method, path, body=None):
        async with self.session.request(method, f"{self.base}/_sandbox/{path}", json=body) as response:
            return response.status, await response.json()

    async def faults(self, *faults):
        status, answer = await self.admin("POST", "faults", list(faults))
        assert status == 200, answer

    async def option(self, **options):
        status, answer = await self.admin("POST", "options", {"pcare": options})
        assert status == 200, answer

    async def register(self, **changes):
        return await self.call("POST", "/pendaftaran", registration(**changes))

    async def visit(self, **changes):
        await self.register(noKartu=changes.get("noKartu", CARD))
        answer = await self.call("POST", "/kunjungan/V1", kunjungan(**changes))
        return answer.entry("noKunjungan")


def registration(**changes):
    return {
        "kdProviderPeserta": "99990001", "tglDaftar": TODAY, "noKartu": CARD, "kdPoli": "001", "keluhan": "Demam",
        "kunjSakit": True, "sistole": 0, "diastole": 0, "beratBadan": 0, "tinggiBadan": 0, "respRate": 0,
        "heartRate": 0, "lingkarPerut": 0, "rujukBalik": 0, "kdTkp": "10", **changes,
    }  # fmt: skip


def kunjungan(**changes):
    return {
        "noKunjungan": None, "noKartu": CARD, "tglDaftar": TODAY, "kdPoli": "001", "keluhan": "Demam 2 hari",
        "kdSadar": "01", "sistole": 120, "diastole": 80, "beratBadan": 60, "tinggiBadan": 165, "respRate": 20,
        "heartRate": 80, "lingkarPerut": 80, "kdStatusPulang": "3", "tglPulang": TODAY, "kdDokter": "900001",
        "kdDiag1": "J06.9", "kdDiag2": None, "kdDiag3": None, "kdPoliRujukInternal": None, "rujukLanjut": None,
        "kdTacc": -1, "alasanTacc": None, "anamnesa": "Demam", "alergiMakan": "00", "alergiUdara": "00",
        "alergiObat": "00", "kdPrognosa": "02", "terapiObat": "Paracetamol", "terapiNonObat": "Edukasi",
        "bmhp": "Tidak Ada", "suhu": "37.8", **changes,
    }  # fmt: skip


def obat(no_kunjungan, **changes):
    return {
        "kdObatSK": 0, "noKunjungan": no_kunjungan, "racikan": False, "kdRacikan": None, "obatDPHO": True,
        "kdObat": "990000001", "signa1": 3, "signa2": 1, "jmlObat": 10, "jmlPermintaan": 10, "nmObatNonDPHO": "-",
        **changes,
    }  # fmt: skip


@pytest.fixture
def make():
    """The bodies, for tests: modules in tests/ do not import each other."""
    return {"registration": registration, "kunjungan": kunjungan, "obat": obat}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def sandbox(clock):
    async with Sandbox([make_sandbox(clock)], clock=clock, seed=7) as running:
        yield running


@pytest.fixture
async def pcare(sandbox, clock):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        session._retry_connection = False  # aiohttp would send a lost DELETE again by itself
        yield Client(session, sandbox.base_url, clock)
