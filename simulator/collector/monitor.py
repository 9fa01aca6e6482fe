"""Totals, lists of events, and the monitor page: section 4 of the source document."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.collector import listing
from simulator.collector.parts import Collector
from simulator.collector.totals import Within
from simulator.collector.web import Parameters, Refused
from simulator.collector.words import LANGUAGES, Language, definitions_in_words, filled, preferred
from simulator.contract import BY
from simulator.times import iso_utc

MAX_LISTED = 10_000
_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/monitor/page.css": ("monitor.css", "text/css"),
    "/monitor/page.js": ("monitor.js", "text/javascript"),
    **{
        f"/monitor/{name}.js": (f"{name}.js", "text/javascript")
        for name in ("calendar", "chosen", "draw", "elements", "show", "trend", "words")
    },
    "/monitor/words.json": ("words.json", "application/json"),
    "/monitor/icon.svg": ("icon.svg", "image/svg+xml"),
}
# What is shown comes from strangers: nothing but the page's own files may run or load.
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class Monitor:
    """The handlers, over one collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def totals(self, request: Request) -> JSONResponse:
        """The four numbers of a period in each cell of one kind; of one source, content or page where it is named."""
        given = Parameters(request.scope, ("by", "begin", "end", "source", "content", "page", "access_token"))
        by, begin, end = given.choice("by", BY), given.instant("begin"), given.instant("end")
        if begin is not None and end is not None and begin > end:
            raise Refused(400, "begin is after end")
        within = Within(given.text("source"), given.text("content"), given.text("page"))
        cells = await self._collector.read(lambda totals: totals.cells(by, begin, end, within))
        return JSONResponse({"by": by, "cells": cells})

    async def counts(self, request: Request) -> JSONResponse:
        """How many events are stored."""
        Parameters(request.scope, ("access_token",))
        return JSONResponse(await self._collector.read(lambda totals: listing.counts(totals.stored())))

    async def good(self, request: Request) -> JSONResponse:
        """Stored good events."""
        return await self._listed(request, "good")

    async def bad(self, request: Request) -> JSONResponse:
        """Bad events with their reasons."""
        return await self._listed(request, "bad")

    async def _listed(self, request: Request, which: Literal["good", "bad"]) -> JSONResponse:
        given = Parameters(request.scope, ("max", "after", "order", "access_token"))
        most = given.number("max", least=1, most=MAX_LISTED) or 100
        after = given.number("after")
        newest = given.choice("order", ("oldest", "newest")) == "newest"
        return JSONResponse(
            await self._collector.read(
                lambda totals: listing.listed(totals.stored(), which, most=most, after=after, newest=newest)
            )
        )

    async def reset(self, request: Request) -> JSONResponse:
        """Forget every event, good and bad; not for a page of another site that a browser happens to show."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise Refused(403, f"a page of {origin} may not reset this collector")
        await self._collector.store.reset()
        return JSONResponse({"total": 0, "good": 0, "bad": 0})

    async def about(self, request: Request) -> JSONResponse:
        """What the page needs beside numbers: the definitions in force, in words, and the extent of the events."""
        options = self._collector.options
        extent = await self._collector.read(lambda totals: listing.extent(totals.stored()))
        return JSONResponse(
            {
                "definitions": options.definitions.as_json(),
                "words": definitions_in_words(options.definitions, _language(request)),
                "first": None if extent is None else iso_utc(extent[0]),
                "last": None if extent is None else iso_utc(extent[1]),
                "tenant": options.tenant,
                "events": None if options.events is None else sorted(options.events),
            }
        )

    async def health(self, _: Request) -> JSONResponse:
        """That the process answers."""
        return JSONResponse({"status": "ok"})

    async def page(self, request: Request) -> Response:
        """The monitor page, in the language that `lang` names, else in the browser's."""
        language = _language(request)
        text = filled((_PAGE / "monitor.html").read_text(encoding="utf-8"), language)
        headers = {**_HEADERS, "content-language": language, "vary": "accept-language"}
        return Response(text, media_type="text/html", headers=headers)

    async def file(self, request: Request) -> Response:
        """A file of the monitor page."""
        name, media_type = _FILES[request.url.path]
        return Response((_PAGE / name).read_bytes(), media_type=media_type, headers=_HEADERS)


def _language(request: Request) -> Language:
    named = request.query_params.get("lang")
    for language in LANGUAGES:
        if named == language:
            return language
    return preferred(request.headers.get("accept-language", ""))


def routes(collector: Collector) -> list[BaseRoute]:
    """The monitor's paths."""
    monitor = Monitor(collector)
    return [
        Route("/monitor/totals", monitor.totals, methods=["GET"]),
        Route("/monitor/about", monitor.about, methods=["GET"]),
        Route("/events/all", monitor.counts, methods=["GET"]),
        Route("/events/good", monitor.good, methods=["GET"]),
        Route("/events/bad", monitor.bad, methods=["GET"]),
        Route("/events/reset", monitor.reset, methods=["POST"]),
        Route("/healthz", monitor.health, methods=["GET"]),
        Route("/", monitor.page, methods=["GET"]),
        *(Route(path, monitor.file, methods=["GET"]) for path in _FILES),
    ]
