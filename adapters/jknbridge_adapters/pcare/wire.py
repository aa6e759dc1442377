"""The bodies that leave for PCare, in BPJS's own field names (pcare §5.1, §6.2, §8).

Strict: a number sent as text is refused by PCare (§22 #28), so it is refused here first. The order of the fields is the
contract's. Not for answers, which are read leniently (``client.py``, ``probe.py``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NoKartu = Annotated[str, StringConstraints(pattern=r"^\d{13}$")]
Tanggal = Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}-\d{4}$")]
Kode = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^\S+$")]
Angka = Annotated[int | float, Field(ge=0)]
"""A measurement; 0 stands for "not measured" where that is allowed (§22 #9)."""
Teks = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Keluhan = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Pendaftaran(Body):
    """D1. There is no PUT."""

    kdProviderPeserta: Kode
    tglDaftar: Tanggal
    noKartu: NoKartu
    kdPoli: Kode
    keluhan: Keluhan | None
    kunjSakit: bool
    sistole: Angka
    diastole: Angka
    beratBadan: Angka
    tinggiBadan: Angka
    respRate: Angka
    heartRate: Angka
    lingkarPerut: Angka
    rujukBalik: Literal[0, 1]
    kdTkp: Literal["10", "20", "50"]


class Kunjungan(Body):
    """K1 and K2. ``noKunjungan`` is null on add."""

    noKunjungan: str | None
    noKartu: NoKartu
    tglDaftar: Tanggal
    kdPoli: Kode
    keluhan: Keluhan
    kdSadar: Kode
    sistole: Angka
    diastole: Angka
    beratBadan: Angka
    tinggiBadan: Angka
    respRate: Angka
    heartRate: Angka
    lingkarPerut: Angka
    kdStatusPulang: Kode
    tglPulang: Tanggal
    kdDokter: Kode
    kdDiag1: Kode
    kdDiag2: Kode | None
    kdDiag3: Kode | None
    kdPoliRujukInternal: None
    rujukLanjut: None
    kdTacc: Literal[-1]
    alasanTacc: None
    anamnesa: Teks
    alergiMakan: Kode
    alergiUdara: Kode
    alergiObat: Kode
    kdPrognosa: Kode
    terapiObat: Teks
    terapiNonObat: Teks
    bmhp: Teks
    suhu: Annotated[str, StringConstraints(pattern=r"^\d{1,2}(\.\d+)?$")]


class Obat(Body):
    """O3. ``kdObatSK`` is 0 on add; ``kdRacikan`` is null for a plain drug and for the first line of a compound."""

    kdObatSK: Literal[0]
    noKunjungan: Kode
    racikan: bool
    kdRacikan: str | None
    obatDPHO: bool
    kdObat: Kode | None
    signa1: Angka
    signa2: Angka
    jmlObat: Angka
    jmlPermintaan: Angka
    nmObatNonDPHO: Teks
