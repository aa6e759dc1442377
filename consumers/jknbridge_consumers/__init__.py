"""Kafka: events in, results and contacts out. Open ``edges.py`` first, then ``intake.py`` and ``publisher.py``.

This package imports the host and never ``jknbridge_adapters``. This file holds hook implementations only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from jknbridge.spec import hookimpl

if TYPE_CHECKING:
    from jknbridge.edge import Edge
    from jknbridge.host import Host


@hookimpl
def jknbridge_settings() -> Mapping[str, type[BaseModel]]:
    from jknbridge_consumers.kafka_settings import KafkaSettings

    return {"kafka": KafkaSettings}


@hookimpl
def jknbridge_edges(host: Host) -> Sequence[Edge]:
    from jknbridge_consumers.edges import edges

    return edges(host)


@hookimpl
def jknbridge_commands() -> Sequence[click.Command]:
    from jknbridge_consumers.commands import commands

    return commands()
