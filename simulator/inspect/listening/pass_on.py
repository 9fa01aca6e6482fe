"""A request sent on to the real collector: once, byte for byte but for what belongs to the connection.

No retry and no followed redirect: what the collector sees is what the phone sent, as often as the phone sent it. The
reply goes back to the phone as it came; one that never came is told, and the phone gets 502 or 504.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx

from simulator.immutable import immutable

_CONNECT = 5.0  # seconds
_SILENCE = 10.0  # seconds without a byte
_TOTAL = 15.0  # seconds for all of it
_AT_ONCE = 64
MOST_REPLY = 1 << 20  # bytes of a reply's body

# What belongs to one connection and not to the message (RFC 9110, section 7.6.1), and what is worked out anew.
_OF_THE_CONNECTION = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"host", b"content-length", b"expect",
    }
)  # fmt: skip

Headers = list[tuple[bytes, bytes]]


@immutable(frozen=True, slots=True)
class Passed:
    """What came back, or why nothing did."""

    status: int  # 502 or 504 where nothing did
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    failed: str = ""


class PassOn:
    """The way to one collector."""

    def __init__(self, url: str) -> None:
        """Requests go to this base URL, a checked one, at the path and query that the phone asked for."""
        self.url = url
        parts = urlsplit(url)
        self._place = parts.netloc
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
        timeout = httpx.Timeout(_SILENCE, connect=_CONNECT, pool=_CONNECT)
        self._timeout = timeout
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)

    async def send(self, method: str, target: bytes, headers: Headers, body: bytes) -> Passed:
        """Send a request on. Never raises but for its own cancellation."""
        named = {
            token.strip().lower()
            for key, value in headers
            if key.lower() == b"connection"
            for token in value.split(b",")
        }
        kept = [(key, value) for key, value in headers if key.lower() not in _OF_THE_CONNECTION | named]
        request = httpx.Request(
            method,
            self.url,
            headers=kept,
            content=body or None,
            extensions={"target": target, "timeout": self._timeout.as_dict()},
        )
        try:
            async with asyncio.timeout(_TOTAL):
                reply = await self._client.send(request, stream=True)
                try:
                    return await _read(reply)
                finally:
                    await reply.aclose()
        except (httpx.TimeoutException, TimeoutError) as late:
            return Passed(504, failed=self._too_late(late))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as no:
            return Passed(502, failed=self._broken(no))

    def _too_late(self, late: Exception) -> str:
        if isinstance(late, httpx.ConnectTimeout):
            return f"no connection to {self._place} within {_CONNECT:.0f} s"
        if isinstance(late, httpx.PoolTimeout):
            return f"{_AT_ONCE} requests wait for {self._place} already"
        return f"no complete reply from {self._place} in time; it may have kept the events"

    def _broken(self, no: Exception) -> str:
        if isinstance(no, httpx.ConnectError):
            return f"no connection to {self._place}: {str(no)[:120] or 'refused'}"
        said = str(no)[:120] or type(no).__name__
        return f"no reply from {self._place}: {said}; it may have kept the events"

    async def close(self) -> None:
        """End every connection."""
        await self._client.aclose()


async def _read(reply: httpx.Response) -> Passed:
    body = b""
    async for part in reply.aiter_raw():
        body += part
        if len(body) > MOST_REPLY:
            return Passed(502, failed=f"the collector's reply, {reply.status_code}, is larger than {MOST_REPLY} bytes")
    headers = tuple([(key.lower(), value) for key, value in reply.headers.raw if key.lower() not in _OF_THE_CONNECTION])
    return Passed(reply.status_code, headers, body)
