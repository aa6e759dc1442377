"""A clock a test owns: time moves only when the test says so."""

from __future__ import annotations

import asyncio
from collections import Counter


class ManualClock:
    """Starts at a fixed moment (2026-01-05T02:00:00Z, a Monday morning in Jakarta)."""

    def __init__(self, start: float = 1767578400.0) -> None:
        self._now = start
        self._moved = asyncio.Event()
        self.asleep: Counter[asyncio.Event] = Counter()
        """Who is waiting, by what would wake it: with all loops asleep, and nothing under way, a host is idle."""

    @property
    def waiting(self) -> int:
        return self.asleep.total()

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        until = self._now + seconds
        self.asleep[wake] += 1
        try:
            while self._now < until and not wake.is_set():
                moved = asyncio.create_task(self._moved.wait())
                woken = asyncio.create_task(wake.wait())
                try:
                    await asyncio.wait({moved, woken}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    moved.cancel()
                    woken.cancel()
        finally:
            self.asleep[wake] -= 1
