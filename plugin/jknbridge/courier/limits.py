"""How much may be under way at once: places per credential, a circuit per target, maintenance hours (DESIGN §4 step
4).
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time

from jknbridge.clock import Clock, utc
from jknbridge.settings import Mode, WaktuSettings, maintenance_span
from jknbridge.targets import Instance


class Limits:
    """Places and circuits of one worker, by limit key."""

    def __init__(self, clock: Clock, waktu: WaktuSettings) -> None:
        self._clock = clock
        self._waktu = waktu
        self._busy: dict[str, int] = defaultdict(int)
        self._failures: dict[str, int] = defaultdict(int)
        self._open_until: dict[str, float] = {}
        self._freed = asyncio.Condition()
        self.closed: set[str] = set()

    def free(self, instance: Instance) -> int:
        """How many more requests this instance may start now. After a circuit's pause one request tries first."""
        key = instance.settings.limit_key
        if not self.may_send(instance):
            return 0
        places = 1 if self._failures[key] else instance.settings.serentak
        return max(places - self._busy[key], 0)

    def may_send(self, instance: Instance) -> bool:
        """Whether a request with an effect may leave now, places aside."""
        settings = instance.settings
        return settings.mode is Mode.JALAN and settings.limit_key not in self.closed and self.pause(instance) <= 0

    def pause(self, instance: Instance) -> float:
        """Seconds until this instance may be tried again: its circuit, or its maintenance hours."""
        now = self._clock.now()
        left = self._open_until.get(instance.settings.limit_key, 0.0) - now
        return max(left, _maintenance_left(instance, now), 0.0)

    def taken(self, instance: Instance) -> None:
        self._busy[instance.settings.limit_key] += 1

    async def given_back(self, instance: Instance) -> None:
        async with self._freed:
            self._busy[instance.settings.limit_key] -= 1
            self._freed.notify_all()

    @asynccontextmanager
    async def place(self, instance: Instance) -> AsyncIterator[None]:
        """A place for a read, waited for."""
        key = instance.settings.limit_key
        async with self._freed:
            await self._freed.wait_for(lambda: self._busy[key] < instance.settings.serentak)
            self._busy[key] += 1
        try:
            yield
        finally:
            await self.given_back(instance)

    def unwell(self, instance: Instance, after: float | None = None) -> None:
        """The whole target did not answer: open its circuit, longer each time, with jitter against a stampede."""
        key = instance.settings.limit_key
        self._failures[key] = min(self._failures[key] + 1, 20)
        pause = min(self._waktu.retry_first * 2 ** (self._failures[key] - 1), self._waktu.retry_cap)
        pause = max(after or 0.0, pause * random.uniform(0.75, 1.25))
        self._open_until[key] = max(self._open_until.get(key, 0.0), self._clock.now() + pause)

    def well(self, instance: Instance) -> None:
        self._failures.pop(instance.settings.limit_key, None)
        self._open_until.pop(instance.settings.limit_key, None)


def _maintenance_left(instance: Instance, now: float) -> float:
    local = utc(now).astimezone(instance.facility_settings.zone)
    return max((_left_of(maintenance_span(span), local) for span in instance.settings.pemeliharaan), default=0.0)


def _left_of(span: tuple[time, time], local: datetime) -> float:
    start, end = span
    here = local.time()
    inside = start <= here < end if start <= end else (here >= start or here < end)
    if not inside:
        return 0.0
    left = (end.hour - here.hour) * 3600 + (end.minute - here.minute) * 60 + (end.second - here.second)
    return float(left if left > 0 else left + 86400)
