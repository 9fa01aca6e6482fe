"""The capture server's own page and the data behind it, below `/_mpsim/`.

What phones sent is personal data: it is handed only to browsers that came under this server's own address, never to a
page of another site whose name was made to point here, and at most to a few at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.events import Json
from simulator.immutable import immutable
from simulator.inspect.listening.address import Address, is_named
from simulator.inspect.listening.application import State
from simulator.inspect.listening.entry import brief, details

OWN = "/_mpsim/"
_MOST_WATCHERS = 16
_AT_FIRST = 500  # entries that a browser is sent when it comes
_AT_ONCE = 200  # entries in one message
_PAUSE = 0.1  # seconds in which changes are gathered
_SILENCE = 10.0  # seconds after which a word is sent all the same, so that a connection that died is noticed
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


@immutable(frozen=True, slots=True)
class Page:
    """The page, a whole document, and what it is allowed to do."""

    html: bytes
    policy: str  # its Content-Security-Policy


def is_own(scope: Scope) -> bool:
    """Whether a request is a browser's for the page and its data, and no tracker's."""
    path: str = scope["path"]
    if path.startswith(OWN) or path == OWN.rstrip("/"):
        return True
    if path != "/" or scope["method"] not in ("GET", "HEAD") or scope["query_string"]:
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


class OwnPages:
    """The page's paths, over what has come so far."""

    def __init__(self, state: State, page: Page, address: Address, facts: Mapping[str, Json]) -> None:
        """Pages of one listening.

        Args:
            facts: about the listening, that the page shows.
        """
        self._state = state
        self._page = page
        self._facts = dict(facts)
        self._watchers = 0
        self.is_over = False
        routes = [
            Route(OWN, self._document),
            Route(OWN.rstrip("/"), self._to_the_page),
            Route("/", self._to_the_page),
            Route(f"{OWN}stream", self._stream),
            Route(f"{OWN}all", self._all),
            Route(f"{OWN}request/{{number:int}}", self._request),
        ]
        self.app: ASGIApp = Starlette(
            routes=routes,
            exception_handlers={HTTPException: _told},
            middleware=[Middleware(_OnlyUnderOurName, address=address)],
        )

    def end(self) -> None:
        """Nothing more comes: streams end."""
        self.is_over = True
        self._state.kept.wake()

    async def _document(self, _: Request) -> Response:
        headers = {**_HEADERS, "content-security-policy": self._page.policy}
        return Response(self._page.html, media_type="text/html", headers=headers)

    async def _to_the_page(self, _: Request) -> Response:
        return RedirectResponse(OWN, 302, headers=_HEADERS)

    async def _all(self, _: Request) -> Response:
        """Everything that is kept, for scripts."""
        return JSONResponse(self._message(0, len(self._state.kept)), headers=_HEADERS)

    async def _request(self, request: Request) -> Response:
        """The raw request, each event's fields, and the reply."""
        entry = self._state.kept.get(request.path_params["number"])
        if entry is None:
            raise HTTPException(404, "this request is no longer kept")
        return JSONResponse(details(entry), headers=_HEADERS)

    async def _stream(self, request: Request) -> Response:
        """Server-sent events: what changed since the last one, as JSON."""
        if self._watchers >= _MOST_WATCHERS:
            raise HTTPException(503, f"{_MOST_WATCHERS} browsers watch already")
        seen = request.headers.get("last-event-id", "")
        version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 16 else 0
        if version > self._state.kept.version:  # of a listening before this one
            version = 0
        headers = {**_HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(self._changes(version), media_type="text/event-stream", headers=headers)

    async def _changes(self, version: int) -> AsyncIterator[bytes]:
        kept = self._state.kept
        most = _AT_FIRST
        self._watchers += 1
        try:
            with kept.waiting() as changed:
                while not self.is_over:
                    changed.clear()
                    message = self._message(version, most)
                    version, most = kept.version, _AT_ONCE
                    yield f"id: {version}\ndata: {json.dumps(message, separators=(',', ':'))}\n\n".encode()
                    try:
                        await asyncio.wait_for(changed.wait(), _SILENCE if self._state.figures.is_counted else 1.0)
                    except TimeoutError:
                        continue
                    await asyncio.sleep(_PAUSE)
                yield b"event: end\ndata: {}\n\n"
        finally:
            self._watchers -= 1

    def _message(self, version: int, most: int) -> dict[str, Any]:
        state = self._state
        return {
            "facts": self._facts,
            "version": state.kept.version,
            "counts": {
                "requests": state.requests,
                "events": state.events,
                "bad": state.bad,
                "unknown": state.unknown,
                "refused": state.refused,
                "not_passed": state.not_passed,
                "not_taken": state.not_taken,
                "dropped": state.kept.dropped,
            },
            "figures": [row.as_json() for row in state.figures.rows_of_late()],
            "repeated": state.figures.repeated,
            "nobodys": state.figures.nobodys,
            "full": state.figures.is_full,
            "entries": [brief(entry) for entry in state.kept.since(version, most)],
        }


class _OnlyUnderOurName:
    """Refuses a Host that is not this server's own."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if is_named(host, self._address):
            await self._app(scope, receive, send)
            return
        told = "this page is shown under the server's own address only, not under a name that points to it\n"
        await Response(told, 403, media_type="text/plain")(scope, receive, send)


async def _told(_: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, HTTPException)
    return JSONResponse({"success": False, "reason": wrong.detail}, wrong.status_code, headers=_HEADERS)
