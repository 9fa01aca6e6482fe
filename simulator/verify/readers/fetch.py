"""One bounded request for a collector's reply: whole, plain, in time, or a reason why not.

What the bytes mean is the reader's business. Nothing that a collector answers raises anything but `Unreadable`.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

import httpx

MAX_BYTES = 64 * 1024 * 1024  # of one reply; a million cells are about a third of it
_CONNECT_SECONDS = 5.0


class Unreadable(Exception):
    """A reply that cannot be used, with what was wrong; `status` is 0 where none came."""

    def __init__(self, why: str, status: int = 0) -> None:
        self.status = status
        super().__init__(why)


def reading_client(url: str, seconds: float, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for one collector: it follows nothing and asks no proxy.

    Args:
        url: scheme, host and port.
        seconds: for one reply.
        transport: instead of the network, in tests.
    """
    # A proxy of the environment would stand between the run and what it measures.
    return httpx.Client(
        base_url=url,
        timeout=_timeout(seconds),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        verify=_authorities() if url.startswith("https:") else False,
    )


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Whom to trust over TLS; read once, because that takes longer than many a reading."""
    return httpx.create_ssl_context(trust_env=False)


def fetch(
    client: httpx.Client, path: str, parameters: Mapping[str, str], seconds: float, *, body: object = None
) -> bytes:
    """The body of one reply, whole.

    Args:
        body: of a POST, as JSON; None: a GET.

    Raises:
        Unreadable: no connection, not 200, too large, too slow, cut short.
    """
    method, content, headers = "GET", None, {}
    if body is not None:
        method, content, headers = "POST", json.dumps(body).encode(), {"content-type": "application/json"}
    return fetch_request(client, method, path, [*parameters.items()], seconds, headers=headers, content=content)


def fetch_request(
    client: httpx.Client,
    method: str,
    url: str,
    query: Sequence[tuple[str, str]],
    seconds: float,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
) -> bytes:
    """The body of the reply to any request, whole.

    Args:
        url: of the client's host; a path alone is enough.
        query: in the place of the URL's own; empty: that stays.

    Raises:
        Unreadable: as `fetch`.
    """
    deadline = time.monotonic() + seconds
    whole = bytearray()
    try:
        # Without compression a small reply cannot grow large here.
        sent = {"accept-encoding": "identity", **headers}
        with client.stream(
            method, url, params=list(query) or None, headers=sent, content=content, timeout=_timeout(seconds)
        ) as reply:
            if reply.status_code != httpx.codes.OK:
                raise Unreadable(f"status {reply.status_code} where 200 was expected", reply.status_code)
            if reply.headers.get("content-encoding", "identity") != "identity":
                raise Unreadable("a compressed reply that nobody asked for")
            for part in reply.iter_bytes():
                whole += part
                if len(whole) > MAX_BYTES:
                    raise Unreadable(f"a reply of more than {MAX_BYTES // 1024 // 1024} MB")
                if time.monotonic() > deadline:
                    raise Unreadable(f"the reply was not complete after {seconds:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as failed:
        # The text of an httpx error may hold the URL and with it the token.
        raise Unreadable(f"{_WORDS.get(type(failed), 'no complete reply')} ({type(failed).__name__})") from None
    except UnicodeError:
        raise Unreadable("a header or URL that cannot be sent") from None
    return bytes(whole)


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


_WORDS: dict[type[Exception], str] = {
    httpx.ConnectError: "no connection",
    httpx.ConnectTimeout: "no connection in time",
    httpx.ReadTimeout: "no reply in time",
}


def start_of(body: bytes) -> str:
    """The first bytes of a reply, for an error's text."""
    return repr(body[:60].decode("utf-8", "replace"))
