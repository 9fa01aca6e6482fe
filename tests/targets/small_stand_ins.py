"""The collectors of four target files, as far as a run needs them: each keeps events in memory and counts them plainly.

`python small_stand_ins.py NAME` prints its URL; it shares no line with mpsim. A device has one openid here at most, so
a user is that, or the device.

    matomo        POST /matomo.php in bulk; VisitsSummary.get and Actions.get of the Reporting API
    posthog       POST /batch/; the query API, which knows only the questions of the sample
    generic_json  POST /v1/collect; GET /v1/stats and /v1/stats/sources
    dmhub_cloud   GET /cbe/__utm; GET /v1/customerevents
    answers       POST /collect, answered event by event: one in twenty-five is invalid; GET /v1/stats
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

NAME = sys.argv[1]
TOKEN = "only-a-test-knows-7h1s"
SHANGHAI = timezone(timedelta(hours=8))
LOCK = threading.Lock()
LISTED: list[dict[str, str]] = []  # as they came
TAKEN = 0  # events of all requests, also those that were not kept


class Event(NamedTuple):
    """One event, whatever it was called."""

    id: str
    at: int  # ms
    kind: str  # open, view, other
    device: str
    openid: str
    source: str


EVENTS: dict[str, Event] = {}


def keep(event: Event) -> None:
    EVENTS.setdefault(event.id, event)


def users() -> Callable[[Event], str]:
    known = {event.device: event.openid for event in EVENTS.values() if event.openid}
    return lambda event: known.get(event.device, event.device)


def between(begin: int, end: int) -> list[Event]:
    return [event for event in EVENTS.values() if begin <= event.at < end]


def day(event: Event) -> str:
    return datetime.fromtimestamp(event.at / 1000, SHANGHAI).date().isoformat()


def numbers(events: Iterable[Event], begin: int) -> dict[str, int]:
    some, user = list(events), users()
    before = {user(one) for one in EVENTS.values() if one.at < begin and one.kind != "other"}
    seen = {user(one) for one in some if one.kind != "other"}
    return {
        "views": sum(one.kind == "view" for one in some),
        "opens": sum(one.kind == "open" for one in some),
        "users": len(seen),
        "new_users": len(seen - before),
    }


# ---- Matomo -----------------------------------------------------------------------------------------------------


def matomo_takes(document: Any) -> object:
    for hit in document["requests"]:
        fields = dict(parse_qsl(hit.removeprefix("?")))
        source = dict(parse_qsl(urlsplit(fields["url"]).query)).get("mtm_campaign", "")
        kind = "other" if fields.get("ca") == "1" else "view"
        keep(Event(str(len(EVENTS)), int(fields["cdt"]) * 1000, kind, fields["_id"], fields.get("uid", ""), source))
    return {"status": "success", "tracked": len(document["requests"]), "invalid": 0}


def visits() -> Iterable[Event]:
    """The first event of each: after 30 minutes without one, of another day, of another campaign."""
    last: dict[str, tuple[Event, str]] = {}
    for event in sorted(EVENTS.values(), key=lambda one: (one.at, int(one.id))):
        before, campaign = last.get(event.device, (None, ""))
        if before is None or event.at - before.at > 1_800_000 or day(event) != day(before):
            yield event
            campaign = ""
        elif event.source and event.source != campaign:
            yield event
        last[event.device] = event, event.source or campaign


def matomo_says(asked: dict[str, str]) -> object:
    assert asked["token_auth"] == TOKEN
    first, last = asked["date"].split(",")
    if asked["period"] == "range":
        within = [event for event in EVENTS.values() if first <= day(event) <= last]
        begun = [event for event in visits() if first <= day(event) <= last]
        return {"nb_visits": len(begun), "nb_pageviews": sum(event.kind == "view" for event in within)}
    told: dict[str, object] = {}
    moment, user = datetime.fromisoformat(first), users()
    while moment.date().isoformat() <= last:
        name = moment.date().isoformat()
        some = [event for event in EVENTS.values() if day(event) == name]
        begun = [event for event in visits() if day(event) == name]
        told[name] = {"nb_uniq_visitors": len({*map(user, some)}), "nb_visits": len(begun)} if some else []
        moment += timedelta(days=1)
    return told


# ---- PostHog ----------------------------------------------------------------------------------------------------


def posthog_takes(document: Any) -> object:
    for event in document["batch"]:
        properties = event["properties"]
        kind = "view" if event["event"] == "$pageview" else "other"
        if event["event"] == "Application Opened":
            # A return makes somebody a user of the cell as a launch does, and is no open.
            kind = "return" if properties["from_background"] else "open"
        at = round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)
        source, openid = properties.get("utm_source", ""), properties.get("$user_id", "")
        keep(Event(event["uuid"], at, kind, properties["$device_id"], openid, source))
    return {"status": 1}


def posthog_says(document: Any) -> object:
    query = document["query"]["query"]
    begin, end = (int(one) * 1000 for one in re.findall(r"toDateTime\((\d+)\)", query))
    events = between(begin, end)
    if "GROUP BY" not in query:
        return {"results": [posthog_row(events)]}
    name = day if "toDate(timestamp" in query else lambda event: event.source
    cells: dict[str, list[Event]] = {}
    for event in events:
        cells.setdefault(name(event), []).append(event)
    return {"results": [[cell, *posthog_row(some)] for cell, some in cells.items()]}


def posthog_row(events: list[Event]) -> list[int]:
    told = numbers(events, 0)
    return [told["views"], told["users"], told["opens"]]


# ---- generic ----------------------------------------------------------------------------------------------------

KINDS = {"app_open": "open", "page_view": "view", "launch": "open", "view": "view"}


def generic_takes(document: Any) -> object:
    for event in document["events"]:
        kind, openid = KINDS.get(event["type"], "other"), event.get("openid", "")
        keep(Event(event["id"], event["at"], kind, document["device"], openid, event.get("source", "")))
    return {"accepted": True}


def answers_takes(document: Any) -> object:
    """Of one event in twenty-five nothing is kept, and its place in the reply says so."""
    global TAKEN  # noqa: PLW0603
    items = []
    for event in document:
        TAKEN += 1
        if TAKEN % 25 == 0:
            items.append({"status": "invalid"})
            continue
        keep(Event(event["i"], event["t"], KINDS.get(event["n"], "other"), event["d"], event.get("u", ""), ""))
        items.append({"status": "ok"})
    return {"result": {"items": items}}


def generic_says(path: str, asked: dict[str, str]) -> object:
    begin, end = (round(datetime.fromisoformat(asked[name]).timestamp() * 1000) for name in ("from", "to"))
    events = between(begin, end)
    if path == "/v1/stats":
        return numbers(events, begin)
    sources: dict[str, list[Event]] = {}
    for event in events:
        sources.setdefault(event.source, []).append(event)
    user = users()
    first: dict[str, Event] = {}
    for event in sorted(EVENTS.values(), key=lambda one: one.at):
        if event.kind != "other":
            first.setdefault(user(event), event)
    rows = []
    for name, some in sources.items():
        new = sum(one.at >= begin and one.source == name for one in first.values())
        rows.append({"name": name, **numbers(some, begin), "new_users": new})
    return {"sources": rows}


# ---- DM Hub in the cloud ----------------------------------------------------------------------------------------


def dmhub_says(asked: dict[str, str]) -> object:
    assert asked["access_token"] == TOKEN
    openids = {one["anonymousId"]: one["openid"] for one in LISTED if one["openid"]}
    customers: dict[str, int] = {}
    told: list[dict[str, Any]] = []
    for number, one in enumerate(LISTED, 1):
        who = openids.get(one["anonymousId"], one["anonymousId"])
        customer = customers.setdefault(who, len(customers) + 1)
        kept = {name: one.get(name) for name in ("externalId", "event", "date", "source", "contentName", "targetName")}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        told.append({**kept, "id": number, "customerId": customer, "lastUpdated": now})
    behind = int(asked["idFrom"] or 0)
    return [one for one in told if one["id"] > behind][: int(asked["max"])]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = dict(parse_qsl(url.query, keep_blank_values=True))
        with LOCK:
            if url.path == "/cbe/__utm":
                identities = {
                    asked[key]: asked.get(f"identityValue{key[12:]}", "") for key in asked if "identityType" in key
                }
                LISTED.append({**asked, "openid": identities.get("applet-wechat", "")})
                self.answer({})
            elif url.path == "/v1/customerevents":
                self.answer(dmhub_says(asked))
            else:
                assert NAME == "answers" or self.headers["Authorization"] == f"Bearer {TOKEN}"
                self.answer(generic_says(url.path, asked))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        takes = {"matomo": matomo_takes, "posthog": posthog_takes, "generic_json": generic_takes}
        with LOCK:
            if self.path == "/index.php":
                self.answer(matomo_says(dict(parse_qsl(body))))
            elif self.path == "/api/projects/1/query":
                assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                self.answer(posthog_says(json.loads(body)))
            else:
                self.answer(takes.get(NAME, answers_takes)(json.loads(body)))

    def answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
