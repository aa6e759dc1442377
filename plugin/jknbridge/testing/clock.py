"""A clock a test owns: time moves only when the test says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jknbridge.host import Host


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


async def idle(host: Host, clock: ManualClock, task: asyncio.Task[None]) -> None:
    """Return when a running host has nothing left to do: every loop sleeps on the clock, nothing is under way and
    nobody was woken, twice in a row; or when ``task`` (its ``run``) has ended, raising what it raised.
    """
    wakes, still = host.wakes, 0
    while still < 2:
        await asyncio.sleep(0.002)
        if task.done():
            return await task
        loops = (wakes.plan, wakes.work, wakes.doubts, wakes.facts)
        awake = any(event.is_set() or not clock.asleep[event] for event in loops)
        still = 0 if awake or host.courier.busy else still + 1
