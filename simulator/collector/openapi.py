"""The documented interfaces: /v1/…, /security/accesstoken and WeChat's /datacube/….

Source: reference of the DM Hub OpenAPI v1 (pushevent, batchPushEvents, customerevents, accesstoken) and WeChat's
getDailyVisitTrend. Error bodies are documented nowhere; ours say `success: false` and a `reason`. Assumed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from simulator.collector import ingest, listing
from simulator.collector.ingest import BadEncoding, BadRow, EventRow, UnreadableBody
from simulator.collector.parts import Collector
from simulator.collector.web import Parameters, Refused, read_json
from simulator.times import Ms, instant

MAX_EVENTS = 100  # of one batchPushEvents. Source: its documentation
MAX_LISTED = 1000  # of one customerevents. Source: its documentation
MAX_URL = 8 * 1024  # characters of a complete URL
MAX_LINKS = 100_000
# 1 to 32 characters that a mini-program code can carry as its scene. Source: wxacode.getUnlimited
_CODE = re.compile(r"[A-Za-z0-9!#$&'()*+,/:;=?@\-._~]{1,32}")
_LISTED = (
    *("access_token", "customerId", "event", "idFrom", "idTo", "lastUpdatedFrom", "lastUpdatedTo"),
    *("partition", "max", "sidx", "sord"),
)


class OpenApi:
    """The handlers, over one collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def access_token(self, request: Request) -> JSONResponse:
        """A token for any appid and secret: this collector imitates the flow, it locks nothing."""
        given = Parameters(request.scope, ("grant_type", "appid", "secret"))
        if given.text("grant_type") != "client_credentials":
            raise Refused(400, "grant_type: expected client_credentials")
        if given.text("appid") is None or given.text("secret") is None:
            raise Refused(400, "appid and secret are required")
        token = self._collector.options.token or "unchecked"
        return JSONResponse({"error_code": 0, "access_token": token, "expires_in": 7200})

    async def push_event(self, request: Request) -> JSONResponse:
        """One event. A bad one is taken too, and listed with its reason, which the answer repeats."""
        self._check_token(Parameters(request.scope, ("access_token",)))
        return await self._take(request, [await read_json(request)], {})

    async def push_events(self, request: Request) -> JSONResponse:
        """At most 100 events at once, stored together; `commonProps` overrides the fields of each."""
        self._check_token(Parameters(request.scope, ("access_token",)))
        body = await read_json(request)
        events = body.get("events") if isinstance(body, dict) else None
        common = body.get("commonProps") or {} if isinstance(body, dict) else {}
        if not isinstance(events, list) or not isinstance(common, dict):
            raise Refused(400, 'expected {"events": [...], "commonProps": {...}}')
        if not 1 <= len(events) <= MAX_EVENTS:
            raise Refused(400, f"events: expected 1 to {MAX_EVENTS}, not {len(events)}")
        return await self._take(request, events, common)

    async def _take(self, request: Request, events: list[object], common: Mapping[str, object]) -> JSONResponse:
        rows = [self._row(request, event, common) for event in events]
        await self._collector.take(rows)
        answer: dict[str, object] = {"success": True}
        bad = [{"index": index, "reason": row.reason} for index, row in enumerate(rows) if isinstance(row, BadRow)]
        if bad:
            answer["bad"] = bad
        return JSONResponse(answer)

    def _row(self, request: Request, event: object, common: Mapping[str, object]) -> EventRow | BadRow:
        collector, received = self._collector, self._collector.clock()
        line = f"POST {request.url.path}"  # without the query, which holds the token
        try:
            fields = ingest.decode_json({**event, **common} if isinstance(event, dict) else event)
        except BadEncoding as wrong:
            return ingest.bad_row(str(wrong), wrong.fields, received, line)
        except UnreadableBody as wrong:
            return ingest.bad_row(str(wrong), {}, received, line)
        return collector.read_event(fields, collector.rules, received, line, names_tenant=False)

    async def customer_events(self, request: Request) -> JSONResponse:
        """Stored good events, oldest id first unless `sidx` and `sord` say otherwise."""
        given = Parameters(request.scope, _LISTED)
        self._check_token(given)
        names = given.text("event") or ""
        query = listing.Query(
            customer=given.text("customerId"),
            events=tuple(name for name in names.split(",") if name),
            id_from=given.number("idFrom"),
            id_to=given.number("idTo"),
            updated_from=given.instant("lastUpdatedFrom"),
            updated_to=given.instant("lastUpdatedTo"),
            partition=_partition(given.text("partition")),
            most=given.number("max", least=1, most=MAX_LISTED) or 20,
            order=cast("Literal['id', 'date', 'lastUpdated']", given.choice("sidx", ("id", "date", "lastUpdated"))),
            descending=given.choice("sord", ("asc", "desc")) == "desc",
        )
        return JSONResponse(await self._collector.read(lambda totals: listing.customer_events(totals.tallied(), query)))

    def _check_token(self, given: Parameters) -> None:
        token = self._collector.options.token
        if token and not hmac.compare_digest((given.text("access_token") or "").encode(), token.encode()):
            raise Refused(401, "access_token is missing or wrong; GET /security/accesstoken gives one")

    async def register_link(self, request: Request) -> JSONResponse:
        """Remember the complete URL of a code, method 2 of the source document. Assumed: no document names the call."""
        body = await read_json(request)
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str) or not 1 <= len(url) <= MAX_URL or not _is_utf8(url):
            raise Refused(400, f'expected {{"url": "..."}}, a text of 1 to {MAX_URL} characters')
        assert isinstance(body, dict)
        links = self._collector.store.links
        code = body.get("code")
        if code is None:
            code = self._new_code(url)
        elif not isinstance(code, str) or not _CODE.fullmatch(code):
            raise Refused(400, "code: expected 1 to 32 of the characters that a mini-program code can carry")
        if code not in links and len(links) >= MAX_LINKS:
            raise Refused(507, f"{MAX_LINKS} codes are registered, and no more are taken")
        if links.get(code) != url:
            await self._collector.store.register(code, url)
        return JSONResponse({"code": code})

    def _new_code(self, url: str) -> str:
        """A code of the URL's own, so that registering it again gives the same one."""
        links, attempt = self._collector.store.links, 0
        while True:
            code = hashlib.sha256(f"{attempt}{url}".encode()).hexdigest()[:16]
            if links.get(code, url) == url:
                return code
            attempt += 1

    async def link(self, request: Request) -> JSONResponse:
        """The complete URL of a code."""
        code = request.path_params["code"]
        url = self._collector.store.links.get(code)
        if url is None:
            raise Refused(404, f"code {code[:64]!r} is not registered")
        return JSONResponse({"url": url})

    async def daily_visit_trend(self, request: Request) -> JSONResponse:
        """The four numbers of one day in WeChat's shape; errors are errcode and errmsg under 200, as WeChat's.

        A day that is not over yet is answered too, unlike WeChat's "latest = yesterday". Stay times are null: nothing
        on this wire says when a page was left.
        """
        try:
            body = await read_json(request)
        except Refused as refused:
            return JSONResponse({"errcode": 47001, "errmsg": f"data format error: {refused}"})
        begin, end = (body.get("begin_date"), body.get("end_date")) if isinstance(body, dict) else (None, None)
        zone = ZoneInfo(self._collector.options.definitions.day)
        day = _day(begin)
        if day is None or _day(end) is None:
            return JSONResponse({"errcode": 61500, "errmsg": "date format error: begin_date and end_date, yyyymmdd"})
        if begin != end:
            return JSONResponse({"errcode": 61501, "errmsg": "date range error: one day, begin_date = end_date"})
        first, last = (
            instant(moment.replace(tzinfo=zone).astimezone(UTC)) for moment in (day, day + timedelta(days=1))
        )
        cells = await self._collector.read(lambda totals: totals.cells("all", first, last))
        figures = cells[""]
        opens = figures["opens"] or 0
        trend = {
            "ref_date": begin,
            "session_cnt": opens,
            "visit_pv": figures["pv"],
            "visit_uv": figures["uv"],
            "visit_uv_new": figures["new_users"],
            "stay_time_uv": None,
            "stay_time_session": None,
            "visit_depth": round(figures["pv"] / opens, 4) if opens else 0,
        }
        return JSONResponse({"list": [trend]})


