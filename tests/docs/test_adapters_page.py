"""The adapter on docs/adapters.md, run as it is printed there: loaded by the config, against a register over HTTP."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from jknbridge.plugins import build
from jknbridge.settings import load
from jknbridge.testing.bench import Bench

PAGE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CONFIG = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]


class Register:
    """The district's register: refuses a second line with the same kunci, and loses one answer when told to."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []
        self.lose = 0
        self.removed = asyncio.Event()

    async def add(self, request: web.Request) -> web.Response:
        row = await request.json()
        self.requests.append("POST")
        if any(held["kunci"] == row["kunci"] for held in self.rows.values()):
            return web.json_response({}, status=409)
        number = f"T{len(self.requests)}"
        self.rows[number] = {"nomor": number, **row}
        if self.lose:
            self.lose -= 1
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"nomor": number}, status=201)

    async def day(self, request: web.Request) -> web.Response:
        self.requests.append("GET")
        return web.json_response([row for row in self.rows.values() if row["hari"] == request.match_info["hari"]])

    async def remove(self, request: web.Request) -> web.Response:
        self.requests.append("DELETE")
        self.removed.set()
        return web.json_response({}, status=200 if self.rows.pop(request.match_info["nomor"], None) else 404)


@pytest.fixture
async def register() -> AsyncIterator[tuple[Register, str]]:
    made = Register()
    app = web.Application()
    app.add_routes(
        [
            web.post("/kunjungan", made.add),
            web.get("/kunjungan/{hari}", made.day),
            web.delete("/kunjungan/{nomor}", made.remove),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Both files of the page, side by side."""
    assert len(CODE) == 1
    (tmp_path / "buku_kunjungan.py").write_text(CODE[0], encoding="utf-8")
    (tmp_path / "jknbridge.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


DAY = datetime.now(ZoneInfo("Asia/Jakarta")).date()
"""Within the amendment window, so that a cancellation goes unattended."""


def encounter(status: str, version: int) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": status,
        "meta": {"lastUpdated": datetime(2026, 2, 1, 9, version, tzinfo=UTC).isoformat()},
        "period": {"start": f"{DAY}T09:00:00+07:00"},
        "serviceProvider": {"reference": "Organization/99990001"},
    }


def test_the_config_is_accepted_as_it_stands(folder: Path) -> None:
    plugins = build(files=[folder / "buku_kunjungan.py"], entry_points=False)
    settings = load(folder / "jknbridge.toml", plugins)
    assert settings.plugins == [folder / "buku_kunjungan.py"]
    assert settings.faskes["99990001"].targets["buku"].base_url == "http://127.0.0.1:8099"


async def test_a_visit_is_entered_once_and_taken_back(folder: Path, register: tuple[Register, str]) -> None:
    book, url = register
    book.lose = 1
    faskes = tomllib.loads(CONFIG)["faskes"]
    faskes["99990001"]["buku"]["base_url"] = url
    bench = Bench(folder, build(files=[folder / "buku_kunjungan.py"], entry_points=False), faskes)
    bench.publish(encounter("in-progress", 1))
    await bench.start()
    await bench.until_closed()
    assert bench.states() == {"baris e1": ("absent", "waiting")}

    bench.publish(encounter("finished", 2))
    await bench.until_closed()
    assert bench.states() == {"baris e1": ("present", "none")}
    assert [row["hari"] for row in book.rows.values()] == [DAY.isoformat()]
    assert book.requests == ["POST", "GET"]  # the answer was lost, so it was looked up and not sent again

    bench.publish(encounter("cancelled", 3))
    await asyncio.wait_for(book.removed.wait(), 10)
    await bench.until_closed()
    await bench.stop()
    bench.close()
    assert [name for name in book.requests if name != "GET"] == ["POST", "DELETE"]
