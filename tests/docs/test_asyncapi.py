"""docs/asyncapi.yaml names every topic, refers to the schemas, and agrees with the headers the program writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from jknbridge import __version__, contacts, events
from jknbridge.fhir.records import Record
from jknbridge.reasons import Reason, Who
from jknbridge_consumers.dead_letters import FQCN, dead_letter_headers
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.topics import FHIR_TOPICS, needed


@pytest.fixture(scope="module")
def api(docs: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((docs / "asyncapi.yaml").read_text(encoding="utf-8")))


def test_every_topic_is_named(api: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in api["channels"].values()}
    assert addresses == {"{topic}", "{topic}-dlt", contacts.TOPIC, events.RESULT_TOPIC}
    assert tuple(api["channels"]["fhir"]["parameters"]["topic"]["enum"]) == FHIR_TOPICS
    assert (api["asyncapi"], api["info"]["version"]) == ("3.0.0", __version__)


def test_topics_ask_for_what_the_program_needs(api: dict[str, Any]) -> None:
    by_address = {channel["address"]: channel for channel in api["channels"].values()}
    for need in needed(["{topic}"], KafkaSettings()):
        if need.ours:
            stated = by_address[need.name]["bindings"]["kafka"]["topicConfiguration"]
            said = {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in stated.items()}
            assert need.configs.items() <= said.items(), need.name


def test_references_lead_somewhere(api: dict[str, Any], docs: Path) -> None:
    found = list(_references(api))
    assert {ref for ref in found if not ref.startswith("#")} == {
        f"./schemas/{topic}.json" for topic in (contacts.TOPIC, events.RESULT_TOPIC)
    }
    for ref in found:
        if ref.startswith("#/"):
            node: Any = api
            for part in ref[2:].split("/"):
                node = node[part]
        else:
            assert (docs / ref).is_file()


def test_headers_are_those_the_program_writes(api: dict[str, Any]) -> None:
    schemas = api["components"]["schemas"]
    written = dict(events.headers("1", events.RESULT_TYPE, "urn:jknbridge:x"))
    assert schemas["cloudEvent"]["required"] == list(written)
    assert schemas["cloudEvent"]["properties"]["ce_type"]["enum"] == [
        contacts.TYPE_RECORDED, contacts.TYPE_RETRACTED, events.RESULT_TYPE,
    ]  # fmt: skip
    dead = dict(dead_letter_headers(RECORD, Reason.of("record.not_json"), group="g"))
    assert schemas["deadLetterHeaders"]["required"] == list(dead)
    assert schemas["deadLetterHeaders"]["properties"]["kafka_dlt-exception-fqcn"]["const"] == FQCN
    assert tuple(schemas["deadLetterHeaders"]["properties"]["x-jkn-who"]["enum"]) == get_args(Who)


def test_the_events_page_names_topics_headers_and_types(docs: Path) -> None:
    page = (docs / "events.md").read_text(encoding="utf-8")
    words = [*FHIR_TOPICS, contacts.TOPIC, events.RESULT_TOPIC, contacts.TYPE_RECORDED, contacts.TYPE_RETRACTED]
    words += [events.RESULT_TYPE, *dict(events.headers("1", events.RESULT_TYPE, "x"))]
    words += [*dict(dead_letter_headers(RECORD, Reason.of("record.not_json"), group="g")), FQCN]
    assert [word for word in words if f"`{word}`" not in page] == []


RECORD = Record("fhir.encounter", 0, 0, None, b"{", (), 0)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
