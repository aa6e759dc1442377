"""Kafka and the host joined: a whole worker's edges against the in-process broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

import jknbridge_consumers
from jknbridge.host import Host
from jknbridge.ledger import offsets
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.settings import parse
from jknbridge.testing.memory import MemoryPlugin
from jknbridge_consumers.broker import API_VERSION, MockBroker
from jknbridge_consumers.client import open_producer
from jknbridge_consumers.kafka_settings import KafkaSettings

TOPIC = "fhir.encounter"


def host(folder: Path, bootstrap: str) -> Host:
    plugins = build([MemoryPlugin(), jknbridge_consumers], entry_points=False)
    config: dict[str, Any] = {
        "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
        "kafka": {"bootstrap_servers": bootstrap, "api_version": list(API_VERSION), "group_id": folder.name},
        "sumber": {"emr": {"topics": [TOPIC], "mulai_dari": "awal"}},
    }
    return Host(parse(config, plugins), plugins)


def send(bootstrap: str, *resources: dict[str, Any]) -> None:
    opened = open_producer(KafkaSettings(bootstrap_servers=(bootstrap,), api_version=API_VERSION))
    for resource in resources:
        opened.client.send(TOPIC, json.dumps(resource).encode(), partition=0).get(timeout=10)
    opened.client.close(timeout=5)


async def until(true: Any) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.05)


async def test_a_source_that_stopped_goes_on_where_a_person_says(tmp_path: Path) -> None:
    with MockBroker([TOPIC]) as broker:
        send(broker.bootstrap, {"resourceType": "Encounter", "id": "e1"}, {"resourceType": "Encounter", "id": "e2"})
        bridge = host(tmp_path, broker.bootstrap)
        bridge.ledger.write_now(lambda c: offsets.placed(c, {(TOPIC, 0): 999}))  # the topic was made anew
        task = asyncio.create_task(bridge.run())

        def asks() -> bool:
            rows = bridge.ledger.read_now(offsets.listed)
            return any(row["partition"] == 0 and row["stopped"] for row in rows)

        def taken() -> int:
            return bridge.ledger.read_now(
                lambda c: c.execute(select(func.count()).select_from(s.resource)).scalar_one()
            )

        await until(asks)
        assert taken() == 0
        bridge.ledger.write_now(lambda c: offsets.resume(c, (TOPIC, 0), 0))
        await until(lambda: taken() == 2)
        assert not asks()
        bridge.stop()
        await task
        bridge.close()
