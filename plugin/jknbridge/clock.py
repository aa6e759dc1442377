"""Time as a value: one clock for settle, visibility, late_effect and retry, which a test can own (issue: all times).

Leases run by the database's clock and signatures by the operating system's; neither comes through here.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Return when ``seconds`` of this clock have passed or ``wake`` is set, whichever comes first."""
        ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> float:
        return time.time()

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await wake.wait()
        except TimeoutError:
            return


class SharedClock:
    """A clock a test moves forward from another process: the system's clock plus an offset kept in a small file.

    The owner writes with :meth:`advance`; readers see it at once. A wait looks at the offset every 20 ms.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists() or path.stat().st_size != 8:
            path.write_bytes(struct.pack("<d", 0.0))
        with path.open("r+b") as handle:
            self._memory = mmap.mmap(handle.fileno(), 8)

    def now(self) -> float:
        return time.time() + float(struct.unpack("<d", self._memory[:8])[0])

    def advance(self, seconds: float) -> None:
        offset = float(struct.unpack("<d", self._memory[:8])[0]) + seconds
        self._memory[:8] = struct.pack("<d", offset)

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(min(left, 0.02)):
                    await wake.wait()
                    return
            except TimeoutError:
                continue


def utc(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
