"""Each seeded fault does what it says: the same few events, counted rightly and by the faulty parts."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

import simulator.collector
from simulator.collector.faults import Fault, named, registered
from simulator.collector.faults.decoding import cut_at_255_bytes, last_slot_only
from simulator.collector.faults.fault import register
from simulator.collector.faults.labelling import first_of_two, winter_day
from simulator.collector.faults.planting import NoSuchText, sql
from simulator.collector.faults.storing import Buffered, CrashesOnce, ShortLinks, struck
from simulator.collector.faults.users import Sketch
from simulator.collector.ingest import EventRow, Rules, event_row
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.server import collector
from simulator.collector.web import Refused
from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.runs.trial import SCENARIOS
from simulator.times import HOUR, MINUTE, Ms, iso_utc, parse_instant

README = Path(__file__).parent.parent.parent / "README.md"
NOON = parse_instant("2026-03-01T12:00:00+08:00")
ARRIVAL = parse_instant("2026-03-05T12:00:00+08:00")
DAY = 24 * HOUR
NONE = "(none)"
Cells = dict[str, tuple[int, int, int | None, int | None]]  # pv, uv, opens, new users


@dataclass(frozen=True)
class Sent:
    """One event as a tracker sends it; `at` in ms after noon of 1 March in Shanghai."""

    name: str
    at: int
    device: str = "d"
    ids: str = ""  # type=value, by slot, separated by blanks
    source: str = ""
    content: str = ""
    page: str = "a"
    id: str = ""
    tenant: str = ""
    scene: str = ""

    def query(self) -> bytes:
        fields = {
            "event": self.name,
            "date": iso_utc(Ms(NOON + self.at)),
            "externalId": self.id,
            "anonymousId": self.device,
            "source": self.source,
            "contentName": self.content,
            "targetName": self.page,
            "tenantId": self.tenant,
            "scene": self.scene,
        }
        for slot, identity in zip(("", "2", "3"), self.ids.split(), strict=False):
            fields["identityType" + slot], _, fields["identityValue" + slot] = identity.partition("=")
        return "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items() if value).encode()


def opened(at: int = 0, device: str = "d", ids: str = "", **more: str) -> Sent:
    return Sent("mini_program_open", at, device, ids, **more)


def viewed(at: int = 0, device: str = "d", ids: str = "", **more: str) -> Sent:
    return Sent("mini_program_view", at, device, ids, **more)


def tracked(at: int = 0, device: str = "d", ids: str = "", **more: str) -> Sent:
    return Sent("c_read", at, device, ids, **more)


def counted(parts: Collector, sent: list[Sent], by: str) -> Cells:
    """What a collector counts after it has taken the events one after another."""
    asyncio.run(take(parts, sent))
    try:
        cells = parts.totals.cells(by)
    finally:
        parts.close()
    return {cell: (one["pv"], one["uv"], one["opens"], one["new_users"]) for cell, one in cells.items()}


async def take(parts: Collector, sent: list[Sent]) -> list[int]:
    """Send the events; the status that each is answered."""
    statuses = []
    for one in sent:
        row = parts.read_event(parts.decode_query(one.query()), parts.rules, ARRIVAL, "GET /cbe/__utm")
        try:
            await parts.take([row])
            statuses.append(200)
        except Refused as refused:
            statuses.append(refused.status)
    return statuses


def options_of(fault: Fault, folder: Path, name: str) -> CollectorOptions:
    return CollectorOptions(db=folder / f"{name}.db", definitions=fault.definitions, tenant="t")


def lucky(at: int, one_in: int) -> int:
    """The first instant from `at` on whose event such a fault leaves alone."""
    return next(instant for instant in range(at, at + 1000) if not is_struck(instant, one_in))


def unlucky(at: int, one_in: int) -> int:
    """The first instant from `at` on whose event such a fault strikes."""
    return next(instant for instant in range(at, at + 1000) if is_struck(instant, one_in))


def is_struck(at: int, one_in: int) -> bool:
    row = event_row({"event": "x", "date": iso_utc(Ms(NOON + at))}, Rules(), ARRIVAL, "")
    return struck(row, one_in)


X, Y = "applet-wechat=X", "applet-wechat=Y"
LATER = 5 * MINUTE
POSTER = "春" * 86  # 258 bytes
SUMMER_MIDNIGHT = parse_instant("2026-07-30T00:30:00+02:00") - NOON
SECOND_TWO = parse_instant("2026-10-25T02:30:00+01:00") - NOON
READING = [opened(), viewed(1), viewed(LATER, page="b")]

# fault, events, kind of cell, what is right, what the faulty collector says
CASES: list[tuple[str, list[Sent], str, Cells, Cells]] = [
    # decoding
    ("decodes-twice", [viewed(content="100%41")], "content", {"100%41": (1, 1, 0, 1)}, {"100A": (1, 1, 0, 1)}),
    ("plus-is-space", [viewed(content="a+b")], "content", {"a+b": (1, 1, 0, 1)}, {"a b": (1, 1, 0, 1)}),
    ("cut-by-bytes", [viewed(content=POSTER)], "content", {POSTER: (1, 1, 0, 1)}, {"春" * 85: (1, 1, 0, 1)}),
    ("cut-at-unicode", [viewed(content="ad春季")], "content", {"ad春季": (1, 1, 0, 1)}, {"ad": (1, 1, 0, 1)}),
    ("page-decoded-again", [viewed(page="%41")], "page", {"%41": (1, 1, None, None)}, {"A": (1, 1, None, None)}),
    ("path-cut-at-unicode", [viewed(page="pages/%E6%B4%BB/x")], "page", {"pages/%E6%B4%BB/x": (1, 1, None, None)},
     {"pages/": (1, 1, None, None)}),
    ("source-case-folded", [viewed(source="Ad"), viewed(1, source="ad")], "source",
     {"Ad": (1, 1, 0, 1), "ad": (1, 1, 0, 0)}, {"ad": (2, 1, 0, 1)}),
    ("blanks-trimmed", [viewed(content="ad ")], "content", {"ad ": (1, 1, 0, 1)}, {"ad": (1, 1, 0, 1)}),
    ("anonymous-id-cut", [viewed(0, "0123456789abcdef1"), viewed(1, "0123456789abcdef2")], "all",
     {"": (2, 2, 0, 2)}, {"": (2, 1, 0, 1)}),
    ("slot-overwritten", [viewed(0, "d", X), viewed(1, "e", f"{X} mobile=1")], "all",
     {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 2)}),
    ("takes-bad-for-good", [viewed(), replace(viewed(1), tenant="other")], "all",
     {"": (1, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
    # storing
    ("loses-one-in-20", [viewed(unlucky(0, 20)), viewed(lucky(2000, 20))], "all",
     {"": (2, 1, 0, 1)}, {"": (1, 1, 0, 1)}),
    ("loses-every-12th", [viewed(at) for at in range(12)], "all", {"": (12, 1, 0, 1)}, {"": (11, 1, 0, 1)}),
    ("loses-batch-tail", [viewed(at) for at in range(31)], "all", {"": (31, 1, 0, 1)}, {"": (23, 1, 0, 1)}),
    ("acknowledges-then-crashes", [viewed(at) for at in range(110)], "all", {"": (110, 1, 0, 1)}, {"": (105, 1, 0, 1)}),
    ("loses-what-failed-once", [viewed(unlucky(0, 5), id="1"), viewed(unlucky(0, 5), id="1"), viewed(lucky(2000, 5))],
     "all", {"": (2, 1, 0, 1)}, {"": (1, 1, 0, 1)}),
    ("loses-late-events", [viewed(0), viewed(20 * MINUTE), viewed(10 * MINUTE, page="b"), viewed(10 * MINUTE - 1)],
     "page", {"a": (3, 1, None, None), "b": (1, 1, None, None)}, {"a": (2, 1, None, None), "b": (1, 1, None, None)}),
    ("dedupes-by-user", READING, "all", {"": (2, 1, 1, 1)}, {"": (1, 1, 1, 1)}),
    ("dedupes-by-second", [viewed(0), viewed(999, page="b"), viewed(1000)], "all",
     {"": (3, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
    ("counts-duplicates", [viewed(id="1"), viewed(id="1")], "all", {"": (1, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
    ("counts-retries-twice", [viewed(unlucky(0, 5), id="1"), viewed(unlucky(0, 5), id="1")], "all",
     {"": (1, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
    # labelling
    ("sources-swapped", [viewed(source="search"), viewed(1, source="ad")], "source",
     {"ad": (1, 1, 0, 0), "search": (1, 1, 0, 1)}, {"ad": (1, 1, 0, 0), "poster": (1, 1, 0, 1)}),
    ("source-of-first-visit", [opened(source="ad"), opened(HOUR, source="search")], "source",
     {"ad": (0, 1, 1, 1), "search": (0, 1, 1, 0)}, {"ad": (0, 1, 2, 1)}),
    ("source-of-first-touch", [opened(at, source=name) for at, name in ((0, "ad"), (HOUR, "search"), (DAY, "search"))],
     "source", {"ad": (0, 1, 1, 1), "search": (0, 1, 2, 0)}, {"ad": (0, 1, 2, 1), "search": (0, 1, 1, 0)}),
    ("source-of-last-visit", [opened(source="ad"), opened(HOUR, source="search")], "source",
     {"ad": (0, 1, 1, 1), "search": (0, 1, 1, 0)}, {"search": (0, 1, 2, 1)}),
    ("source-carried-over", [opened(source="ad"), opened(HOUR)], "source",
     {"ad": (0, 1, 1, 1), NONE: (0, 1, 1, 0)}, {"ad": (0, 1, 2, 1)}),
    ("source-lost-on-hot-start", [opened(source="ad"), viewed(59_999, source="ad"), viewed(119_999, source="ad")],
     "source", {"ad": (2, 1, 1, 1)}, {"ad": (1, 1, 1, 1), NONE: (1, 1, 0, 0)}),
    ("scene-for-source", [opened(scene="1089")], "source", {NONE: (0, 1, 1, 1)}, {"scene-1089": (0, 1, 1, 1)}),
    ("none-left-out", [opened(source="ad"), viewed(1)], "source",
     {"ad": (0, 1, 1, 1), NONE: (1, 1, 0, 0)}, {"ad": (0, 1, 1, 1)}),
    ("rest-in-other", [viewed(at, source=name) for at, name in enumerate("aabbccd")], "source",
     {"a": (2, 1, 0, 1), "b": (2, 1, 0, 0), "c": (2, 1, 0, 0), "d": (1, 1, 0, 0)},
     {"a": (2, 1, 0, 1), "b": (2, 1, 0, 0), "c": (2, 1, 0, 0), "(other)": (1, 1, 0, 0)}),
    ("page-by-last-part", [viewed(page="a/detail"), viewed(1, page="b/detail")], "page",
     {"a/detail": (1, 1, None, None), "b/detail": (1, 1, None, None)}, {"detail": (2, 1, None, None)}),
    ("day-of-utc", [viewed(-5 * HOUR)], "day", {"2026-03-01": (1, 1, 0, 1)}, {"2026-02-28": (1, 1, 0, 1)}),
    ("hour-rounded", [viewed(29 * MINUTE), viewed(30 * MINUTE)], "hour", {"2026-03-01T12:00+08:00": (2, 1, 0, 1)},
     {"2026-03-01T12:00+08:00": (1, 1, 0, 1), "2026-03-01T13:00+08:00": (1, 1, 0, 0)}),
    ("hour-by-arrival", [viewed()], "hour",
     {"2026-03-01T12:00+08:00": (1, 1, 0, 1)}, {"2026-03-05T12:00+08:00": (1, 1, 0, 1)}),
    ("no-summer-time", [viewed(SUMMER_MIDNIGHT)], "day", {"2026-07-30": (1, 1, 0, 1)}, {"2026-07-29": (1, 1, 0, 1)}),
    ("repeated-hour-merged", [viewed(SECOND_TWO - HOUR), viewed(SECOND_TWO)], "hour",
     {"2026-10-25T02:00+02:00": (1, 1, 0, 1), "2026-10-25T02:00+01:00": (1, 1, 0, 0)},
     {"2026-10-25T02:00+02:00": (2, 1, 0, 1)}),
    ("utc-read-as-local", [viewed()], "hour",
     {"2026-03-01T12:00+08:00": (1, 1, 0, 1)}, {"2026-03-01T04:00+08:00": (1, 1, 0, 1)}),
    # users
    ("uv-by-open", [opened(), viewed(1), opened(2)], "all", {"": (1, 1, 2, 1)}, {"": (1, 2, 2, 1)}),
    ("uv-summed-over-days", [viewed(), viewed(DAY)], "all", {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 1)}),
    ("uv-summed-over-sources", [viewed(source="ad"), viewed(1)], "all", {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 1)}),
    ("uv-summed-over-sources", [viewed(), viewed(DAY)], "day",
     {"2026-03-01": (1, 1, 0, 1), "2026-03-02": (1, 1, 0, 0)},
     {"2026-03-01": (1, 1, 0, 1), "2026-03-02": (1, 1, 0, 0)}),
    ("anonymous-apart", [viewed(0, "d", X), viewed(1)], "all", {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 2)}),
    ("identified-from-then-on", [viewed(), viewed(1, "d", X), viewed(2)], "all",
     {"": (3, 1, 0, 1)}, {"": (3, 2, 0, 2)}),
    ("one-user-a-device", [viewed(0, "d", X), viewed(1, "d", Y)], "all", {"": (2, 2, 0, 2)}, {"": (2, 1, 0, 1)}),
    ("customers-not-joined", [viewed(0, "d", X), viewed(1, "d", f"{X} mobile=1")], "all",
     {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 2)}),
    ("join-not-retroactive", [viewed(0, "d", X), viewed(1, "d", f"{X} mobile=1")], "all",
     {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 2)}),
    ("wrong-pair-joined", [viewed(at, f"d{at}", f"applet-wechat={at}") for at in range(5)], "all",
     {"": (5, 5, 0, 5)}, {"": (5, 4, 0, 4)}),
    ("conflict-kept-apart", [viewed(0, "d", f"{X} mobile=1"), viewed(1, "e", f"{Y} mobile=1")], "all",
     {"": (2, 1, 0, 1)}, {"": (2, 2, 0, 2)}),
    ("device-joins-customers", [viewed(0, "d", X), viewed(1, "d", Y)], "all", {"": (2, 2, 0, 2)}, {"": (2, 1, 0, 1)}),
    ("new-each-day", [viewed(), viewed(DAY)], "all", {"": (2, 1, 0, 1)}, {"": (2, 1, 0, 2)}),
    ("new-each-source", [viewed(), viewed(1, source="ad")], "all", {"": (2, 1, 0, 1)}, {"": (2, 1, 0, 2)}),
    ("new-each-device", [viewed(0, "d", X), viewed(1, "e", X)], "all", {"": (2, 1, 0, 1)}, {"": (2, 1, 0, 2)}),
    ("new-is-whoever-comes", [viewed(), viewed(DAY)], "day",
     {"2026-03-01": (1, 1, 0, 1), "2026-03-02": (1, 1, 0, 0)},
     {"2026-03-01": (1, 1, 0, 1), "2026-03-02": (1, 1, 0, 1)}),
    ("new-after-a-day", [viewed(), viewed(DAY), viewed(2 * DAY + 1)], "all", {"": (3, 1, 0, 1)}, {"": (3, 1, 0, 2)}),
    ("new-by-arrival", [viewed(HOUR, source="ad"), viewed()], "source",
     {"ad": (1, 1, 0, 0), NONE: (1, 1, 0, 1)}, {"ad": (1, 1, 0, 1), NONE: (1, 1, 0, 0)}),
    # opening
    ("timeout-inclusive", [viewed(), viewed(30 * MINUTE)], "all", {"": (2, 1, 1, 1)}, {"": (2, 1, 2, 1)}),
    ("timeout-inclusive", [viewed(), viewed(30 * MINUTE - 1)], "all", {"": (2, 1, 1, 1)}, {"": (2, 1, 1, 1)}),
    ("timeout-a-millisecond-long", [viewed(), viewed(30 * MINUTE + 1)], "all", {"": (2, 1, 2, 1)}, {"": (2, 1, 1, 1)}),
    ("time-in-seconds", [viewed(), viewed(30 * MINUTE + 999)], "all", {"": (2, 1, 2, 1)}, {"": (2, 1, 1, 1)}),
    ("exit-ignored", [opened(), opened(LATER)], "all", {"": (0, 1, 2, 1)}, {"": (0, 1, 1, 1)}),
    ("timeout-not-reset-by-exit", [opened(), viewed(1), opened(HOUR), viewed(HOUR + 1), viewed(HOUR + 2)], "all",
     {"": (3, 1, 2, 1)}, {"": (3, 1, 3, 1)}),
    ("custom-events-bridge-nothing", [viewed(), tracked(20 * MINUTE), viewed(40 * MINUTE)], "all",
     {"": (2, 1, 1, 1)}, {"": (2, 1, 2, 1)}),
    ("out-of-order-opens", [viewed(LATER), viewed(), viewed(2 * LATER)], "all", {"": (3, 1, 1, 1)}, {"": (3, 1, 2, 1)}),
    ("midnight-opens", [viewed(12 * HOUR - 1), viewed(12 * HOUR)], "all", {"": (2, 1, 1, 1)}, {"": (2, 1, 2, 1)}),
    ("hide-taken-for-exit", [opened(), viewed(59_999), viewed(119_999)], "all", {"": (2, 1, 1, 1)}, {"": (2, 1, 2, 1)}),
    ("shows-ignored", [opened(), Sent("c_mp_show", LATER)], "all", {"": (0, 1, 2, 1)}, {"": (0, 1, 1, 1)}),
    ("shows-counted-as-views", [viewed(), Sent("c_mp_show", 1)], "all", {"": (1, 1, 1, 1)}, {"": (2, 1, 1, 1)}),
    ("custom-events-counted-as-views", [viewed(), tracked(1)], "all", {"": (1, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
    ("repeated-page-collapsed", [viewed(), viewed(1), viewed(2, page="b"), viewed(3)], "page",
     {"a": (3, 1, None, None), "b": (1, 1, None, None)}, {"a": (2, 1, None, None), "b": (1, 1, None, None)}),
    ("counting-behind", [viewed(at) for at in range(7)], "all", {"": (7, 1, 0, 1)}, {"": (2, 1, 0, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sent", "by", "right", "wrong"), CASES, ids=[f"{case[0]} {len(case[1])} {case[2]}" for case in CASES]
)
def test_what_a_fault_does(name: str, sent: list[Sent], by: str, right: Cells, wrong: Cells, tmp_path: Path) -> None:
    fault = named(name)
    events = [one if one.tenant else replace(one, tenant="t") for one in sent]

    assert counted(collector(options_of(fault, tmp_path, "honest")), events, by) == right
    assert counted(fault.build(options_of(fault, tmp_path, "faulty")), events, by) == wrong


def faulty(name: str, folder: Path) -> Collector:
    fault = named(name)
    return fault.build(replace(options_of(fault, folder, name), tenant=""))


def test_a_short_hash_gives_two_users_one_number(tmp_path: Path) -> None:
    """With one user more than there are numbers, two of them must meet."""
    sent = [viewed(at, f"d{at}") for at in range(62)]

    ((pv, uv, _, new),) = counted(faulty("uv-by-short-hash", tmp_path), sent, "all").values()

    assert (pv, new) == (62, 62)
    assert uv < 62


@pytest.mark.parametrize(
    ("users", "least", "most"), [(0, 0, 0), (1, 46, 46), (1_000, 610, 1_390), (10_000, 6_100, 13_900)]
)
def test_a_sketch_is_near_where_it_is_large_and_counts_nobody_twice(users: int, least: int, most: int) -> None:
    """A hash tells no two runs apart, so this is no matter of luck; three standard errors of 13 % are far enough."""
    sketch = Sketch()
    for number in [*range(users), *range(users)]:
        sketch.step(f"user {number}")
    sketch.step(None)

    assert least <= sketch.finalize() <= most


def test_an_estimate_is_not_the_count(tmp_path: Path) -> None:
    sent = [viewed(at, f"d{at}") for at in range(100)]

    ((pv, uv, _, _),) = counted(faulty("uv-estimated", tmp_path), sent, "all").values()

    assert (pv, uv != 100) == (100, True)


def test_cached_totals_stay_as_they_were_first_read(tmp_path: Path) -> None:
    parts = faulty("totals-cached", tmp_path)
    asyncio.run(take(parts, [viewed()]))
    first = parts.totals.cells("all")
    asyncio.run(take(parts, [viewed(1)]))

    assert (first, parts.totals.cells("all")) == ({"": {"pv": 1, "uv": 1, "opens": 0, "new_users": 1}}, first)
    parts.close()


@pytest.mark.parametrize(
    ("name", "one_in", "statuses", "pv"),
    [
        ("loses-what-failed-once", 5, [503, 200, 200], 0),
        ("counts-retries-twice", 5, [503, 200, 200], 3),
        ("keeps-what-it-refused", 10, [403, 403, 403], 1),
    ],
    ids=["an error, then lost", "an error, then kept each time", "refused and kept"],
)
def test_what_the_sender_of_a_struck_event_hears(
    name: str, one_in: int, statuses: list[int], pv: int, tmp_path: Path
) -> None:
    parts = faulty(name, tmp_path)
    same = [viewed(unlucky(0, one_in), id="1")] * 3

    assert asyncio.run(take(parts, same)) == statuses
    assert parts.totals.cells("all")[""]["pv"] == pv
    parts.close()


def test_links_are_cut_at_128_characters(tmp_path: Path) -> None:
    parts = faulty("link-cut", tmp_path)
    asyncio.run(parts.store.register("short", "x" * 128))
    asyncio.run(parts.store.register("long", "x" * 129))

    assert parts.store.links == {"short": "x" * 128, "long": "x" * 128}
    assert isinstance(parts.store.links, ShortLinks)
    parts.close()


ELSEWHERE = {"uv-by-short-hash", "uv-estimated", "totals-cached", "keeps-what-it-refused", "link-cut"}


def test_every_fault_is_shown_here() -> None:
    assert {fault.name for fault in registered()} == {name for name, *_ in CASES} | ELSEWHERE


# ---- the parts of faults ------------------------------------------------------------------------------------------


def test_half_a_character_goes_when_bytes_are_cut() -> None:
    assert cut_at_255_bytes("a" + "春" * 85) == "a" + "春" * 84
    assert cut_at_255_bytes("春" * 85) == "春" * 85


def test_the_last_slot_wins() -> None:
    given = {"event": "x", "identityType": "a", "identityValue": "1", "identityType3": "c", "identityValue3": "3"}

    assert last_slot_only(given) == {"event": "x", "identityType": "c", "identityValue": "3"}
    assert last_slot_only({"identityType2": "b"}) == {}


@pytest.mark.parametrize(("taken", "stored"), [(29, 0), (30, 23), (52, 23), (53, 46)])
def test_a_buffer_lets_go_of_whole_batches_only(taken: int, stored: int) -> None:
    buffered, rows = Buffered(), [row_at(at) for at in range(taken)]

    assert [one for row in rows for one in buffered(row)] == rows[:stored]


VIEW = "mini_program_view"


@pytest.mark.parametrize(
    ("views", "forgotten"),
    [
        (range(300), range(100, 105)),
        ([104], range(100, 105)),
        ([105, 122], range(120, 125)),  # the first five after 100, and after 110, hold no view
    ],
    ids=["nothing but views", "one view is among five", "none is at first"],
)
def test_a_crash_forgets_five_rows_with_a_view_among_them_and_no_more(views: Sequence[int], forgotten: range) -> None:
    crashing, rows = CrashesOnce(), [row_at(at, VIEW if at in views else "x") for at in range(300)]

    assert stored_by(crashing, rows) == rows[: forgotten.start] + rows[forgotten.stop :]


def test_what_a_crash_forgot_is_not_stored_by_a_copy() -> None:
    """Else a view that comes twice would be lost and found again, and no total would move."""
    rows = [row_at(at, VIEW) for at in range(110)]
    with_copies = [*rows[:50], *rows[:50], *rows[50:], *rows[100:105]]

    assert stored_by(CrashesOnce(), with_copies) == rows[:100] + rows[105:]


def stored_by(change: Callable[[EventRow], Iterable[EventRow]], rows: Iterable[EventRow]) -> list[EventRow]:
    return [one for row in rows for one in change(row)]


def row_at(at: int, name: str = "x") -> EventRow:
    fields = {"event": name, "date": iso_utc(Ms(NOON + at)), "anonymousId": "d"}
    row = event_row(fields, Rules(), ARRIVAL, "")
    assert isinstance(row, EventRow)
    return row


def test_winter_lasts_all_year() -> None:
    assert winter_day(parse_instant("2026-07-30T00:59:59.999+02:00")) == "2026-07-29"
    assert winter_day(parse_instant("2026-07-30T01:00:00+02:00")) == "2026-07-30"
    assert winter_day(parse_instant("2026-01-30T00:00:00+01:00")) == "2026-01-30"


def test_only_the_repeated_hour_is_called_like_the_one_before() -> None:
    hours = [first_of_two(Ms(NOON + SECOND_TWO + hour * HOUR)) for hour in (-2, -1, 0, 1)]

    assert hours == [
        "2026-10-25T01:00+02:00", "2026-10-25T02:00+02:00", "2026-10-25T02:00+02:00", "2026-10-25T03:00+01:00",
    ]  # fmt: skip


def test_an_edit_of_a_text_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A fault that changes nothing would survive for the wrong reason."""
    options = CollectorOptions(db=tmp_path / "collector.db")
    parts = sql(("cells", "no such text", ""))(options)

    with pytest.raises(NoSuchText, match=r"cells\.sql says 'no such text' 0 times, not once"):
        parts.totals.cells("all")
    parts.close()


