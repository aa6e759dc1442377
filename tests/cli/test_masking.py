"""Canaries: a card, a NIK and configured secrets, thrown at every way out of the program."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import Any

import click
import pytest
import structlog
from pydantic import BaseModel, SecretStr

from jknbridge.cli.common import App, pass_app, shared_options
from jknbridge.logs import configure
from jknbridge.masking import Masker, MaskFilter, secrets_of
from jknbridge.spec import hookimpl

CARD, NIK, SECRET = "0009999000011", "9999010101900001", "Sandi#99990001/x"
CANARIES = (CARD, NIK, SECRET)


@pytest.fixture
def masker() -> Masker:
    return Masker([SECRET])


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        f"noKartu={CARD}&x=1",
        f"/peserta/{CARD}",
        f"{{'noKartu': '{CARD}', 'nik': '{NIK}'}}",
        f"x{NIK}y",
        f"{SECRET}",
        f"https://u:Sandi%2399990001%2Fx@host/{CARD}",
        repr({"password": SECRET}),
    ],
)
def test_nothing_recognisable_is_left(masker: Masker, text: str) -> None:
    masked = masker.text(text)
    assert not any(canary in masked for canary in CANARIES)
    assert "Sandi" not in masked


@pytest.mark.parametrize(
    "text", ["", "A3", "12345678901234", "2026-01-05T02:00:00Z", "noUrut A12", "1" * 17, "pid 4711"]
)
def test_other_text_is_left_as_it_is(masker: Masker, text: str) -> None:
    assert masker.text(text) == text


def test_values_of_any_shape_are_masked(masker: Masker) -> None:
    class Odd:
        def __repr__(self) -> str:
            return f"<Odd {CARD}>"

    event = {
        "event": f"gagal {CARD}",
        "n": int(NIK),
        "list": [CARD, (NIK,)],
        "map": {CARD: {"x": NIK}},
        "bytes": NIK.encode(),
        "odd": Odd(),
        "error": ValueError(CARD),
        "small": 7,
        "yes": True,
        "none": None,
    }
    masked = masker.processor(None, "info", dict(event))
    assert not any(canary in json.dumps(masked) for canary in CANARIES)
    assert (masked["small"], masked["yes"], masked["none"]) == (7, True, None)


def test_secrets_are_found_in_settings() -> None:
    class Inner(BaseModel):
        password: SecretStr = SecretStr(SECRET)
        tambahan: dict[str, Any] = {"ssl_password": "rahasia-ssl", "retries": 3}
        url: str = "postgresql://jkn:rahasia-db@host/db"
        kunci_file: str = "/etc/kunci"

    class Outer(BaseModel):
        inner: dict[str, Inner] = {"a": Inner()}

    assert set(secrets_of(Outer())) == {SECRET, "rahasia-ssl", "rahasia-db"}


@pytest.mark.parametrize("form", ["json", "teks"])
def test_no_log_line_shows_one(masker: Masker, form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = logging.getLogger("kafka")  # as before the Kafka room put its funnel there, if another test made it
    for name, value in (("handlers", []), ("filters", []), ("propagate", True)):
        monkeypatch.setattr(kafka, name, value)
    out = io.StringIO()
    handler = configure(masker, level="DEBUG", form=form, stream=out)
    try:
        structlog.get_logger("jknbridge.uji").info("terkirim", noKartu=CARD, body={"nik": NIK})
        logging.getLogger("lain").warning("body %s %s", {"kartu": CARD}, NIK)
        try:
            raise RuntimeError(f"{CARD} ditolak: {SECRET}")
        except RuntimeError:
            structlog.get_logger("jknbridge.uji").exception("gagal")
            logging.getLogger("lain").exception("gagal juga %s", NIK)
        logging.getLogger("kafka.conn").debug("key %s", CARD)
        logging.getLogger("kafka.conn").error("putus", exc_info=RuntimeError(CARD))
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.reset_defaults()
    lines = out.getvalue()
    assert not any(canary in lines for canary in CANARIES)
    assert "RuntimeError" in lines  # the traceback itself is kept
    assert "key " not in lines  # Kafka's DEBUG stays shut
    if form == "json":
        parsed = [json.loads(line) for line in lines.splitlines()]
        assert parsed[0]["event"] == "terkirim"
        assert [line for line in parsed if line["logger"] == "kafka.conn"][-1].get("exception") is None


def test_a_plain_handler_can_be_filtered_too(masker: Masker) -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(MaskFilter(masker))
    logger = logging.Logger("sendiri")
    logger.addHandler(handler)
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        logger.exception("kartu %s", CARD)
    assert "RuntimeError" in out.getvalue()
    assert not any(canary in out.getvalue() for canary in CANARIES)


def test_a_defect_ends_with_a_masked_trace_and_its_own_exit_code(shell: Any) -> None:
    @click.command("meledak")
    @shared_options
    @pass_app
    def explode(app: App) -> None:
        raise RuntimeError(f"{CARD} {NIK}")

    class Plugin(type(shell.plugin)):  # type: ignore[misc]
        @hookimpl
        def jknbridge_commands(self) -> list[click.Command]:
            return [explode]

    shell.plugin = Plugin()
    ended = shell("meledak", "--json")
    assert ended.code == 70
    assert "RuntimeError" in ended.err
    assert not any(canary in ended.err + ended.out for canary in CANARIES)


def test_masking_is_cheap(masker: Masker) -> None:
    line = "reconciled facility=99990001 target=pcare day=2026-01-05 outcome=read same=41 gone=0 changed=0 foreign=0"
    began = time.perf_counter()
    for _ in range(2000):
        masker.text(line)
    assert (time.perf_counter() - began) / 2000 < 200e-6
