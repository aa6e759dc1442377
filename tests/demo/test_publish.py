"""``jknbridge publish`` against a real broker in this process, read back from its topics."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jknbridge.cli.group import run_cli
from jknbridge_consumers import publishing
from jknbridge_consumers.broker import MockBroker
from jknbridge_consumers.client import open_consumer
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.topics import FHIR_TOPICS


@pytest.fixture
def broker() -> Iterator[MockBroker]:
    with MockBroker(FHIR_TOPICS) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, broker: MockBroker) -> Path:
    path = tmp_path / "jknbridge.toml"
    path.write_text(
        f'[kafka]\nbootstrap_servers = "{broker.bootstrap}"\napi_version = [2, 3]\n'
        f'[sumber.emr]\ntopics = {json.dumps(list(FHIR_TOPICS))}\nmulai_dari = "awal"\n'
    )
    return path


def resource(type_: str, id_: str, updated: str) -> dict[str, Any]:
    return {"resourceType": type_, "id": id_, "meta": {"lastUpdated": updated}}


OLD = resource("Encounter", "k1", "2026-11-20T01:00:00Z")
NEW = resource("Observation", "o1", "2026-11-20T09:00:00+07:00")
NEWEST = resource("Coverage", "c1", "2026-11-20T05:00:00Z")


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "berkas"
    path.mkdir()
    (path / "1.json").write_text(json.dumps(NEW))
    (path / "2.ndjson").write_text(json.dumps(OLD) + "\n\n" + json.dumps(NEWEST) + "\n")
    (path / "catatan.txt").write_text("not looked at")
    return path


def read(broker: MockBroker) -> dict[str, list[Any]]:
    """Every record by topic."""
    from kafka import TopicPartition

    settings = KafkaSettings(bootstrap_servers=(broker.bootstrap,), api_version=(2, 3), group_id="uji")
    consumer: Any = open_consumer(settings).client
    places = [TopicPartition(topic, number) for topic in FHIR_TOPICS for number in range(4)]
    ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
    consumer.assign(list(ends))
    for place in ends:
        consumer.seek(place, 0)
    found: dict[str, list[Any]] = {}
    while any(consumer.position(place) < end for place, end in ends.items()):
        for place, records in consumer.poll(timeout_ms=500).items():
            found.setdefault(place.topic, []).extend(records)
    consumer.close()
    return found


def run(make_app: Any, *arguments: object) -> int:
    return run_cli(make_app(), ["publish", *map(str, arguments)])


def test_each_resource_goes_to_its_topic_under_its_own_key(
    tmp_path: Path, config: Path, broker: MockBroker, make_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(make_app, folder(tmp_path), "--config", config, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["records"] == answer["acknowledged"] == 3
    assert answer["topics"] == {"fhir.encounter": 2, "fhir.observation": 1}  # Coverage has no topic of its own
    keys = {topic: sorted(record.key for record in records) for topic, records in read(broker).items()}
    assert keys == {"fhir.encounter": [b"Coverage/c1", b"Encounter/k1"], "fhir.observation": [b"Observation/o1"]}


def test_one_topic_for_all_and_the_newest_first(
    tmp_path: Path, config: Path, broker: MockBroker, make_app: Any
) -> None:
    arguments = ("--config", config, "--topic", "fhir.patient", "--order", "newest", "--rate", "20")
    began = time.monotonic()
    assert run(make_app, folder(tmp_path), *arguments) == 0
    assert time.monotonic() - began >= 0.1
    records = read(broker)["fhir.patient"]
    by_time = sorted(records, key=lambda record: record.timestamp)
    assert [json.loads(record.value)["id"] for record in by_time] == ["c1", "o1", "k1"]


def test_a_bundle_goes_whole_or_entry_by_entry(tmp_path: Path, config: Path, broker: MockBroker, make_app: Any) -> None:
    bundle = {
        "resourceType": "Bundle", "type": "history",
        "entry": [
            {"resource": NEW}, {"resource": OLD},
            {"request": {"method": "DELETE", "url": "MedicationRequest/m1"}},
        ],
    }  # fmt: skip
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle))
    assert run(make_app, file, "--config", config) == 0
    assert run(make_app, file, "--config", config, "--split") == 0
    found = read(broker)
    assert len(found["fhir.encounter"]) == 3  # the whole, the Encounter, and the delete as a Bundle of one
    assert [record.key for record in found["fhir.observation"]] == [b"Observation/o1"]
    whole = max(found["fhir.encounter"], key=lambda record: len(record.value))
    assert whole.key == b"Encounter/k1"


def test_entries_that_name_each_other_by_urn_stay_together() -> None:
    entry = {"fullUrl": "urn:uuid:1", "resource": {**OLD, "subject": {"reference": "urn:uuid:2"}}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry, {"resource": NEW}]}
    assert publishing.split(bundle) == [bundle]


def test_what_is_no_fhir_is_named_and_the_rest_is_published(
    tmp_path: Path, config: Path, make_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "campur.ndjson"
    lines.write_text(f'{json.dumps(OLD)}\nbukan json\n{{"pesan": 1}}\n')
    assert run(make_app, lines, "--config", config, "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["acknowledged"] == 1
    assert [one["reason"]["code"] for one in answer["skipped"]] == ["terbit.bukan_json", "terbit.bukan_fhir"]
    assert answer["skipped"][0]["place"].endswith("campur.ndjson:2")


def test_it_says_when_no_broker_answers(
    tmp_path: Path, config: Path, make_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nobody = f"127.0.0.1:{silent.getsockname()[1]}"
        assert run(make_app, folder(tmp_path), "--config", config, "--broker", nobody) == 3
    assert nobody in capsys.readouterr().err


def test_a_topic_the_broker_refuses_is_counted(
    tmp_path: Path, config: Path, make_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(make_app, folder(tmp_path), "--config", config, "--topic", "bukan topik!", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["acknowledged"], len(answer["refused"])) == (0, 3)


def test_several_sources_must_be_chosen_from(tmp_path: Path, config: Path, make_app: Any) -> None:
    config.write_text(config.read_text() + '[sumber.lain]\ntopics = ["lain.encounter"]\nmulai_dari = "awal"\n')
    files = folder(tmp_path)
    assert run(make_app, files, "--config", config) == 2
    assert run(make_app, files, "--config", config, "--sumber", "tidak-ada") == 2
    assert run(make_app, files, "--config", config, "--sumber", "emr") == 0


def test_the_topic_of_a_type() -> None:
    assert publishing.topic_for("MedicationRequest", FHIR_TOPICS) == "fhir.medicationrequest"
    assert publishing.topic_for("ClinicalImpression", FHIR_TOPICS) == "fhir.encounter"
    assert publishing.topic_for("Patient", ["rs.klinis"]) == "rs.klinis"
