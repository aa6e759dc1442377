"""Which thing a write is about, told from the request alone, so that a request whose answer was lost can be judged.

The names are those of the effects and of the rows that reads show: a table from operation to function.
"""

from collections.abc import Callable, Mapping
from typing import Final

from jknbridge_adapters.pcare.sandbox.kelompok import kegiatan_identity, month_of
from jknbridge_adapters.pcare.sandbox.obat import line_identity, own_identity
from jknbridge_adapters.pcare.sandbox.reference import Row
from jknbridge_adapters.pcare.sandbox.state import Member, State, kunjungan_identity, pendaftaran_identity

NATURAL: Final = frozenset(
    f"{kind}.{verb}" for kind in ("pendaftaran", "kunjungan") for verb in ("add", "edit", "delete")
)
"""Operations on what PCare takes only once (pcare §14)."""


def identities(operation: str, state: State, params: Row, body: Row) -> tuple[str, ...]:
    return (_NAMES[operation](state, params, body),)


def _visit(state: State, number: object) -> str:
    """By its number, gone or not; a number never given names itself."""
    visit = state.visits.ever(str(number))
    return visit.identity if visit else f"kunjungan#{number}"


def _activity(state: State, edu_id: str) -> str:
    activity = state.activities.ever(edu_id)
    return activity.own if activity else f"kegiatan:{month_of('')}|#{edu_id}"


_GIVEN: Final = {"obat": ("kdObatSK", "kdRacikan"), "tindakan": ("kdTindakanSK",), "mcu": ("kdMCU",)}


def _add_line(part: str) -> Callable[[State, Row, Row], str]:
    return lambda state, params, body: line_identity(part, body.get("noKunjungan"), body, _GIVEN[part])


def _edit_line(part: str) -> Callable[[State, Row, Row], str]:
    return lambda state, params, body: own_identity(part, body.get("noKunjungan"), body.get(_GIVEN[part][0]))


def _delete_line(part: str, sk: str) -> Callable[[State, Row, Row], str]:
    return lambda state, params, body: own_identity(part, params["noKunjungan"], params[sk])


_NAMES: Final[Mapping[str, Callable[[State, Row, Row], str]]] = {
    "pendaftaran.add": lambda s, p, b: pendaftaran_identity(b.get("tglDaftar"), b.get("noKartu"), b.get("kdPoli")),
    "pendaftaran.delete": lambda s, p, b: pendaftaran_identity(p["tgl"], p["noKartu"], p["kdPoli"]),
    "kunjungan.add": lambda s, p, b: kunjungan_identity(b.get("noKartu"), b.get("tglDaftar"), b.get("kdPoli")),
    "kunjungan.edit": lambda s, p, b: _visit(s, b.get("noKunjungan")),
    "kunjungan.delete": lambda s, p, b: _visit(s, p["noKunjungan"]),
    "obat.add": _add_line("obat"),
    "obat.delete": _delete_line("obat", "kdObatSK"),
    "tindakan.add": _add_line("tindakan"),
    "tindakan.edit": _edit_line("tindakan"),
    "tindakan.delete": _delete_line("tindakan", "sk"),
    "mcu.add": _add_line("mcu"),
    "mcu.edit": _edit_line("mcu"),
    "mcu.delete": _delete_line("mcu", "sk"),
    "kegiatan.add": lambda s, p, b: kegiatan_identity(b),
    "kegiatan.delete": lambda s, p, b: _activity(s, p["eduId"]),
    "kelompok_peserta.add": lambda s, p, b: Member(str(b.get("eduId")), str(b.get("noKartu"))).identity,
    "kelompok_peserta.delete": lambda s, p, b: Member(p["eduId"], p["noKartu"]).identity,
}
