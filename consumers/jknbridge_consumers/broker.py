"""A Kafka broker inside this process, for ``jknbridge demo`` and the tests: librdkafka's mock cluster (DESIGN §9).

A real TCP listener that speaks the Kafka protocol, from the ``confluent-kafka`` wheel: no Java, no Docker, up in 20 ms.
Not for production, and not for rebalance tests. What it cannot do (measured, confluent-kafka 2.16 with kafka-python
3.0.12):

* kafka-python must be told ``api_version = (2, 3)``; asking it for its version fails.
* No CreateTopics and no DescribeConfigs: a topic appears when librdkafka asks for its metadata, always with four
  partitions and without settings (no compaction). So :meth:`MockBroker.create_topics`, and no number of partitions.
* No search by time: ``offsets_for_times`` answers ``None``, so ``mulai_dari = <time>`` reads from the end.
* A group's first member waits three seconds before it is given partitions; one member per group.
* About 5 MB are kept per partition; older records go, and the beginning offset moves.
* It lives as long as this process holds it; nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from confluent_kafka import KafkaException, Producer

API_VERSION = (2, 3)
PARTITIONS = 4

_ANSWER_SECONDS = 5.0


class MockBroker:
    """``with MockBroker() as broker: KafkaSettings(bootstrap_servers=broker.bootstrap, api_version=API_VERSION)``."""

    def __init__(self, topics: Iterable[str] = ()) -> None:
        self._topics = tuple(topics)
        self._holder: Producer | None = None
        self.bootstrap = ""

    def __enter__(self) -> MockBroker:
        # The cluster belongs to this producer's handle: it starts with it, on a port of the system's choice, and ends
        # with it. Its own metadata is the one documented place where the port can be read. log_level 0: only
        # emergencies.
        self._holder = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self._holder.list_topics(timeout=_ANSWER_SECONDS).brokers.values()))
        self.bootstrap = f"{broker.host}:{broker.port}"
        self.create_topics(self._topics)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = None  # the handle's end closes the listener and frees the logs
        self.bootstrap = ""

    def create_topics(self, topics: Iterable[str]) -> None:
        """Make each topic exist, with :data:`PARTITIONS` partitions. One that exists stays as it is."""
        if self._holder is None:
            raise RuntimeError("the broker is not running")
        for topic in topics:
            found = self._holder.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic]
            if found.error is not None or len(found.partitions) != PARTITIONS:
                raise KafkaException(found.error)
