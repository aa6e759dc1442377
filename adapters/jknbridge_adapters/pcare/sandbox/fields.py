"""Which fields a body has and of which JSON type: tables, and the one check that reads them (pcare §5.1, §6.2, §8-§11).

No source recorded PCare's words for a missing field or a wrong type; ours are [invented] and name the field.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from jknbridge_adapters.pcare.sandbox.reference import Row

Type = Literal["text", "number", "boolean", "date", "object"]
Entries = list[tuple[str, str]]

_PYTHON: Final[dict[Type, tuple[type, ...]]] = {
    "text": (str,), "number": (int, float), "boolean": (bool,), "date": (str,), "object": (dict,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: Type
    nullable: bool = False


def _fields(kind: Type, names: str, *, nullable: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, kind, nullable) for name in names.split())


VITALS: Final = ("sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate", "lingkarPerut")

PENDAFTARAN: Final = (
    *_fields("text", "kdProviderPeserta noKartu kdPoli kdTkp"),
    *_fields("date", "tglDaftar"),
    *_fields("text", "keluhan", nullable=True),
    *_fields("boolean", "kunjSakit"),
    *_fields("number", " ".join(VITALS) + " rujukBalik"),
)
KUNJUNGAN_EDIT: Final = (
    *_fields("text", "noKartu keluhan kdSadar kdStatusPulang kdDokter kdDiag1"),
    *_fields("number", " ".join(VITALS) + " kdTacc"),
    *_fields("date", "tglPulang"),
    *_fields("text", "kdDiag2 kdDiag3 kdPoliRujukInternal alasanTacc", nullable=True),
    *_fields("object", "rujukLanjut", nullable=True),
    *_fields("text", "anamnesa alergiMakan alergiUdara alergiObat kdPrognosa terapiObat terapiNonObat bmhp suhu"),
)
KUNJUNGAN_ADD: Final = (*_fields("date", "tglDaftar"), *_fields("text", "kdPoli"), *KUNJUNGAN_EDIT)
OBAT: Final = (
    *_fields("text", "noKunjungan"),
    *_fields("number", "kdObatSK signa1 signa2 jmlObat jmlPermintaan"),
    *_fields("boolean", "racikan obatDPHO"),
    *_fields("text", "kdRacikan kdObat nmObatNonDPHO", nullable=True),
)
TINDAKAN: Final = (
    *_fields("text", "noKunjungan kdTindakan"),
    *_fields("number", "kdTindakanSK biaya hasil"),
    *_fields("text", "keterangan", nullable=True),
)
MCU: Final = (
    *_fields("text", "noKunjungan kdProvider"),
    *_fields("date", "tglPelayanan"),
    *_fields(
        "number",
        "kdMCU tekananDarahSistole tekananDarahDiastole darahRutinHemo darahRutinLeu darahRutinErit darahRutinLaju "
        "darahRutinHema darahRutinTrom lemakDarahHDL lemakDarahLDL lemakDarahChol lemakDarahTrigli gulaDarahSewaktu "
        "gulaDarahPuasa gulaDarahPostPrandial gulaDarahHbA1c fungsiHatiSGOT fungsiHatiSGPT fungsiHatiGamma "
        "fungsiHatiProtKual fungsiHatiAlbumin fungsiGinjalCrea fungsiGinjalUreum fungsiGinjalAsam fungsiJantungABI",
    ),
    *_fields(
        "text",
        "radiologiFoto fungsiJantungEKG fungsiJantungEcho funduskopi pemeriksaanLain keterangan",
        nullable=True,
    ),
)
KEGIATAN: Final = (
    *_fields("number", "clubId biaya"),
    *_fields("date", "tglPelayanan"),
    *_fields("text", "kdKegiatan kdKelompok materi pembicara lokasi"),
    *_fields("text", "eduId keterangan", nullable=True),
)
KELOMPOK_PESERTA: Final = _fields("text", "eduId noKartu")


def check(body: Row, fields: Iterable[Field], *, coerce: bool) -> tuple[Row, Entries]:
    """The body's known fields, numbers coerced where asked, and an entry for each that is missing or mistyped."""
    clean: Row = {}
    entries: Entries = []
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if not field.nullable:
                entries.append((field.name, f"{field.name} harus diisi."))
            clean[field.name] = None
            continue
        if coerce and field.type == "number" and isinstance(value, str):
            value = _number(value)
        fits = isinstance(value, _PYTHON[field.type]) and (field.type == "boolean") == isinstance(value, bool)
        if not fits or (field.type == "date" and parse_date(value) is None):
            entries.append((field.name, f"Format {field.name} tidak sesuai."))
        clean[field.name] = value
    return clean, entries


def parse_date(text: Any) -> date | None:
    """dd-MM-yyyy and nothing else (pcare §1)."""
    if not isinstance(text, str) or len(text) != 10 or text[2] != "-" or text[5] != "-":
        return None
    day, month, year = text[:2], text[3:5], text[6:]
    if not (day + month + year).isdecimal():
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _number(text: str) -> Any:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
