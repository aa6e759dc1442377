"""Where events come in and records go out: what a consumers' plugin (Kafka) gives to a worker."""

from __future__ import annotations

from typing import Any, Protocol


class Edge(Protocol):
    """One running connection to the outside, started and stopped with the worker. ``start`` returns at once, also when
    nothing answers there yet; ``status`` says so in words."""

    name: str

    def start(self) -> None: ...

    def notify(self) -> None:
        """There may be new rows in the outbox."""
        ...

    def stop(self) -> None:
        """Drain: finish what is in hand and close. May block for a few seconds."""
        ...

    def status(self) -> dict[str, Any]: ...
