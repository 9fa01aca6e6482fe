"""Totals that other projects publish, counted by the engine that counts a run, under their definitions.

The files are not ours to ship: set MPSIM_FIXTURES to the folder that holds them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.contract import Contract, Definitions, Opens
from simulator.events import Identity
from simulator.ledger.record import Attempt
from simulator.times import DAY, HOUR, MINUTE, SECOND, Ms, hour_cell, instant, parse_instant
from simulator.verify.figures import figures, length_of
from simulator.verify.opening import Open, admitted, opens_of
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.sighting import sightings_of
from simulator.verify.storing import stored_rows
from simulator.wire.request import Action, Evidence, Outcome, Purpose, Record, Request

FOLDER = os.environ.get("MPSIM_FIXTURES")
pytestmark = pytest.mark.skipif(not FOLDER, reason="MPSIM_FIXTURES names no folder with the published totals")

Arrived = tuple[Record, int]  # the record, and when it arrived, ns
ALWAYS = (Ms(0), Ms(4_000_000_000_000))


def published(name: str) -> Any:
    assert FOLDER is not None
    return json.loads((Path(FOLDER) / name).read_text(encoding="utf-8"))


def at(text: str) -> Ms:
    return instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


def record(action: Action, date: Ms, device: str, **more: Any) -> Record:
    return Record(0, 0, "", action, action.value, date, device, (), **more)


@dataclass
class Case:
    """Events as they arrived, and the switches under which their totals were published."""

    arrived: Sequence[Arrived]
    contract: Contract
    period: tuple[Ms, Ms] = ALWAYS

    def expect(self, unknown: frozenset[int] = frozenset()) -> Expectations:
        """The expectations when the attempts of some events have no known outcome."""
        requests, attempts = [], {}
        for number, (one, arrival) in enumerate(self.arrived):
            requests.append(Request(0, number, Purpose.EVENT, Ms(0), "GET", "/", (), b"", (one,)))
            outcome = Outcome.UNKNOWN if number in unknown else Outcome.ACKED
            attempts[(0, number)] = [
                Attempt(0, number, 0, Purpose.EVENT, arrival, arrival, arrival, outcome, Evidence.REPLY, 200)
            ]
        self.rows = stored_rows(sightings_of(requests, attempts, self.contract), self.contract)
        oracle = Oracle(self.contract, *self.period)
        oracle.add_block(sightings_of(requests, attempts, self.contract))
        return oracle.finish()

    def totals(self) -> dict[str, int]:
        found = self.expect()
        totals = {}
        for metric in ("pv", "uv", "opens", "new_users"):
            interval = found.expected(metric, "all", "")
            assert interval is not None
            assert interval.width == 0
            totals[metric] = interval.low
        return totals

    def opens(self) -> list[Open]:
        self.expect()
        return opens_of(self.rows, self.contract)


# ---- Snowplow: sessions given, duplicates, late events, a session cut, pings, stitching ---------------------------

ACTIONS = {"page_view": Action.VIEW, "page_ping": Action.PING}


def snowplow(user: str = "device", *, pings: bool = True, **switches: Any) -> Case:
    contract = Contract(
        **{
            "definitions": Definitions(Opens("launch"), user, "UTC"),  # type: ignore[arg-type]
            "dedupe": "by_id",
            "max_age": Ms(3 * DAY),
            "age": "device",
            "sessions": "given",
            "session_cut": Ms(3 * DAY),
            "viewless_opens": False,
            "views": "by_id",
            "ping": Ms(5 * SECOND) if pings else None,
            "identity": "user",
            "stitch": "last",
            **switches,
        }
    )
    rows = sorted(
        published("snowplow_web_0.15.2.json")["events"], key=lambda row: (row["collector_ts"], row["created_ts"])
    )
    arrived = []
    for place, row in enumerate(rows):
        one = Record(
            visitor=0,
            number=0,
            external_id=row["event_id"],
            action=ACTIONS.get(row["event"], Action.CUSTOM),
            event=row["event"],
            date=at(row["derived_ts"]),
            anonymous_id=row["device"] or "",
            identities=(Identity("user", row["user"]),) if row["user"] else (),
            session=row["session"] or "",
            view=row["page_view_id"] or "",
            waited=Ms(at(row["sent_ts"]) - at(row["created_ts"])),
        )
        arrived.append((one, at(row["collector_ts"]) * 1_000_000 + place))
    return Case(arrived, contract)


def test_snowplow_totals() -> None:
    assert snowplow().totals() == {"pv": 46, "uv": 11, "opens": 18, "new_users": 11}


def test_snowplow_sessions_one_by_one() -> None:
    expected = published("snowplow_web_0.15.2.json")["expected"]["sessions"]
    found = {
        one.first.record.session: (one.views, one.events, one.start, one.end, one.first.record.anonymous_id)
        for one in snowplow().opens()
    }

    assert found == {
        row["session"]: (row["page_views"], row["total_events"], at(row["start"]), at(row["end"]), row["device"])
        for row in expected
    }


def test_snowplow_users_one_by_one() -> None:
    expected = published("snowplow_web_0.15.2.json")["expected"]["users"]
    found: dict[str, list[int]] = {}
    for one in snowplow().opens():
        sums = found.setdefault(one.first.record.anonymous_id, [0, 0])
        sums[0] += one.views
        sums[1] += 1
    found.pop("")  # the session without a device has no user

    assert found == {row["device"]: [row["page_views"], row["sessions"]] for row in expected}


def test_snowplow_stitching() -> None:
    expected = published("snowplow_web_0.15.2.json")["expected"]["sessions"]

    assert {one.first.record.session: one.user or "" for one in snowplow("openid").opens()} == {
        row["session"]: row["stitched"] for row in expected
    }


def test_snowplow_page_views_one_by_one() -> None:
    case = snowplow()
    case.expect()
    counted = admitted(case.rows, case.contract)
    ids = {row.record.view for row in counted if row.record.action is Action.VIEW}

    assert ids == set(published("snowplow_web_0.15.2.json")["expected"]["page_view_ids"])


@pytest.mark.parametrize(
    ("switches", "sessions"),
    [({"max_age": None}, 19), ({"viewless_opens": True}, 45)],
    ids=["without the late rule one session too many", "with the sessions of consent alone, and the viewless one"],
)
def test_snowplow_sessions_without_a_switch(switches: dict[str, Any], sessions: int) -> None:
    assert snowplow(**switches).totals()["opens"] == sessions


# ---- Matomo: half an hour, midnight, first visits -----------------------------------------------------------------

NAMES = {
    "facebook.com": "Facebook", "fb.me": "Facebook", "twitter.com": "Twitter", "t.co": "Twitter",
    "flickr.com": "Flickr", "xanga.com": "Xanga", "skyrock.com": "Skyrock", "mixi.jp": "Mixi",
}  # fmt: skip


def matomo(first: str, last: str) -> Case:
    arrived = []
    for row in published("matomo_several_days.json")["events"]:
        source = NAMES[(urlsplit(row["source"]).hostname or "").removeprefix("www.")]
        arrived.append((record(Action.VIEW, at(row["ts"]), row["visitor"], source=source), at(row["ts"]) * 1_000_000))
    definitions = Definitions(Opens("timeout", Ms(30 * MINUTE)), "device", "UTC")
    contract = Contract(definitions=definitions, dedupe="none", midnight=True, length_extra=SECOND)
    return Case(arrived, contract, (at(first), Ms(at(last) + DAY)))


def test_matomo_range() -> None:
    case = matomo("2010-12-15", "2011-01-15")
    expected = published("matomo_several_days.json")["expected"]["range_2010_12_15__2011_01_15"]
    begin, end = case.period
    inside = [one for one in case.opens() if begin <= one.first.earliest < end]
    found = figures(inside, case.contract)
    hours: dict[str, list[int]] = {}
    for one in inside:
        sums = hours.setdefault(hour_cell(one.first.earliest, "UTC")[11:13], [0, 0])
        sums[0] += 1
        sums[1] += one.views

    assert {
        "visits": found.opens,
        "actions": found.views,
        "bounces": found.bounces,
        "max_actions": found.most_views,
        "sum_visit_length": found.length // SECOND,
        "visits_new": found.new_opens,
        "actions_new": found.new_views,
        "visits_returning": found.opens - found.new_opens,
        "actions_returning": found.views - found.new_views,
        "per_hour": hours,
    } == expected
    assert case.totals() == {"pv": 9, "uv": 3, "opens": 6, "new_users": 3}


def test_matomo_sources() -> None:
    case = matomo("2010-12-13", "2011-01-18")
    expected = published("matomo_several_days.json")["expected"]["per_source_range_2010_12_13__2011_01_18"]
    sums: dict[str, list[int]] = {}
    for one in case.opens():
        both = sums.setdefault(one.first.record.source, [0, 0])
        both[0] += 1
        both[1] += one.views
    found = case.expect()

    assert sums == expected
    for source, (visits, _) in expected.items():
        interval = found.expected("opens", "source", source)
        assert interval is not None
        assert (interval.low, interval.high) == (visits, visits)


@pytest.mark.parametrize(
    ("zone", "name", "days"),
    [
        ("UTC", "UTC", {"2010-03-05": "day1", "2010-03-06": "day2"}),
        ("America/Barbados", "America/Barbados (UTC-4)", {"2010-03-05": "day1", "2010-03-06": "day2"}),
    ],
)
def test_matomo_days_are_cut_in_the_zone_of_the_site(zone: str, name: str, days: dict[str, str]) -> None:
    file = published("matomo_timezones.json")
    arrived = [
        (record(Action.VIEW, at(row["ts"]), f"v{place}"), at(row["ts"]) * 1_000_000)
        for place, row in enumerate(file["events"])
    ]
    definitions = Definitions(Opens("timeout", Ms(30 * MINUTE)), "device", zone)
    found = Case(arrived, Contract(definitions=definitions, dedupe="none", midnight=True)).expect()
    expected = {day: file["expected"][name][key] for day, key in days.items()}
    if zone != "UTC":
        expected["2010-03-04"] = 1

    for metric in ("pv", "uv", "opens", "new_users"):
        cells = {cell: found.expected(metric, "day", cell) for cell in found.cells(metric, "day")}
        assert {day: one.low for day, one in cells.items() if one is not None} == expected


# ---- Countly: explicit begins, worked through as they arrive ------------------------------------------------------


def countly() -> Case:
    now = parse_instant("2024-05-05T15:00:00+00:00")
    arrived = []
    for place, row in enumerate(published("countly_bulk.json")["events"]):
        action = Action.OPEN if "begin_session" in row else Action.EXIT if "end_session" in row else Action.CUSTOM
        date = Ms(now - row["min_ago"] * MINUTE)
        length = Ms(row.get("session_duration", 0) * SECOND)
        arrived.append((record(action, date, row["device"], length=length), now * 1_000_000 + place))
    definitions = Definitions(Opens("launch"), "device", "UTC")
    return Case(arrived, Contract(definitions=definitions, dedupe="none", order="arrival", length="reported"))


def test_countly() -> None:
    case = countly()
    totals, found = case.totals(), figures(case.opens(), case.contract)

    assert {
        "users": totals["uv"],
        "new": totals["new_users"],
        "sessions": totals["opens"],
        "events": found.events,
        "duration_s": found.length // SECOND,
    } == published("countly_bulk.json")["expected"]


# ---- PostHog: sessions given, counted from the events inside the period -------------------------------------------


def posthog(first: str, last: str) -> Case:
    arrived = [
        (record(Action.VIEW, at(row["ts"]), row["user"], session=row["session"]), at(row["ts"]) * 1_000_000)
        for row in published("posthog_web_overview.json")["events"]
    ]
    definitions = Definitions(Opens("launch"), "device", "UTC")
    begin = Ms(0) if first == "all" else at(first)
    contract = Contract(definitions=definitions, dedupe="none", sessions="given")
    return Case(arrived, contract, (begin, Ms(at(last) + DAY)))


@pytest.mark.parametrize("row", range(3))
def test_posthog(row: int) -> None:
    expected = published("posthog_web_overview.json")["expected"][row]
    case = posthog(expected["from"], expected["to"])
    totals = case.totals()
    begin, end = case.period
    opens = opens_of([one for one in case.rows if begin <= one.earliest < end], case.contract)
    found = figures(opens, case.contract)

    assert (totals["uv"], totals["pv"], totals["opens"], found.opens) == (
        expected["visitors"],
        expected["views"],
        expected["sessions"],
        expected["sessions"],
    )
    assert found.length / SECOND / found.opens == expected["avg_session_s"]
    assert round(100 * found.bounces / found.opens, 4) == expected["bounce_pct"]
    assert all(length_of(one, case.contract) in (0, DAY) for one in opens)


# ---- soundness ----------------------------------------------------------------------------------------------------

ALL: dict[str, tuple[Callable[[], Case], dict[str, int]]] = {
    "snowplow": (snowplow, {"pv": 46, "uv": 11, "opens": 18}),
    "matomo": (lambda: matomo("2010-12-15", "2011-01-15"), {"pv": 9, "opens": 6, "new_users": 3}),
    "countly": (countly, {"uv": 2, "new_users": 2, "opens": 3}),
    "posthog": (lambda: posthog("2023-11-30", "2023-12-07"), {"uv": 1, "pv": 2, "opens": 1}),
}


@pytest.mark.parametrize("name", ALL)
def test_published_totals_stay_inside_when_outcomes_are_unknown(name: str) -> None:
    make, totals = ALL[name]
    case = make()
    random = Random(7)
    for part in [0.02, 0.1, 0.3] * 6:
        unknown = frozenset(place for place in range(len(case.arrived)) if random.random() < part)
        found = case.expect(unknown)
        for metric, total in totals.items():
            interval = found.expected(metric, "all", "")
            assert interval is not None
            assert total in interval, (metric, sorted(unknown))


def test_hours_of_the_fixtures_are_full_hours() -> None:
    found = matomo("2010-12-15", "2011-01-15").expect()

    assert all(parse_instant(cell) % HOUR == 0 for cell in found.cells("pv", "hour"))