def _partition(text: str | None) -> tuple[Ms, Ms] | None:
    """The bounds of a month (yyyymm) or a year (yyyy); None when none is asked for."""
    if text is None:
        return None
    if not re.fullmatch(r"(19[7-9]|[2-8]\d\d)\d((0[1-9]|1[0-2])?)", text, re.ASCII):
        raise Refused(400, f"partition: expected yyyymm or yyyy, not {text[:40]!r}")
    year, month = int(text[:4]), int(text[4:] or 1)
    months = 12 * year + month - 1 + (1 if text[4:] else 12)
    return (
        instant(datetime(year, month, 1, tzinfo=UTC)),
        instant(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)),
    )


def _day(text: object) -> datetime | None:
    """Midnight of a yyyymmdd that a zone can show, without the zone; None for anything else."""
    if not isinstance(text, str) or not re.fullmatch(r"(19[7-9]|[2-8]\d\d)\d{5}", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007  the zone is the caller's
    except ValueError:
        return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def routes(collector: Collector) -> list[BaseRoute]:
    """The documented paths."""
    api = OpenApi(collector)
    return [
        Route("/security/accesstoken", api.access_token, methods=["GET"]),
        Route("/v1/collector/pushevent", api.push_event, methods=["POST"]),
        Route("/v1/collector/batchPushEvents", api.push_events, methods=["POST"]),
        Route("/v1/customerevents", api.customer_events, methods=["GET"]),
        Route("/v1/source/links", api.register_link, methods=["POST"]),
        Route("/v1/source/links/{code:path}", api.link, methods=["GET"]),
        Route("/datacube/getweanalysisappiddailyvisittrend", api.daily_visit_trend, methods=["POST"]),
    ]
