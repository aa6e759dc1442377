"""``[faskes.<kode>.pcare]``: credentials, and where the contract leaves the choice to the facility (pcare §22).

Everything a facility may decide stands here; what it may not (a default vital sign, an invented diagnosis) has no
field.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, SecretStr, StringConstraints

from jknbridge.settings import TargetSettings

ZeroField = Literal["sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate", "lingkarPerut", "suhu"]
"""The vitals of a visit, in BPJS's names (pcare §6.2)."""

VITALS: tuple[ZeroField, ...] = get_args(ZeroField)

Place = Literal["gedung", "jaringan", "jejaring", "ukbm", "rumah", "lain"]
"""kontak §3, the dimension *place*."""


class PCareSettings(TargetSettings):
    cons_id: str = Field(description="Consumer id given by BPJS")
    secret_key: SecretStr = Field(description="Secret of the cons-id; signs requests and opens answers")
    user_key: SecretStr = Field(description="user_key of the PCare service")
    username: str = Field(description="PCare web account of this facility")
    password: SecretStr = Field(description="Its password; a change in the PCare web page stops the bridge")
    kd_aplikasi: str = Field("095", description="Application code in X-authorization")

    jalur_kunjungan: Annotated[str, StringConstraints(pattern=r"^/kunjungan(/[Vv]1)?$")] = Field(
        "/kunjungan/V1", description="Path of POST and PUT of a visit: /kunjungan/V1 or /kunjungan (pcare §6.1)"
    )
    kd_tkp_sehat: Literal["10", "50"] = Field("50", description="kdTkp of healthy visits (sources disagree: kontak §2)")
    nol_berarti_tidak_diukur: list[ZeroField] = Field(
        default_factory=list,
        description="Vitals of a visit that are sent as 0 when nothing is recorded; without it the visit waits",
    )
    alergi_tanpa_catatan: Literal["tunggu", "nol-nol"] = Field(
        "tunggu", description="No allergy record: the visit waits, or sends 00 and says so"
    )
    status_pulang_rawat_jalan: Literal["1", "2", "3", "9"] | None = Field(
        None, description="kdStatusPulang of a visit without dischargeDisposition; empty: the visit waits"
    )
    obat_tanpa_pemetaan: Literal["tunggu", "teks"] = Field(
        "tunggu", description="A drug without mapping waits on the work list, or is sent as non-DPHO text"
    )

    sistem_kartu: list[str] = Field(
        default_factory=lambda: [
            "https://fhir.kemkes.go.id/id/bpjs",
            "https://fhir.kemkes.go.id/id/bpjs-kesehatan",
            "https://fhir.kemkes.go.id/id/bpjs-kartu",
        ],
        description="Systems of Patient.identifier that hold the BPJS card number (no official one exists)",
    )
    sistem_nik: list[str] = Field(
        default_factory=lambda: ["https://fhir.kemkes.go.id/id/nik"],
        description="Systems of Patient.identifier that hold the NIK",
    )
    sistem_no_urut: list[str] = Field(
        default_factory=lambda: ["urn:jknbridge:pcare:noUrut"],
        description="Systems of Encounter.identifier that hold a noUrut the EMR already has",
    )
    sistem_no_kunjungan: list[str] = Field(
        default_factory=lambda: ["urn:jknbridge:pcare:noKunjungan"],
        description="Systems of Encounter.identifier that hold a noKunjungan the EMR already has",
    )
    sistem_jenis_layanan: str = Field(
        "urn:jknbridge:kbk-jenis-layanan",
        description="Code system of healthy service kinds in Encounter.serviceType or Encounter.type (kontak §4)",
    )
    penjamin: list[str] = Field(
        default_factory=lambda: ["bpjs", "bpjs kesehatan", "jkn", "jkn-kis", "jkn kis"],
        description="Codes, names or references in Coverage.type and Coverage.payor that mean BPJS Kesehatan",
    )
    penjamin_lain: list[str] = Field(
        default_factory=lambda: ["umum", "tunai", "pribadi", "pay", "self", "self-pay", "selfpay"],
        description="The same for other payers: such a visit is not applicable; a payer in neither list is parked",
    )
    tempat_lokasi: dict[str, Place] = Field(
        default_factory=dict,
        description="Place of a contact by location, e.g. 'Location/posyandu-1' = 'ukbm'; others are gedung",
    )

    @property
    def limit_key(self) -> str:
        return f"{self.base_url}|{self.cons_id}|{self.username}"

    @property
    def credential(self) -> str:
        secrets = (self.secret_key.get_secret_value(), self.user_key.get_secret_value())
        return "\n".join((self.cons_id, *secrets, self.username, self.password.get_secret_value(), self.kd_aplikasi))
