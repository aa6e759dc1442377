"""The endpoint table of the simulated PCare (pcare §2) and how a path finds its row in it.

Words match in any case, `{name}` takes one segment whatever is in it. D5, O5, X1 are not there: 404.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jknbridge.sandbox.target import Answer
from jknbridge_adapters.bpjs.sandbox import Reply, plain_text, request_error_page
from jknbridge_adapters.pcare.sandbox import (
    kelompok,
    kunjungan,
    obat,
    pendaftaran,
    peserta,
    referensi,
    rujukan,
)
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.layanan import MCU_PART, TINDAKAN_PART, tindakan_reference

NO_MAPPING: Final = "No Mapping Rule matched"


@dataclass(frozen=True, slots=True)
class Route:
    """`operation` is what logs and faults call it."""

    endpoint: str
    method: str
    pattern: str
    operation: str
    handle: Callable[[Context], Reply]
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.pattern.strip("/").split("/")))

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The values of the path's `{names}`; `v1` tells which of kunjungan's two paths it was."""
        found = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part[0] == "{":
                found[part[1:-1]] = segment
            elif part.lower() != segment.lower():
                return None
            elif part == "V1":
                found["v1"] = segment
        return found


ROUTES: Final = (
    Route("P1", "GET", "/peserta/{nomor}", "peserta.read", peserta.read),
    Route("P2", "GET", "/peserta/{jenis}/{nomor}", "peserta.read", peserta.read),
    Route("D1", "POST", "/pendaftaran", "pendaftaran.add", pendaftaran.add),
    Route("D2", "DELETE", "/pendaftaran/peserta/{noKartu}/tglDaftar/{tgl}/noUrut/{noUrut}/kdPoli/{kdPoli}",
          "pendaftaran.delete", pendaftaran.delete),
    Route("D3", "GET", "/pendaftaran/noUrut/{noUrut}/tglDaftar/{tgl}", "pendaftaran.read", pendaftaran.read),
    Route("D4", "GET", "/pendaftaran/tglDaftar/{tgl}/{start}/{limit}", "pendaftaran.list", pendaftaran.day_list),
    Route("K1", "POST", "/kunjungan/V1", "kunjungan.add", kunjungan.add),
    Route("K1", "POST", "/kunjungan", "kunjungan.add", kunjungan.add),
    Route("K2", "PUT", "/kunjungan/V1", "kunjungan.edit", kunjungan.edit),
    Route("K2", "PUT", "/kunjungan", "kunjungan.edit", kunjungan.edit),
    Route("K3", "DELETE", "/kunjungan/{noKunjungan}", "kunjungan.delete", kunjungan.delete),
    Route("K4", "GET", "/kunjungan/rujukan/{noKunjungan}", "kunjungan.rujukan", rujukan.letter),
    Route("K5", "GET", "/kunjungan/peserta/{noKartu}", "kunjungan.history", kunjungan.history),
    Route("R1", "GET", "/diagnosa/{kata}/{start}/{limit}", "referensi.diagnosa", referensi.diagnosa),
    Route("R2", "GET", "/dokter/{start}/{limit}", "referensi.dokter", referensi.dokter),
    Route("R3", "GET", "/kesadaran", "referensi.kesadaran", referensi.kesadaran),
    Route("R4", "GET", "/poli/fktp/{start}/{limit}", "referensi.poli", referensi.poli),
    Route("R5", "GET", "/provider/{start}/{limit}", "referensi.provider", referensi.provider),
    Route("R6", "GET", "/statuspulang/rawatInap/{rawatInap}", "referensi.statuspulang", referensi.status_pulang),
    Route("R7", "GET", "/alergi/jenis/{jenis}", "referensi.alergi", referensi.alergi),
    Route("R8", "GET", "/prognosa", "referensi.prognosa", referensi.prognosa),
    Route("S1", "GET", "/spesialis", "referensi.spesialis", referensi.spesialis),
    Route("S2", "GET", "/spesialis/{kdSpesialis}/subspesialis", "referensi.subspesialis", referensi.subspesialis),
    Route("S3", "GET", "/spesialis/sarana", "referensi.sarana", referensi.sarana),
    Route("S4", "GET", "/spesialis/khusus", "referensi.khusus", referensi.khusus),
    Route("S5", "GET", "/spesialis/rujuk/subspesialis/{kdSub}/sarana/{kdSarana}/tglEstRujuk/{tgl}",
          "referensi.faskes_rujukan", rujukan.hospitals_by_subspecialist),
    Route("S6", "GET", "/spesialis/rujuk/khusus/{kdKhusus}/noKartu/{noKartu}/tglEstRujuk/{tgl}",
          "referensi.faskes_rujukan", rujukan.hospitals_for_special),
    Route("S7", "GET", "/spesialis/rujuk/khusus/{kdKhusus}/subspesialis/{kdSub}/noKartu/{noKartu}/tglEstRujuk/{tgl}",
          "referensi.faskes_rujukan", rujukan.hospitals_for_special),
    Route("O1", "GET", "/obat/dpho/{kata}/{start}/{limit}", "referensi.dpho", obat.dpho),
    Route("O2", "GET", "/obat/kunjungan/{noKunjungan}", "obat.list", obat.of_visit),
    Route("O3", "POST", "/obat/kunjungan", "obat.add", obat.add),
    Route("O4", "DELETE", "/obat/{kdObatSK}/kunjungan/{noKunjungan}", "obat.delete", obat.delete),
    Route("T1", "GET", "/tindakan/kdTkp/{kdTkp}/{start}/{limit}", "referensi.tindakan", tindakan_reference),
    Route("T2", "GET", "/tindakan/kunjungan/{noKunjungan}", "tindakan.list", TINDAKAN_PART.of_visit),
    Route("T3", "POST", "/tindakan", "tindakan.add", TINDAKAN_PART.add),
    Route("T4", "PUT", "/tindakan", "tindakan.edit", TINDAKAN_PART.edit),
    Route("T5", "DELETE", "/tindakan/{sk}/kunjungan/{noKunjungan}", "tindakan.delete", TINDAKAN_PART.delete),
    Route("M1", "GET", "/MCU/kunjungan/{noKunjungan}", "mcu.list", MCU_PART.of_visit),
    Route("M2", "POST", "/MCU", "mcu.add", MCU_PART.add),
    Route("M3", "PUT", "/MCU", "mcu.edit", MCU_PART.edit),
    Route("M4", "DELETE", "/MCU/{sk}/kunjungan/{noKunjungan}", "mcu.delete", MCU_PART.delete),
    Route("G1", "GET", "/kelompok/club/{jenis}", "referensi.club", kelompok.clubs),
    Route("G2", "GET", "/kelompok/kegiatan/{tgl}", "kegiatan.list", kelompok.activities),
    Route("G3", "GET", "/kelompok/peserta/{eduId}", "kelompok_peserta.list", kelompok.members),
    Route("G4", "POST", "/kelompok/kegiatan", "kegiatan.add", kelompok.add_activity),
    Route("G5", "POST", "/kelompok/peserta", "kelompok_peserta.add", kelompok.add_member),
    Route("G6", "DELETE", "/kelompok/kegiatan/{eduId}", "kegiatan.delete", kelompok.delete_activity),
    Route("G7", "DELETE", "/kelompok/peserta/{eduId}/{noKartu}", "kelompok_peserta.delete", kelompok.delete_member),
)  # fmt: skip

OPERATIONS: Final = {route.operation: route.writes for route in ROUTES}

_BY_SHAPE: Final[dict[tuple[str, int], list[Route]]] = {}
for _route in ROUTES:
    _BY_SHAPE.setdefault((_route.parts[0].lower(), len(_route.parts)), []).append(_route)
_RESOURCES: Final = {resource for resource, _ in _BY_SHAPE}


def find(method: str, segments: tuple[str, ...], query: str) -> tuple[Route, dict[str, str]] | Answer:
    """The route and its path values, or what the gateway or the service says to such a path (pcare §22 #15)."""
    resource = segments[0].lower() if segments else ""
    if resource not in _RESOURCES:
        return plain_text(404, NO_MAPPING)
    if query:
        return request_error_page()
    shaped = _BY_SHAPE.get((resource, len(segments)))
    if shaped is None:
        return request_error_page()
    fitting = [(route, found) for route in shaped if (found := route.match(segments)) is not None]
    if not fitting:
        return plain_text(404, NO_MAPPING)
    return next((pair for pair in fitting if pair[0].method == method), None) or plain_text(405, "Method Not Allowed")
