"""A planning configuration out of nothing, for the integrator who has FHIR files and no config yet.

One facility stands for whatever ``Encounter.serviceProvider`` names, in WIB, with no first day; every adapter that can
be configured with placeholders is a target of it. What was guessed is said in words: nobody should take a plan made
with it for what their own configuration would do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from jknbridge.fhir.records import Entry
from jknbridge.plugins import Plugins
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import FacilitySettings, Settings, TargetSettings

register_all(
    {
        "rencana.faskes_tebakan": (
            "Tanpa konfigurasi: faskes {kode} ditebak dari serviceProvider ({names}), zona WIB, mulai {mulai}",
            "No config: facility {kode} is a guess from serviceProvider ({names}), zone WIB, first day {mulai}",
            "IT",
        ),
        "rencana.tanpa_faskes": (
            "Tanpa berkas konfigurasi, dan tidak ada Encounter.serviceProvider: tidak ada faskes yang dapat ditebak",
            "No config file, and no Encounter.serviceProvider: there is no facility to guess",
            "integrator",
        ),
        "rencana.tujuan_perlu_konfigurasi": (
            "Tujuan {target} tidak ikut: pengaturannya ({fields}) harus ada di berkas konfigurasi",
            "The target {target} is left out: its settings ({fields}) need a config file",
            "IT",
        ),
    }
)

FIRST_DAY = date(1970, 1, 1)
_CODE = re.compile(r"(?=.*\d)[0-9A-Z]{8}")
_UNKNOWN = "00000000"
_PLACEHOLDERS: Mapping[str, Any] = {"mulai": FIRST_DAY, "base_url": "http://127.0.0.1:9"}


def guessed(plugins: Plugins, entries: Iterable[Entry]) -> tuple[Settings, list[Reason]]:
    """Settings for planning only, and what was guessed in them."""
    names = sorted({name for entry in entries if entry.type == "Encounter" for name in _providers(entry)})
    if not names:
        return Settings(), [Reason.of("rencana.tanpa_faskes")]
    kode = next((code for name in names if _CODE.fullmatch(code := re.split(r"[/|]", name)[-1])), _UNKNOWN)
    shown = ", ".join(names)
    notes = [Reason.of("rencana.faskes_tebakan", kode=kode, names=shown, mulai=FIRST_DAY.isoformat())]
    targets: dict[str, TargetSettings] = {}
    for target, adapter in plugins.adapters.items():
        made = _placeholders(target, adapter.settings)
        if isinstance(made, Reason):
            notes.append(made)
        else:
            targets[target] = made
    facility = FacilitySettings(nama=f"Faskes {kode}", zona="WIB", organisasi=names, targets=targets)
    return Settings(faskes={kode: facility}), notes


def _providers(entry: Entry) -> Iterator[str]:
    provider = (entry.content or {}).get("serviceProvider")
    if not isinstance(provider, Mapping):
        return
    if isinstance(reference := provider.get("reference"), str) and "/" in reference:
        yield "/".join(reference.rstrip("/").split("/")[-2:])
    held = provider.get("identifier")
    if isinstance(held, Mapping) and isinstance(held.get("value"), str):
        yield f"{held.get('system')}|{held['value']}"


def _placeholders(target: str, model: type[TargetSettings]) -> TargetSettings | Reason:
    values = {name: _placeholder(name, field) for name, field in model.model_fields.items() if field.is_required()}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fields = sorted({str(item["loc"][0]) for item in error.errors(include_input=False) if item["loc"]})
        return Reason.of("rencana.tujuan_perlu_konfigurasi", target=target, fields=", ".join(fields))


def _placeholder(name: str, field: FieldInfo) -> Any:
    if name in _PLACEHOLDERS:
        return _PLACEHOLDERS[name]
    return 1 if field.annotation in (int, float) else "rencana"
