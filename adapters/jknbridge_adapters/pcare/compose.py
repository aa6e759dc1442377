"""A resolved payload → the exact body (pcare §5.1, §6.2, §8). Asked again with its own result, it answers the same.

Here mapped codes are seen for the first time, so here a visit that the mapping turns into a referral is caught
(status 4 needs ``rujukLanjut``, 6 an internal poli; neither is built) and ``-`` for a drug becomes "not in DPHO".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from jknbridge.reasons import Reason
from jknbridge.targets import Call, Verb
from jknbridge_adapters.pcare import wire
from jknbridge_adapters.pcare.obat import NOT_IN_DPHO

REFERRALS = frozenset({"4", "6"})

Body = dict[str, Any]


def compose(call: Call) -> Mapping[str, Any] | Reason:
    """The body of an add or edit; of a delete the values that its path names."""
    if call.verb is Verb.DELETE:
        return delete_keys(call)
    return _COMPOSERS[call.kind.name](call)


def delete_keys(call: Call) -> dict[str, str]:
    """What the path of D2, K3 or O4 names, from what was accepted and what PCare gave back."""
    held = {**call.payload, **call.sent, **call.values}
    names = _DELETE_KEYS[call.kind.name]
    return {name: str(held.get(name) or "") for name in names}


_DELETE_KEYS: Mapping[str, tuple[str, ...]] = {
    "pendaftaran": ("noKartu", "tglDaftar", "noUrut", "kdPoli"),
    "kunjungan": ("noKunjungan",),
    "obat": ("kdObatSK", "noKunjungan"),
}


def _pendaftaran(call: Call) -> Mapping[str, Any] | Reason:
    return _checked(wire.Pendaftaran, dict(call.payload))


def _kunjungan(call: Call) -> Mapping[str, Any] | Reason:
    if str(call.payload.get("kdStatusPulang")) in REFERRALS:
        return Reason.of("pcare.rujukan_belum")
    number = call.values.get("noKunjungan") if call.verb is Verb.EDIT else None
    return _checked(wire.Kunjungan, {**call.payload, "noKunjungan": number})


def _obat(call: Call) -> Mapping[str, Any] | Reason:
    body = {name: value for name, value in call.payload.items() if name != "noKartu"}
    covered = body.get("kdObat") not in (None, NOT_IN_DPHO)
    body |= {
        "kdObatSK": 0,
        "obatDPHO": covered,
        "kdObat": body.get("kdObat") if covered else None,
        "nmObatNonDPHO": NOT_IN_DPHO if covered else body.get("nmObatNonDPHO"),
    }
    return _checked(wire.Obat, body)


_COMPOSERS: Mapping[str, Callable[[Call], Mapping[str, Any] | Reason]] = {
    "pendaftaran": _pendaftaran,
    "kunjungan": _kunjungan,
    "obat": _obat,
}


def _checked(model: type[BaseModel], body: Body) -> Mapping[str, Any] | Reason:
    try:
        return model.model_validate(body).model_dump()
    except ValidationError as error:
        fields = {str(item["loc"][0]) for item in error.errors(include_input=False, include_url=False) if item["loc"]}
        return Reason.of("pcare.isi_tidak_sah", fields=", ".join(sorted(fields)))
