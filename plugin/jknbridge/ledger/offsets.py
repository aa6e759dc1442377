"""Where reading goes on, per topic and partition: the ledger is the truth, Kafka's commit a copy (DESIGN §2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import upsert
from jknbridge.ledger.texts import reason_text
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
