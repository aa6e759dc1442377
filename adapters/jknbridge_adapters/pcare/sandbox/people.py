"""Synthetic facilities, log-ins, doctors and participants of the simulated PCare, and what keeps them synthetic.

Cards start with 0009999, NIK with 9999, facilities with 9999: numbers that BPJS and Dukcapil do not issue. A real one
is refused at the door (bpjs-auth §12.4).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from jknbridge.sandbox.target import LoadError
from jknbridge_adapters.bpjs.crypto import KD_APLIKASI
from jknbridge_adapters.bpjs.sandbox import Account, Consumer
from jknbridge_adapters.pcare.sandbox.reference import POLI, Row

CONSUMER: Final = Consumer("90001", "rahasia-01", "kunci-pcare-01")
ZONES: Final = {
    "WIB": ZoneInfo("Asia/Jakarta"),
    "WITA": ZoneInfo("Asia/Makassar"),
    "WIT": ZoneInfo("Asia/Jayapura"),
}

_CARD = re.compile(r"0009999\d{6}")
_NIK = re.compile(r"9999\d{12}")
_FACILITY = re.compile(r"9999[0-9A-Z]{4}")
_GUESTS_OF: Final = "99990003"


@dataclass(slots=True)
class Facility:
    """A first-level facility: its name, time zone, own poli list and doctors, and whether the bridge works for it."""

    code: str
    name: str
    zone: str
    account: Account | None
    polis: dict[str, Row] = field(default_factory=lambda: {row["kdPoli"]: dict(row) for row in POLI})
    doctors: dict[str, str] = field(default_factory=dict)

    @property
    def as_provider(self) -> Row:
        return {"kdProvider": self.code, "nmProvider": self.name}


def default_facilities() -> list[Facility]:
    """Two that the bridge works for, in different time zones, and one whose participants come as guests."""
    return [
        Facility("99990001", "Klinik Simulasi Jakarta", "WIB", _account("99990001"),
                 doctors={"900001": "dr. Uji Satu", "900002": "dr. Uji Dua", "900003": "drg. Uji Tiga"}),
        Facility("99990002", "Klinik Simulasi Jayapura", "WIT", _account("99990002"),
                 doctors={"900011": "dr. Uji Empat", "900012": "drg. Uji Lima"}),
        Facility(_GUESTS_OF, "Klinik Simulasi Tetangga", "WIB", None),
    ]  # fmt: skip


def _account(facility: str) -> Account:
    return Account(f"uji-{facility}", f"Sandi#{facility}", KD_APLIKASI, facility)


def default_participants() -> Iterator[Row]:
    """Forty: fifteen active at each facility (some Prolanis), four inactive, six of the neighbour's."""
    for i in range(1, 41):
        home = "99990001" if i <= 15 else "99990002" if i <= 30 else _GUESTS_OF
        if 31 <= i <= 34:
            home = "99990001" if i % 2 else "99990002"
        prolanis = {3: "PROLANIS DM", 4: "PROLANIS HT", 5: "PROLANIS DM, HT", 18: "PROLANIS DM", 19: "PROLANIS HT"}
        yield {
            "noKartu": f"0009999{i:06}",
            "noKTP": f"9999{i:012}",
            "nama": f"PESERTA UJI {i:02}",
            "sex": "L" if i % 2 else "P",
            "tglLahir": f"{i % 28 + 1:02}-{i % 12 + 1:02}-{1950 + i}",
            "kdProviderPst": home,
            "aktif": not 31 <= i <= 34,
            "ketAktif": "TIDAK AKTIF KARENA PREMI" if 31 <= i <= 34 else "AKTIF",
            "tunggakan": 3 if 31 <= i <= 34 else 0,
            "pstProl": prolanis.get(i, ""),
        }


def participant(given: Mapping[str, Any], provider_name: Mapping[str, str]) -> Row:
    """All fields of pcare §4 from what was given; `kdProviderPst` may be a code. `LoadError` unless synthetic."""
    card, nik = str(given.get("noKartu", "")), str(given.get("noKTP", given.get("nik", "")))
    if not _CARD.fullmatch(card):
        raise LoadError(f"noKartu of a synthetic participant is 0009999 and 6 digits, not {_shape(card)}")
    if nik and not _NIK.fullmatch(nik):
        raise LoadError(f"noKTP of a synthetic participant is 9999 and 12 digits, not {_shape(nik)}")
    unknown = sorted(set(given) - set(_DEFAULTS) - {"noKartu", "nik"})
    if unknown:
        raise LoadError(f"unknown field {', '.join(unknown)}; known: noKartu, nik, {', '.join(_DEFAULTS)}")
    row = {"noKartu": card, **_DEFAULTS, **{name: value for name, value in given.items() if name != "nik"}}
    row["noKTP"] = nik
    provider = row["kdProviderPst"]
    code = str(provider.get("kdProvider") if isinstance(provider, Mapping) else provider)
    if not _FACILITY.fullmatch(code):
        raise LoadError(f"kdProviderPst of a synthetic participant is 9999 and 4 more, not {code!r}")
    row["kdProviderPst"] = {"kdProvider": code, "nmProvider": provider_name.get(code, f"Faskes {code}")}
    if "ketAktif" not in given:
        row["ketAktif"] = "AKTIF" if row["aktif"] else "TIDAK AKTIF"
    return row


def facility(given: Mapping[str, Any]) -> Facility:
    """`{kdProvider, nmProvider, zona, username, password}`; without username the bridge cannot work for it."""
    code, zone = str(given.get("kdProvider", "")), str(given.get("zona", "WIB"))
    if not _FACILITY.fullmatch(code):
        raise LoadError(f"kdProvider of a synthetic facility is 9999 and 4 more characters, not {code!r}")
    if zone not in ZONES:
        raise LoadError(f"zona is one of {', '.join(ZONES)}, not {zone!r}")
    account = _account(code)
    if "username" in given:
        account = Account(str(given["username"]), str(given.get("password", "")), KD_APLIKASI, code)
    return Facility(code, str(given.get("nmProvider", f"Klinik Simulasi {code}")), zone, account)


_DEFAULTS: Final[Row] = {
    "nama": "PESERTA UJI", "hubunganKeluarga": "Peserta", "sex": "L", "tglLahir": "01-01-1980",
    "tglMulaiAktif": "01-01-2014", "tglAkhirBerlaku": "31-12-2099", "kdProviderPst": "99990001",
    "kdProviderGigi": {"kdProvider": None, "nmProvider": None}, "jnsKelas": {"nama": "KELAS III", "kode": "3"},
    "jnsPeserta": {"nama": "PBI (APBN)", "kode": "21"}, "golDarah": "", "noHP": None, "noKTP": "",
    "pstProl": "", "pstPrb": "", "aktif": True, "ketAktif": "AKTIF",
    "asuransi": {"kdAsuransi": None, "nmAsuransi": None, "noAsuransi": None, "cob": False}, "tunggakan": 0,
}  # fmt: skip


def _shape(value: str) -> str:
    """What was wrong without repeating it: it may be a real person's number."""
    return f"{len(value)} characters starting {value[:4]!r}"
