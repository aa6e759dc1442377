"""Every command once for people and once for machines, with its exit code."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from jknbridge.cli.group import BUILT_IN


async def _day(place: Any) -> None:
    """One visit accepted, one refused, one without mapping, one drug row."""
    place.publish(place.patient(), place.encounter(), place.observation("o1"))
    await place.settle(0, 61)
    place.far.faults["daftar.add"] = deque(["refused"])
    start = {"start": "2026-01-06T01:00:00+00:00"}
    place.publish(place.encounter("enc-2", status="arrived", period=start))
    baru = [{"location": {"reference": "Location/baru"}}]
    place.publish(place.encounter("enc-3", status="arrived", location=baru))
    await place.settle(0)


async def test_lists_and_shows(place: Any) -> None:
    await _day(place)
    found = place.run("submissions", "list", "--json")
    assert found.code == 0
    assert found.data["total"] == len(found.data["submissions"])
    parked = place.run("submissions", "list", "--work", "parked", "--json").data["submissions"]
    assert {row["hold"] for row in parked} == {"refused", None}
    refused = next(row for row in parked if row["hold"])
    assert refused["reason"]["id"] == "Ditolak oleh tujuan uji"
    assert refused["reason"]["en"] == "Refused by the test target"
    assert "Ditolak oleh tujuan uji" in place.run("submissions", "list").out
    shown = place.run("submissions", "show", refused["id"], "--json").data
    assert [row["outcome"] for row in shown["requests"]] == ["refused"]
    assert "contents" not in shown
    assert "0009999000011" not in place.run("submissions", "show", refused["id"]).out
    journeys = place.run("journeys", "list", "--json").data
    assert journeys["total"] == 3
    for name in ("Encounter/enc-1", "emr/Encounter/enc-1", "enc-1", str(journeys["journeys"][0]["id"])):
        assert place.run("journeys", "show", name).code == 0
    one = place.run("journeys", "show", "Encounter/enc-1", "--json").data
    assert [row["kind"] for row in one["facts"]] == ["orang"]
    assert {row["kind"] for row in one["submissions"]} == {"daftar", "layanan", "baris"}


async def test_contents_are_opened_on_request_and_that_is_audited(place: Any) -> None:
    await _day(place)
    ident = place.run("submissions", "list", "--kind", "daftar", "--held", "present", "--json").data["submissions"][0][
        "id"
    ]
    shown = place.run("submissions", "show", ident, "--isi", "--oleh", "ani", "--alasan", "pasien bertanya", "--json")
    assert shown.data["contents"]["accepted"]["resolved"]["kartu"] == "0009999000011"
    (entry,) = place.run("audit", "--json").data["audit"]
    assert (entry["who"], entry["action"], entry["why"]) == ("ani", "lihat isi", "pasien bertanya")


async def test_decisions_from_the_shell(place: Any) -> None:
    await _day(place)
    refused = place.run("submissions", "list", "--hold", "refused", "--json").data["submissions"][0]["id"]
    done = place.run("submissions", "retry", refused, "--oleh", "ani", "--json")
    assert (done.code, done.data["submissions"][0]["work"]) == (0, "ready")
    again = place.run("submissions", "release", refused)
    assert again.code == 5
    assert again.err.startswith("jknbridge: ")
    failed = place.run("submissions", "retry", 9999, "--json")
    assert (failed.code, failed.data["error"]["code"]) == (5, 5)
    assert place.run("submissions", "settle", refused).code == 2
    assert place.run("submissions", "settle", refused, "--ada", "D1").code == 2
    assert place.run("submissions", "release").code == 2
    assert place.run("journeys", "retry", "Encounter/enc-2", "--json").code == 0
    await place.settle(0)
    assert place.states()["daftar enc-2"] == ("present", "none")


async def test_mappings_from_the_shell_and_a_file(place: Any, tmp_path: Path) -> None:
    await _day(place)
    work = place.run("mapping", "list", "--json").data["work_list"]
    assert [(row["local"], row["waiting"]) for row in work] == [("Location/baru", 1)]
    assert "Location/baru" in place.run("mapping", "list").out
    file = tmp_path / "peta.csv"
    assert place.run("mapping", "export", file, "--kerja").code == 0
    file.write_text(file.read_text("utf-8-sig").replace("Location/baru,,", "Location/baru,007,"))
    done = place.run("mapping", "import", file, "--json").data
    assert (done["written"], len(done["released"]), done["nobody_asked"]) == (1, 1, [])
    await place.settle(0)
    assert place.states()["daftar enc-3"] == ("present", "none")
    slip = place.run("mapping", "set", "memori.polli", "Location/x", "1")
    assert "nobody waits" in slip.out
    assert place.run("mapping", "remove", "memori.polli", "Location/x", "--json").data == {"removed": 1}
    assert place.run("mapping", "remove", "memori.polli", "Location/x").code == 5
    assert "Location/umum" in place.run("mapping", "export").out


async def test_proposals_from_the_shell(place: Any) -> None:
    place.publish(place.patient(), place.encounter())
    await place.settle(0, 61)
    place.map("memori.poli", "Location/gigi", "002")
    place.publish(place.encounter(version=2, location=[{"location": {"reference": "Location/gigi"}}]))
    await place.settle(0, 61)
    (proposal,) = place.run("proposals", "list", "--json").data["proposals"]
    shown = place.run("proposals", "show", proposal["id"], "--json").data
    assert shown["changed_fields"] == ["poli"]
    assert [(row["kind"], row["obstacle"]) for row in shown["chain"]] == [("daftar", None), ("layanan", None)]
    assert "layanan" in place.run("proposals", "show", proposal["id"]).out
    assert place.run("proposals", "refuse", 999).code == 5
    done = place.run("proposals", "accept", proposal["id"], "--json").data
    assert [row["kind"] for row in done["submissions"]] == ["daftar", "layanan"]
    await place.settle(0, 61)
    assert place.run("proposals", "list", "--json").data["total"] == 0
    assert place.run("proposals", "list", "--keadaan", "accepted", "--json").data["total"] == 1


async def test_several_decisions_are_one(place: Any) -> None:
    await _day(place)
    refused = place.run("submissions", "list", "--hold", "refused", "--json").data["submissions"][0]["id"]
    assert place.run("submissions", "retry", refused, 9999).code == 5
    assert place.run("submissions", "list", "--hold", "refused", "--json").data["total"] == 1
    assert place.run("audit", "--json").data["total"] == 0


# --- without a ledger -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("report",), ("submissions", "list"), ("journeys", "list"), ("mapping", "list")])
def test_a_missing_ledger_is_said_and_not_made(shell: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = shell(*command)
    assert ended.code == 3
    assert "belum ada buku besar" in ended.err
    assert not list(tmp_path.glob("*.sqlite3*"))


def test_mappings_may_be_set_before_the_first_start(shell: Any) -> None:
    assert shell("mapping", "set", "memori.poli", "Location/umum", "001").code == 0
    assert shell("mapping", "list", "--json").data["mappings"][0]["code"] == "001"


def test_migrate_makes_a_ledger_and_may_be_repeated(shell: Any) -> None:
    first, second = shell("migrate", "--json").data, shell("migrate", "--json").data
    assert first["ledger"] == second["ledger"]
    assert first["key_made"]
    assert second["key_made"] is None


def test_the_ledger_may_be_named_on_the_command_line(shell: Any, tmp_path: Path) -> None:
    other = tmp_path / "lain.sqlite3"
    assert shell("migrate", "--ledger", other).code == 0
    assert other.exists()
    assert shell("--ledger", str(other), "--json", "report").data["ok"] is True


def test_a_wrong_config_is_one_readable_error(shell: Any) -> None:
    shell.config.write_text("[faskes.1]\nnama='x'\nzona='WIB'\n[faskes.1.tidak_ada]\nmulai=2026-01-01\n")
    ended = shell("report", "--json")
    assert ended.code == 3
    assert "no plugin brings the target 'tidak_ada'" in ended.data["error"]["text"]
    assert "Traceback" not in ended.err


def test_help_names_every_command_and_exit_code(shell: Any) -> None:
    ended = shell("--help")
    assert ended.code == 0
    assert all(name in ended.out for name in BUILT_IN)
    assert all(f"\n  {code} " in ended.out for code in (0, 1, 2, 3, 4, 5, 70, 130))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_command_has_help_and_json(shell: Any, name: str) -> None:
    ended = shell(name, "--help")
    assert ended.code == 0
    assert "--json" in ended.out
    assert "--config" in ended.out


def test_an_unknown_command_is_a_usage_error(shell: Any) -> None:
    assert shell("submissionz").code == 2


async def test_a_plan_of_a_file_says_what_would_be_sent(place: Any, tmp_path: Path) -> None:
    file = tmp_path / "enc.json"
    file.write_text(json.dumps(place.encounter()))
    ended = place.run("plan", file, "--json")
    assert ended.code == 0
    (journey,) = ended.data["journeys"]
    assert journey["anchor"].endswith("Encounter/enc-1")