# ---- the registry -------------------------------------------------------------------------------------------------


def test_the_kill_matrix_is_as_large_as_promised() -> None:
    faults = registered()

    assert len(faults) >= 40
    assert sum(fault.one_visitor for fault in faults) >= 25
    assert len({fault.name for fault in faults}) == len(faults)
    assert f"{len(faults)} seeded faults" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", registered(), ids=lambda fault: fault.name)
def test_a_fault_declares_what_can_be_tried(fault: Fault) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.name)
    assert fault.does
    assert not fault.does.endswith(".")
    assert (SCENARIOS / f"{fault.scenario}.yaml").is_file()
    assert fault.moves or fault.finding == "lookup"


def test_an_unknown_fault_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean timeout-inclusive"):
        named("timeout-inclusiv")


@pytest.mark.parametrize(
    ("name", "moves"), [("timeout-inclusive", "pv"), ("a-new-one", "pvs")], ids=["name taken", "no such metric"]
)
def test_a_fault_that_cannot_be_registered(name: str, moves: str) -> None:
    with pytest.raises(ValueError, match=name):
        register("users", name, "does nothing", collector, scenario="gaps", moves=moves, finding="lost")


def test_the_collector_itself_knows_no_faults() -> None:
    """Nothing outside the package of faults imports it, so an honest collector cannot be a faulty one."""
    folder = Path(simulator.collector.__file__).parent
    honest = [path for path in folder.glob("*.py") if "faults" in imports_of(path)]

    assert honest == []


def imports_of(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return " ".join(map(ast.unparse, found))


def test_usage_of_the_faulty_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.collector.faults.__main__ import main

    monkeypatch.setattr("sys.argv", ["faults", "no-such-fault", "--db", "/dev/null"])

    assert main() == ExitCode.USAGE
    assert "no fault 'no-such-fault'" in capsys.readouterr().err
