"""The code lists PCare offers for mapping (pcare §2 R1-R8, §3, §7): where each is read, and which fields name a row.

Lists are read at run time and never copied into the program: polis and doctors are each facility's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jknbridge_adapters.pcare.reading import Reader, Reading, at


@dataclass(frozen=True, slots=True)
class CodeList:
    """``name`` as in ``Code("pcare.poli", …)``. ``paged``: the path takes ``/{start}/{limit}``."""

    name: str
    path: tuple[str, ...]
    code: str
    label: str
    paged: bool = False
    source: str = ""


LISTS: Mapping[str, CodeList] = {
    one.name: one
    for one in (
        CodeList("pcare.poli", ("poli", "fktp"), "kdPoli", "nmPoli", True, "R4"),
        CodeList("pcare.dokter", ("dokter",), "kdDokter", "nmDokter", True, "R2"),
        CodeList("pcare.kesadaran", ("kesadaran",), "kdSadar", "nmSadar", source="R3"),
        CodeList(
            "pcare.status_pulang",
            ("statuspulang", "rawatInap", "false"),
            "kdStatusPulang",
            "nmStatusPulang",
            source="R6",
        ),
        CodeList("pcare.prognosa", ("prognosa",), "kdPrognosa", "nmPrognosa", source="R8"),
        CodeList("pcare.alergi_makan", ("alergi", "jenis", "01"), "kdAlergi", "nmAlergi", source="R7"),
        CodeList("pcare.alergi_udara", ("alergi", "jenis", "02"), "kdAlergi", "nmAlergi", source="R7"),
        CodeList("pcare.alergi_obat", ("alergi", "jenis", "03"), "kdAlergi", "nmAlergi", source="R7"),
    )
}
"""Every list that the translation maps to, but ``pcare.obat``: DPHO is searched by name (O1), not listed."""


async def read(reader: Reader, wanted: CodeList) -> Reading:
    return await (reader.paged(*wanted.path) if wanted.paged else reader.whole(*wanted.path))


def as_codes(wanted: CodeList, rows: Reading) -> list[dict[str, str]]:
    """``[{"code": "001", "name": "POLI UMUM"}]``; a poli also says ``poliSakit``, which must agree with kunjSakit."""
    found = []
    for row in getattr(rows, "rows", ()):
        one = {"code": at(row, wanted.code), "name": at(row, wanted.label)}
        if "poliSakit" in row:
            one["poliSakit"] = str(row["poliSakit"]).lower()
        found.append(one)
    return found
