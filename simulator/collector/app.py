"""The collector as one ASGI application: the tracker's two paths directly, everything else through routes.

The tracker's paths carry nearly all of the load, so they do without a framework. What is not here: the OpenAPI
(openapi.py), totals, lists and the page (monitor.py).
"""

from __future__ import annotations

import sys
import traceback

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from simulator.collector import ingest, monitor, openapi
from simulator.collector.ingest import BadEncoding, BadRow, EventRow, UnreadableBody
from simulator.collector.parts import Collector
from simulator.collector.store import StoreFailed
from simulator.collector.web import Disconnected, Receive, Refused, Scope, Send, read_body, refusal

TRACKER_PATHS = frozenset({"/cbe/__utm", "/__utm"})
_OK_BODY = b"{}"  # NOT KNOWN what the real one says; the tracker reads only the status
_OK = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}
_OK_END = {"type": "http.response.body", "body": _OK_BODY}


class Application:
    """The ASGI application of one collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._routed = Starlette(
            routes=[*monitor.routes(collector), *openapi.routes(collector)],
            exception_handlers={
                Refused: _refused,
                HTTPException: _http_exception,
                StoreFailed: _store_failed,
                Disconnected: _disconnected,
                Exception: _our_fault,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in TRACKER_PATHS:
            await self._track(scope, receive, send)
        else:
            await self._routed(scope, receive, send)

    async def _track(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One event of a tracker. Good or bad it is answered 200 with a tiny body, once it is stored."""
        try:
            row = await self._tracked(scope, receive)
            await self._collector.take([row])
        except Refused as refused:
            await refusal(refused.status, str(refused))(scope, receive, send)
        except StoreFailed as failed:
            await refusal(503, str(failed))(scope, receive, send)
        except Disconnected:
            return
        else:
            await send(_OK)
            await send(_OK_END)

    async def _tracked(self, scope: Scope, receive: Receive) -> EventRow | BadRow:
        """The row of a tracker's request, from its query, its body, or both (the body wins).

        Raises:
            Refused: a method that is not GET or POST, a body out of bounds.
            Disconnected: the client went away inside its body.
        """
        collector, method = self._collector, scope["method"]
        if method not in {"GET", "POST"}:
            raise Refused(405, f"{scope['path']} takes GET and POST, not {method}")
        body = await read_body(receive) if method == "POST" else b""
        received = collector.clock()
        request = ingest.request_line(method, scope["raw_path"], scope["query_string"])
        try:
            fields = collector.decode_query(scope["query_string"])
            if body:
                fields.update(ingest.decode_body(body, _content_type(scope)))
        except BadEncoding as wrong:
            return ingest.bad_row(str(wrong), wrong.fields, received, request)
        except UnreadableBody as wrong:
            return ingest.bad_row(str(wrong), {}, received, request)
        return collector.read_event(fields, collector.rules, received, request)


def _content_type(scope: Scope) -> str:
    """The declared type of the body, lower case; empty without one."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return str(value.decode("latin-1").lower())
    return ""


async def _refused(_: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, Refused)
    return refusal(wrong.status, str(wrong))


async def _http_exception(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, HTTPException)
    answer = refusal(wrong.status_code, f"{request.method} {request.url.path}: {wrong.detail}")
    answer.headers.update(wrong.headers or {})
    return answer


async def _store_failed(_: Request, wrong: Exception) -> Response:
    return refusal(503, str(wrong))


async def _disconnected(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


async def _our_fault(_: Request, wrong: Exception) -> Response:
    traceback.print_exception(wrong, file=sys.stderr)
    return refusal(500, "the collector failed on this request; its standard error says where")
