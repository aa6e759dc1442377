"""HTTP: the only module that imports httpx (dormant upstream: one place to replace it).

httpx's API over the aiohttp transport: httpx's own pool costs 2 ms CPU a call at 50 connections, this 0.4 ms
(measured). What an exception means for a ledger is decided here once: either the request surely never left
(:class:`NotSent`) or its effect is unknown (:class:`AnswerLost`). Two traps of the libraries below are closed here,
each with a test:

* httpx-aiohttp 0.2 maps *any* lost connection, also a reset after the request was sent, to ``httpx.ConnectTimeout``.
  So the decision is made on aiohttp's own exception, the ``__cause__``.
* aiohttp 3.14 silently sends PUT and DELETE again when a kept-alive connection turns out closed. A second DELETE nobody
  asked for is a blind repeat, so that is switched off.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from jknbridge import checkpoints

_NEVER_LEFT = (
    aiohttp.ClientConnectorError,  # refused, unreachable, DNS, TLS, proxy
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


class NotSent(Exception):
    """No connection, so surely no effect. The text names the kind of failure and never a URL or body."""


class AnswerLost(Exception):
    """The request may have reached the target; its answer did not reach us (time-out, reset, truncated)."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """One connection pool, made inside the running loop. ``connect`` and ``total``: time-outs in seconds
    (bpjs-auth §10 suggests 5 and 30); ``total`` bounds the whole exchange, body included."""

    def __init__(
        self,
        *,
        connect: float = 5.0,
        total: float = 30.0,
        connections: int = 200,
        proxy: str | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=context), auto_decompress=False, trust_env=True
        )
        session._retry_connection = False  # see the module's second trap
        self._session = session
        self.total = total
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=context, limits=limits, proxy=_proxy(proxy), client=session),
            timeout=httpx.Timeout(total, connect=connect),
            trust_env=False,
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        effect: bool = False,
    ) -> Response:
        """One exchange. ``effect`` marks calls that change the target, for the crash tests' step names.

        Raises :class:`NotSent` or :class:`AnswerLost`; every answer with a status line is returned, whatever it says.
        """
        step = "send" if effect else "read"
        checkpoints.reached(f"{step}.before")
        try:
            async with asyncio.timeout(self.total):
                answer = await self._client.request(method, url, headers=dict(headers), content=content)
        except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            cause = error.__cause__ or error
            if isinstance(cause, _NEVER_LEFT):
                raise NotSent(type(cause).__name__) from None
            raise AnswerLost(type(cause).__name__) from None
        checkpoints.reached(f"{step}.after")
        return Response(answer.status_code, answer.headers, answer.content)

    async def close(self) -> None:
        await self._client.aclose()
        await self._session.close()


def _proxy(url: str | None) -> httpx.Proxy | None:
    return httpx.Proxy(url) if url else None
