"""What an exception means for a ledger: surely never left, or answer lost. Against real sockets that misbehave."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from jknbridge.http import AnswerLost, Http, NotSent

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """A raw TCP server that hears whole requests and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/x"


@asynccontextmanager
async def peer(handler: Handler) -> AsyncIterator[Peer]:
    made = Peer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                made.heard.append(head)
                await handler(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    made = Http(connect=0.5, total=1.0)
    yield made
    await made.close()


async def test_an_answer_is_an_answer_whatever_its_status(http: Http) -> None:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nhtml")

    async with peer(handler) as far:
        answer = await http.request("POST", far.url, headers={}, content=b"")
    assert (answer.status, answer.body) == (503, b"html")


async def test_nobody_listening_surely_had_no_effect(http: Http) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(NotSent):
        await http.request("POST", f"http://127.0.0.1:{port}/x", headers={}, content=b"")


async def test_an_unknown_host_surely_had_no_effect(http: Http) -> None:
    with pytest.raises(NotSent):
        await http.request("POST", "http://tidak-ada.invalid/x", headers={}, content=b"")


async def test_a_reset_after_the_request_is_a_lost_answer(http: Http) -> None:
    """httpx-aiohttp calls this ConnectTimeout; believed, it would be a visit entered double."""

    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with peer(handler) as far:
        with pytest.raises(AnswerLost):
            await http.request("POST", far.url, headers={}, content=b"")
    assert len(far.heard) == 1


async def test_a_silent_target_is_a_lost_answer(http: Http) -> None:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async with peer(handler) as far:
        with pytest.raises(AnswerLost):
            await http.request("POST", far.url, headers={}, content=b"")


async def test_a_cut_body_is_a_lost_answer(http: Http) -> None:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
        writer.close()

    async with peer(handler) as far:
        with pytest.raises(AnswerLost):
            await http.request("POST", far.url, headers={}, content=b"")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
async def test_a_kept_connection_that_closed_is_not_tried_again_behind_our_back(http: Http, method: str) -> None:
    """aiohttp repeats PUT and DELETE by itself on a kept-alive connection: a second DELETE nobody asked for."""
    answers = iter([OK, b""])

    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        answer = next(answers, OK)
        writer.write(answer)
        if not answer:
            writer.close()

    async with peer(handler) as far:
        await http.request("GET", far.url, headers={})
        with pytest.raises(AnswerLost):
            await http.request(method, far.url, headers={}, effect=True)
        assert [head.split(b" ")[0].decode() for head in far.heard] == ["GET", method]
