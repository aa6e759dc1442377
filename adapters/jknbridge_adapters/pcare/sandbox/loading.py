"""`POST /_sandbox/load`: synthetic participants, facilities, doctors, polis on top of the defaults.

Each list is checked whole before anything changes.
"""

from collections.abc import Mapping
from typing import Any, Final

from jknbridge.sandbox.target import LoadError
from jknbridge_adapters.pcare.sandbox.people import default_facilities, default_participants, facility, participant
from jknbridge_adapters.pcare.sandbox.state import State

_KEYS: Final = ("facilities", "participants", "doctors", "polis")


def load_defaults(state: State) -> None:
    state.facilities = {place.code: place for place in default_facilities()}
    names = state.provider_names()
    for row in default_participants():
        state.add_participant(participant(row, names))


def load(state: State, document: Mapping[str, Any]) -> dict[str, int]:
    """Returns how many of each.

    Doctors are `{facility, kdDokter, nmDokter}`, polis `{facility, kdPoli, nmPoli, poliSakit}`.
    """
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        raise LoadError(f"unknown key {', '.join(unknown)}; known: target, {', '.join(_KEYS)}")
    lists = {key: _objects(key, document.get(key, [])) for key in _KEYS}

    places = [facility(row) for row in lists["facilities"]]
    known = {**state.facilities, **{place.code: place for place in places}}
    people = [participant(row, {code: place.name for code, place in known.items()}) for row in lists["participants"]]
    for row, code in (
        (row, code) for key, code in (("doctors", "kdDokter"), ("polis", "kdPoli")) for row in lists[key]
    ):
        if row.get("facility") not in known or not isinstance(row.get(code), str):
            raise LoadError(f"a row needs a known facility and a text {code}; facilities: {', '.join(known)}")

    state.facilities = known
    for person in people:
        state.add_participant(person)
    for row in lists["doctors"]:
        known[row["facility"]].doctors[row["kdDokter"]] = str(row.get("nmDokter", "dr. Uji"))
    for row in lists["polis"]:
        poli = {
            "kdPoli": row["kdPoli"],
            "nmPoli": str(row.get("nmPoli", "POLI")),
            "poliSakit": row.get("poliSakit", True),
        }
        known[row["facility"]].polis[row["kdPoli"]] = poli
    return {key: len(rows) for key, rows in lists.items() if rows}


def _objects(key: str, rows: Any) -> list[Mapping[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LoadError(f"{key} is a list of objects")
    return rows
