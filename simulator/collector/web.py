"""Parameters, bodies and errors of the collector's interfaces, all bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from simulator.collector.ingest import BadEncoding, UnreadableBody, decode_pairs, load_json
from simulator.collector.options import MAX_BODY
from simulator.times import Ms, parse_instant

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """A request that cannot be answered as asked; nothing of it is stored."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Disconnected(Exception):
    """The client went away before its body was complete; nothing of it is stored."""


def refusal(status: int, reason: str) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"success": False, "reason": reason}, status)


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        Refused: larger than MAX_BODY.
        Disconnected: the client went away.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise Refused(413, f"the body is larger than {MAX_BODY} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def read_json(request: Request) -> object:
    """The body as JSON, whatever its declared type.

    Raises:
        Refused: too large, not JSON, not UTF-8.
    """
    try:
        return load_json(await read_body(request.receive))
    except BadEncoding:
        raise Refused(400, "the body is not UTF-8") from None
    except UnreadableBody as wrong:
        raise Refused(400, str(wrong)) from None


class Parameters:
    """The query of a request, each parameter taken by name; one that nobody took is an error, not ignored.

    A plus is a plus, so that an instant such as 2026-03-01T00:00:00+08:00 may be given as it is.
    """

    def __init__(self, scope: Scope, known: tuple[str, ...]) -> None:
        try:
            self._given = decode_pairs(scope["query_string"])
        except BadEncoding:
            raise Refused(400, "the query is not UTF-8 after one percent-decoding") from None
        for name in self._given:
            if name not in known:
                raise Refused(400, f"unknown parameter {name!r}; known are {', '.join(known)}")

    def text(self, name: str) -> str | None:
        """The value; None when it is absent or empty."""
        return self._given.get(name) or None

    def instant(self, name: str) -> Ms | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse_instant(text)
        except (ValueError, OverflowError):
            raise Refused(
                400, f"{name}: expected ISO 8601 with an offset, such as 2026-03-01T00:00:00+08:00, not {text!r}"
            ) from None

    def number(self, name: str, *, least: int = 0, most: int = 2**53) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= 16 and least <= int(text) <= most):
            raise Refused(400, f"{name}: expected a whole number from {least} to {most}, not {text[:40]!r}")
        return int(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of the choices; the first when it is absent."""
        text = self.text(name)
        if text is None:
            return choices[0]
        if text not in choices:
            raise Refused(400, f"{name}: expected one of {', '.join(choices)}, not {text[:40]!r}")
        return text
