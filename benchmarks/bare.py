"""The yardstick: a loop of bare POSTs over httpx on aiohttp, and the processes the figures need."""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
import resource
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from jknbridge.http import Http


def cpu() -> float:
    """CPU seconds of this process, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _serve(ready: Connection) -> None:
    from jknbridge.sandbox.server import SandboxThread
    from jknbridge_adapters.pcare.sandbox import make_sandbox

    with SandboxThread([make_sandbox(time.time)], port=0) as thread:
        ready.send((thread.port, thread.sandbox.print_config()))
        ready.recv()


@contextmanager
def sandbox() -> Iterator[tuple[str, str]]:
    """The sandbox in a process of its own: (base URL, the TOML that points a bridge at it)."""
    here, there = mp.get_context("spawn").Pipe()
    process = mp.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    port, config = here.recv()
    try:
        yield f"http://127.0.0.1:{port}", config
    finally:
        here.send("stop")
        process.join(10)


def admin(base: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/_sandbox/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


async def _loop(base: str, calls: int, at_once: int, body: bytes) -> float:
    http = Http(connections=at_once)
    url = f"{base}/pcare-rest/pendaftaran"
    headers = {"Content-Type": "text/plain", "user_key": "kunci-pcare-01", "X-cons-id": "90001"}
    left = iter(range(calls + at_once))

    async def work(count: Iterator[int]) -> None:
        for _ in count:
            await http.request("POST", url, headers=headers, content=body)

    await asyncio.gather(*(work(iter(range(1))) for _ in range(at_once)))  # connections are open now
    before = cpu()
    await asyncio.gather(*(work(left) for _ in range(at_once)))
    spent = cpu() - before
    await http.close()
    return spent / (calls + at_once)


def bare_post(base: str, calls: int, at_once: int) -> float:
    """CPU seconds of one POST with a registration's body."""
    body = json.dumps({"kdProviderPeserta": "99990001", "tglDaftar": "05-01-2026", "noKartu": "0009999000001"}).encode()
    return asyncio.run(_loop(base, calls, at_once, body.ljust(420)))


def in_own_process(function: Any, *args: Any) -> Any:
    """Run a measurement in a fresh process and hand back what it returns."""
    with mp.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)
