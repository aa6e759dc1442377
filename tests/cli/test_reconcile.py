"""From a row that staff deleted to the decision to add it again, all by command beside a ledger."""

from __future__ import annotations

import asyncio
from typing import Any


async def test_what_staff_deleted_is_added_again_only_on_explicit_request(place: Any) -> None:
    place.publish(place.patient(), place.encounter(status="arrived"))
    await place.settle(0)
    place.clock.advance(3600)  # past the time that reads may lag
    same = await asyncio.to_thread(place.run, "reconcile", "--tanggal", "2026-01-05", "--json")
    assert (same.code, same.data["days"][0]["same"]) == (0, 1)
    place.far.rows.clear()
    gone = await asyncio.to_thread(place.run, "reconcile", "--tanggal", "2026-01-05", "--json")
    assert (gone.code, gone.data["days"][0]["gone"]) == (1, 1)
    await place.settle(0, 61)
    assert place.states()["daftar enc-1"] == ("absent", "parked")
    assert place.far.requests["daftar.add"] == 1
    (held,) = place.run("submissions", "list", "--hold", "gone", "--json").data["submissions"]
    assert place.run("submissions", "retry", held["id"]).code == 5
    assert place.run("submissions", "retry", held["id"], "--tambah-lagi").code == 0
    await place.settle(0)
    assert place.far.requests["daftar.add"] == 2
