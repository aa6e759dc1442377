"""What is in force and where it comes from, without a secret; and what doctor finds."""

from __future__ import annotations

import os
from typing import Any

import pytest
from aiohttp import web
from pydantic import Field, SecretStr

from jknbridge.cli.common import App
from jknbridge.cli.doctor import _clocks, _credentials, _skew
from jknbridge.settings import TargetSettings


class _Settings(TargetSettings):
    username: str = Field(description="Account")
    password: SecretStr = Field(description="Its password")


@pytest.fixture
def secretive(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    shell.plugin.adapter.settings = _Settings
    shell.config.write_text(shell.config.read_text() + 'username = "uji"\npassword = "Sandi#1/uji"\n')
    monkeypatch.setenv("JKNBRIDGE__WAKTU__TOTAL", "12")
    monkeypatch.setenv("JKNBRIDGE__LEDGER__KUNCI", "ab" * 32)
    return shell


def test_every_setting_with_its_origin_and_no_secret(secretive: Any) -> None:
    ended = secretive("config", "show", "--json")
    rows = {row["key"]: row for row in ended.data["settings"]}
    assert rows["faskes.99990001.memori.password"]["value"] == "********"
    assert rows["faskes.99990001.memori.username"] == {
        "key": "faskes.99990001.memori.username",
        "value": "uji",
        "source": "berkas",
        "secret": False,
        "description": "Account",
    }
    assert (rows["waktu.total"]["value"], rows["waktu.total"]["source"]) == (12.0, "lingkungan")
    assert (rows["ledger.kunci"]["value"], rows["ledger.kunci"]["source"]) == ("********", "lingkungan")
    assert (rows["waktu.connect"]["value"], rows["waktu.connect"]["source"]) == (5.0, "bawaan")
    assert all(row["description"] for row in rows.values())
    for out in (ended.out, secretive("config", "show").out, secretive("config", "show", "--semua").out):
        assert "Sandi" not in out
        assert "abab" not in out
    assert (
        secretive("config", "show", "--ledger", "/tmp/x.sqlite3", "--json").data["settings"][0]["source"] == "--ledger"
    )


def test_doctor_before_the_first_start_and_after(secretive: Any) -> None:
    first = secretive("doctor", "--json")
    assert first.code == 0
    assert {row["name"]: row["state"] for row in first.data["checks"]} == {
        "config": "ok",
        "plugins": "ok",
        "kredensial 99990001/memori": "ok",
        "buku besar": "peringatan",
    }
    assert secretive("migrate").code == 0
    after = {row["name"]: row["state"] for row in secretive("doctor", "--json").data["checks"]}
    assert (after["buku besar"], after["tulis"]) == ("ok", "ok")


def test_doctor_finds_a_key_that_others_can_read_and_an_empty_password(shell: Any) -> None:
    assert shell("migrate").code == 0
    os.chmod(shell.config.parent / "ledger.kunci", 0o644)
    ended = shell("doctor", "--tanpa-jaringan", "--json")
    assert ended.code == 1
    (bad,) = [row for row in ended.data["checks"] if row["state"] == "gagal"]
    assert (bad["name"], "chmod 600" in bad["text"]) == ("berkas kunci", True)
    own = _Settings.model_validate({"mulai": "2026-01-01", "base_url": "x", "username": "GANTI", "password": " "})
    finding = _credentials("1/uji", own)
    assert (finding.state, finding.text) == ("gagal", "kosong / empty: username, password")


async def test_the_targets_clock_is_read_from_its_date(shell: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"Date": "Mon, 05 Jan 2026 02:00:00 GMT"})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    text = shell.config.read_text().replace("memory://99990001", f"http://127.0.0.1:{port}/pcare-rest")
    shell.config.write_text(text)
    findings = await _clocks(App(config=shell.config, extra=[shell.plugin], entry_points=False).settings)
    await runner.cleanup()
    assert [(one.name, one.state) for one in findings] == [("jam 99990001/memori", "gagal")]
    again = await _clocks(App(config=shell.config, extra=[shell.plugin], entry_points=False).settings)
    assert [one.state for one in again] == ["peringatan"]
    assert _skew("jam", None, 200).state == "peringatan"


def test_adapters_list_names_kinds_and_hooks(shell: Any) -> None:
    found = shell("adapters", "list", "--json").data
    assert [target["target"] for target in found["targets"]] == ["memori"]
    kinds = {kind["kind"]: kind["operations"] for kind in found["targets"][0]["kinds"]}
    assert kinds == {"daftar": ["add", "delete"], "layanan": ["add", "edit", "delete"], "baris": ["add", "delete"]}
    assert "layanan" in shell("adapters", "list").out
