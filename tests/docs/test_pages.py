"""Hand-written pages: their paths and links exist, their commands and options exist, their configs are accepted."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from jknbridge.cli.common import App
from jknbridge.cli.group import cli
from jknbridge.contacts import KINDS, TOPIC
from jknbridge.plugins import Plugins
from jknbridge.settings import load, parse
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.topics import FHIR_TOPICS, needed

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
OURS = [page for page in PAGES if page.name != "guarantees.md"]
_ROOMS = r"(?:plugin|adapters|consumers|tests|docs|docker|benchmarks)"
_PATH = re.compile(rf"`({_ROOMS}/[\w./-]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in _BLOCK.findall(read(page)) if name == language]


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_paths_and_links_exist(page: Path) -> None:
    text = read(page)
    missing = [path for path in _PATH.findall(text) if not (ROOT / path).exists()]
    missing += [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_linked_from_the_newcomers_page() -> None:
    index = read(ROOT / "docs" / "index.md")
    others = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "index.md"]
    assert [name for name in others if f"]({name})" not in index] == []


# --- commands ---------------------------------------------------------------------------------------------------------


def lines(page: Path) -> Iterator[str]:
    """Every ``jknbridge …`` of a page: in a shell block, a unit file, or between backticks."""
    text = read(page)
    for body in (*blocks(page, "sh"), *blocks(page, "ini")):
        for line in body.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|/bin/)jknbridge (.*)", line.strip())
            if found:
                yield found[1]
    yield from re.findall(r"`jknbridge ([^`]+)`", _BLOCK.sub("", text))


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path, plugins: Plugins) -> None:
    app = App()
    app.plugins = plugins
    context = click.Context(cli, obj=app)
    for line in lines(page):
        words = shlex.split(line.replace("<", "").replace(">", ""), comments=True)
        command: click.Command = cli
        options = set(cli.params)
        for word in words:
            below = command.get_command(context, word) if isinstance(command, click.Group) else None
            if below is not None:
                command = below
                options |= set(below.params)
        assert command is not cli, line
        if isinstance(command, click.Group):
            assert words[-1] == command.name or words[-1].startswith(("-", "[")), line
        known = {name for option in options for name in option.opts}
        assert [word for word in words if word.startswith("--") and word.split("=")[0] not in known] == [], line


def test_the_readme_has_its_two_commands_first_and_they_are_there() -> None:
    commands = [body.strip() for body in blocks(ROOT / "README.md", "sh")]
    assert commands[:2] == ["sh dev demo", "sh dev test"]
    assert [body.strip() for body in blocks(ROOT / "README.id.md", "sh")][:2] == commands[:2]
    door = read(ROOT / "dev")
    assert "  demo)" in door
    assert "  test)" in door


def test_the_indonesian_readme_speaks_to_staff_and_to_it() -> None:
    heads = re.findall(r"^## (.+)$", read(ROOT / "README.id.md"), re.MULTILINE)
    assert {"Untuk petugas", "Untuk TI"} <= set(heads)


# --- configs ----------------------------------------------------------------------------------------------------------

_SECRETS = ("SECRET_KEY", "USER_KEY", "PASSWORD")


@pytest.mark.parametrize(
    ("page", "number", "text"),
    [
        pytest.param(page, number, text, id=f"{page.name}-{number}")
        for page in OURS
        for number, text in enumerate(blocks(page, "toml"))
        if page.name != "adapters.md"  # run as a whole in test_adapters_page.py
    ],
)
def test_configs_are_accepted(
    page: Path, number: int, text: str, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the secrets from files, as docs/operations.md says."""
    if "[faskes.99990001.pcare]" in text:
        for name in _SECRETS:
            (tmp_path / name).write_text("rahasia-uji\n", encoding="utf-8")
            monkeypatch.setenv(f"JKNBRIDGE__FASKES__99990001__PCARE__{name}_FILE", str(tmp_path / name))
    (tmp_path / "jknbridge.toml").write_text(text, encoding="utf-8")
    settings = load(tmp_path / "jknbridge.toml", plugins)
    for facility in settings.faskes.values():
        assert [own.credential.count("rahasia-uji") for own in facility.targets.values()] == [3]


def test_json_examples_are_json() -> None:
    found = [json.loads(body) for page in OURS for body in blocks(page, "json")]
    assert found


# --- topics and containers --------------------------------------------------------------------------------------------


def test_topics_are_created_with_what_they_need() -> None:
    """docs/events.md, docs/operations.md and docker/topics.sh against the table that checks a broker."""
    script = read(ROOT / "docker" / "topics.sh").replace('--config "$size"', "--config max.message.bytes=16777216")
    operations = read(ROOT / "docs" / "operations.md").replace("\\\n", " ")
    events = read(ROOT / "docs" / "events.md")
    for need in needed(["fhir.encounter"], KafkaSettings()):
        if not need.ours:
            continue
        name = need.name.replace("fhir.encounter", "fhir.$name")
        made = next(line for line in script.splitlines() if re.search(rf'create "?{re.escape(name)}"? ', line))
        told = next(line for line in operations.splitlines() if f"--topic {need.name} " in line + " ")
        for key, value in need.configs.items():
            assert f"--config {key}={value}" in made
            assert f"--config {key}={value}" in told
            assert f"`{key}={value}`" in events
    names = re.search(r"for name in (.+); do", script)
    assert names is not None
    assert tuple(f"fhir.{name}" for name in names[1].split()) == FHIR_TOPICS


def test_the_containers_config_is_accepted(plugins: Plugins) -> None:
    settings = parse(tomllib.loads(read(ROOT / "docker" / "jknbridge.toml")), plugins)
    assert tuple(settings.sumber["emr"].topics) == FHIR_TOPICS


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_what_was_never_run_says_so(name: str) -> None:
    assert read(ROOT / "docker" / name).startswith("# Not ")


# --- what the pages must not say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_only_invented_people_and_no_private_paths(page: Path) -> None:
    text = read(page)
    numbers: list[Any] = re.findall(r"(?<!\d)(?:\d{13}|\d{16})(?!\d)", text)
    assert [number for number in numbers if not number.startswith(("0009999", "9999"))] == []
    assert not re.search(r"/work/|/tmp/|/root/", text)


def test_contact_kinds_of_the_docs_are_known() -> None:
    for page in OURS:
        for word in re.findall(r"`((?:SAKIT|SEHAT)_[A-Z]+)`", read(page)):
            assert word in KINDS
    assert TOPIC in read(ROOT / "README.id.md") + read(ROOT / "docs" / "events.md")
