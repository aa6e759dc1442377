"""The port: one request's path from socket to answer, in a running loop (`Sandbox`) or a thread (`SandboxThread`).

A request is recognised, logged, struck by faults, answered by its target, and the log learns whether the client got
the whole answer. Listens on 127.0.0.1 only. What an answer says is the target's; what goes wrong is `faults.py`.
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from jknbridge.sandbox.admin import PREFIX, Admin
from jknbridge.sandbox.config import render_toml
from jknbridge.sandbox.faults import Fault, Faults, plain_form
from jknbridge.sandbox.ground_truth import GroundTruth, RequestRow
from jknbridge.sandbox.judge import Verdict, judge
from jknbridge.sandbox.target import Answer, Call, Clock, Conditions, Known, SandboxTarget, Shown

HOST = "127.0.0.1"
_LARGEST_BODY = 64 * 2**20
_RST = struct.pack("ii", 1, 0)  # linger 0: closing sends RST instead of FIN
_JSON = {"Content-Type": "application/json; charset=utf-8"}


class Sandbox:
    """Every target on one port. `async with Sandbox([target]) as sandbox: sandbox.base_url`."""

    def __init__(self, targets: Sequence[SandboxTarget], *, clock: Clock = time.time, seed: int = 0) -> None:
        self.targets = {target.name: target for target in targets}
        self.truth = GroundTruth(clock)
        self.faults = Faults(self.targets, seed)
        self.port = 0
        self._clock = clock
        self._admin = Admin(self)
        self._by_prefix = {prefix.lower(): target for target in targets for prefix in target.prefixes}
        self._late: dict[asyncio.TimerHandle, str] = {}
        self._runner: web.ServerRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int = 0) -> int:
        """Listens on this port, or on any free one; returns which."""
        runner = web.ServerRunner(
            web.Server(self._handle, request_factory=_request, access_log=None), shutdown_timeout=1
        )
        await runner.setup()
        site = web.TCPSite(runner, HOST, port, backlog=1024)
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self.port

    async def stop(self) -> None:
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start(self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def judge(self) -> Verdict:
        return judge(self.truth.requests, self.truth.effects)

    def reset(self, name: str | None = None) -> list[str]:
        """State, logs, faults, options and pending late effects of one target or of all; returns which."""
        names = list(self.targets) if name is None else [name]
        for handle in [handle for handle, owner in self._late.items() if owner in names]:
            handle.cancel()
            del self._late[handle]
        for each in names:
            self.targets[each].reset()
        self.truth.forget(name)
        self.faults.forget(name)
        return names

    def print_config(self) -> str:
        """The TOML that points a bridge at this sandbox."""
        merged: dict[str, Any] = {}
        for target in self.targets.values():
            _merge(merged, target.settings(self.base_url))
        return render_toml(merged)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, query = request.raw_path.partition("?")
        call = Call(request.method, raw_path, query, request.headers, await request.read())
        first = call.segments[0].lower()
        if first == PREFIX:
            status, document = self._admin.handle(call.method, call.segments, query, call.body)
            body = json.dumps(document, ensure_ascii=False).encode()
            return web.Response(status=status, body=body, headers=_JSON)
        target = self._by_prefix.get(first)
        if target is None:
            self.truth.asked("", Known(""), False, call).status = 404
            return web.Response(status=404, text="No Mapping Rule matched")
        known = target.recognise(call)
        writes = target.operations.get(known.operation, False)
        row = self.truth.asked(target.name, known, writes, call)
        return await self._serve(request, target, call, known, row)

    async def _serve(
        self, request: web.BaseRequest, target: SandboxTarget, call: Call, known: Known, row: RequestRow
    ) -> web.StreamResponse:
        trouble = self.faults.strike(target.name, known.operation, row.writes, self._clock())
        fault = trouble.instead
        row.fault = "+".join(trouble.names)
        if fault is not None and fault.kind.effect == "late":
            self._later(target, call, known, row, fault)
        if fault is not None and fault.kind.effect != "yes":
            if not fault.kind.whole:
                return _drop(request, reset=True)
            answer = self._spoilt(target, fault, call, Answer(200))
            row.status = answer.status
        else:
            answer = target.answer(call, known, trouble.conditions)
            self.truth.answered(row, answer)
            if answer.fault:
                row.fault = "+".join(filter(None, (row.fault, answer.fault)))
                self.faults.locked(target.name, known.operation, row.writes)
            if fault is not None and fault.kind.name not in ("lost_after", "truncate"):
                answer = self._spoilt(target, fault, call, answer)
                row.status, row.shown = answer.status, answer.shown
        if trouble.delay:
            await asyncio.sleep(trouble.delay)
        if fault is not None and fault.kind.name == "lost_after":
            return _drop(request, reset=False)
        return await _send(request, answer, row, fault)

    def _spoilt(self, target: SandboxTarget, fault: Fault, call: Call, answer: Answer) -> Answer:
        spoilt = target.spoil(fault.kind.name, call, answer, fault.random) or plain_form(fault, answer)
        seen: tuple[Shown, ...] = ()
        if fault.kind.whole and fault.kind.on == "reads":  # the client is told: there is nothing
            seen = tuple(Shown(shown.scope, (), 0, 0, 0) for shown in answer.shown)
        return Answer(spoilt.status, spoilt.body, spoilt.headers, shown=seen)

    def _later(self, target: SandboxTarget, call: Call, known: Known, row: RequestRow, fault: Fault) -> None:
        def now() -> None:
            del self._late[handle]
            self.truth.answered(row, target.answer(call, known, Conditions()), late=True)

        handle = asyncio.get_running_loop().call_later(fault.ms / 1000, now)
        self._late[handle] = target.name


class SandboxThread:
    """A sandbox in a thread of its own: `with SandboxThread([target]) as sandbox: sandbox.base_url`.

    `sandbox.sandbox` gives the logs; read them, and leave changes to the admin calls.
    """

    def __init__(
        self, targets: Sequence[SandboxTarget], *, port: int = 0, clock: Clock = time.time, seed: int = 0
    ) -> None:
        self.sandbox = Sandbox(targets, clock=clock, seed=seed)
        self._wanted_port = port
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jknbridge-sandbox", daemon=True)

    @property
    def port(self) -> int:
        return self.sandbox.port

    @property
    def base_url(self) -> str:
        return self.sandbox.base_url

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has already ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self.sandbox.start(self._wanted_port)
        except OSError as error:
            self._error = error
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        await self.sandbox.stop()


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """aiohttp's own factory stops at 1 MiB, and a Bundle or a list of participants may be larger."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_BODY)


def _drop(request: web.BaseRequest, *, reset: bool) -> web.StreamResponse:
    """Ends the connection without an answer. What is returned finds nobody; aiohttp takes that calmly."""
    transport = request.transport
    if transport is not None:
        if reset:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            transport.abort()
        else:
            transport.close()
    return web.Response(status=500)


async def _send(request: web.BaseRequest, answer: Answer, row: RequestRow, fault: Fault | None) -> web.StreamResponse:
    if fault is not None and fault.kind.name == "truncate":
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body) or 1
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write(answer.body[: len(answer.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response
    whole = web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
    try:
        await whole.prepare(request)
        await whole.write_eof()
    except ConnectionError:
        return whole
    transport = request.transport
    row.delivered = (fault is None or fault.kind.whole) and transport is not None and not transport.is_closing()
    return whole


def _merge(into: dict[str, Any], tables: Mapping[str, Any]) -> None:
    """Targets share tables: each adds its own below `[faskes.<kode>]`."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = value
