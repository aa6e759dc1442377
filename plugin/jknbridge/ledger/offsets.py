"""Where reading goes on, per topic and partition: the ledger is the truth, Kafka's commit a copy (DESIGN §2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import upsert
from jknbridge.ledger.texts import reason_text, stored_reason
from jknbridge.reasons import Reason

Partition = tuple[str, int]
_CAUTION = 7 * 86400.0


def positions(connection: Connection, partitions: Sequence[Partition]) -> dict[Partition, int | None]:
    rows = connection.execute(select(s.source_offset)).all()
    known = {(row.topic, row.partition): row.next_offset for row in rows}
    return {partition: known.get(partition) for partition in partitions}


def knows_topic(connection: Connection, topic: str) -> bool:
    return (
        connection.execute(select(s.source_offset.c.topic).where(s.source_offset.c.topic == topic).limit(1)).first()
        is not None
    )


def placed(connection: Connection, offsets: Mapping[Partition, int]) -> None:
    rows = [
        {"topic": topic, "partition": partition, "next_offset": offset, "sequence": 0}
        for (topic, partition), offset in offsets.items()
    ]
    upsert(connection, s.source_offset, rows, ("topic", "partition"))


def stopped(connection: Connection, partition: Partition, reason: Reason) -> None:
    topic, number = partition
    where = s.source_offset.c.topic == topic, s.source_offset.c.partition == number
    connection.execute(update(s.source_offset).where(*where).values(stopped=reason_text(reason)))


def resume(connection: Connection, partition: Partition, offset: int) -> bool:
    """A person decided from where a stopped partition is read again. False if the ledger does not know it."""
    topic, number = partition
    where = s.source_offset.c.topic == topic, s.source_offset.c.partition == number
    done = connection.execute(update(s.source_offset).where(*where).values(next_offset=offset, stopped=None))
    return bool(done.rowcount)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every partition the ledger reads: its next offset, and why it stopped if it did."""
    columns = s.source_offset.c
    rows = connection.execute(select(s.source_offset).order_by(columns.topic, columns.partition))
    return [
        {
            "topic": row.topic,
            "partition": row.partition,
            "next_offset": row.next_offset,
            "stopped": reason.to_json() if (reason := stored_reason(row.stopped)) else None,
        }
        for row in rows
    ]


def sequence(connection: Connection) -> int:
    return int(connection.execute(select(s.meta.c.value).where(s.meta.c.name == "sequence")).scalar_one())


def be_cautious(connection: Connection, now: float) -> None:
    """This ledger is older than what Kafka remembers of it (restored from a backup): look before every add for a
    week.
    """
    upsert(connection, s.meta, [{"name": "cautious_until", "value": str(now + _CAUTION)}], ("name",), ("value",))


def cautious(connection: Connection, now: float) -> bool:
    until = connection.execute(select(s.meta.c.value).where(s.meta.c.name == "cautious_until")).scalar()
    return until is not None and now < float(until)
