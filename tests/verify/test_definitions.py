"""Each switch of a contract, with the row below, at and above its threshold, counted by hand."""

from __future__ import annotations

import pytest

from simulator.contract import Contract, Definitions, parse_opens
from simulator.events import Identity
from simulator.times import DAY, MINUTE, SECOND, Ms, parse_instant
from simulator.verify.figures import Figures, figures
from simulator.verify.opening import opens_of
from simulator.verify.sighting import Sighting
from simulator.verify.storing import stored_rows
from simulator.wire.request import Action
from tests.verify.histories import MIDNIGHT, C, P, contract, custom, expect, happened, left, opened, pair, shown, view

MS = 1 / 60_000  # a millisecond, in minutes
MOBILE, UNION = Identity("mobile", "1"), Identity("wechat-unionid", "u")


def ping(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.PING, minute, copies, **more)  # type: ignore[arg-type]


OPENS: list[tuple[str, list[Sighting], Contract, tuple[int, int]]] = [
    ("launch: views open nothing", [opened(0), view(1), view(90)], contract(), (1, 1)),
    ("launch: a show opens nothing", [opened(0), shown(1)], contract(), (1, 1)),
    ("every foreground: a show opens", [opened(0), shown(1)], contract("every-foreground"), (2, 2)),
    ("timeout: a launch opens at once", [opened(0), opened(1)], contract("timeout=30m"), (2, 2)),
    ("timeout: unless it is mere activity", [opened(0), opened(1)], contract("timeout=30m", launch_opens=False),
     (1, 1)),
    ("timeout: each device has its own", [view(0), view(1, device="e")], contract("timeout=30m"), (2, 2)),
    ("timeout: custom events keep it open", [view(0), custom(29), view(58)], contract("timeout=30m"), (1, 1)),
    ("timeout: a custom event may begin it", [custom(0), view(1)], contract("timeout=30m"), (1, 1)),
    ("at the timeout, exclusive", [view(0), view(30)], contract("timeout=30m"), (1, 1)),
    ("at the timeout, inclusive", [view(0), view(30)], contract("timeout=30m", timeout_inclusive=True), (2, 2)),
    ("below it, inclusive", [view(0), view(30 - MS)], contract("timeout=30m", timeout_inclusive=True), (1, 1)),
    ("the last minute of a day", [view(1438), view(1440 - MS)], contract("timeout=30m", midnight=True), (1, 1)),
    ("exactly midnight", [view(-1), view(0)], contract("timeout=30m", midnight=True), (1, 1)),
    ("midnight is no cut", [view(-1), view(0)], contract("timeout=30m"), (0, 0)),
    ("a late event of the day before is of another day", [view(1, arrived=1), view(-1, arrived=2), view(2, arrived=3)],
     contract("timeout=30m", midnight=True, order="arrival"), (2, 2)),
    ("which may be missing", [view(1, arrived=1), view(-1, P, arrived=2), view(2, arrived=3)],
     contract("timeout=30m", midnight=True, order="arrival"), (1, 2)),
    ("another source", [view(0, source="a"), view(1, source="b")], contract("timeout=30m", source_change=True), (2, 2)),
    ("no source is no other one", [view(0, source="a"), view(1), view(2, source="a")],
     contract("timeout=30m", source_change=True), (1, 1)),
    ("a first source", [view(0), view(1, source="a")], contract("timeout=30m", source_change=True), (2, 2)),
    ("given: one a session id", [view(0, session="s"), view(900, session="s"), view(1, session="t")],
     contract(sessions="given"), (2, 2)),
    ("given: none without an id", [view(0), view(1, P, session="s")], contract(sessions="given"), (0, 1)),
    ("given: a session without a view counts", [custom(0, session="s")], contract(sessions="given"), (1, 1)),
    ("given: or not", [custom(0, session="s")], contract(sessions="given", viewless_opens=False), (0, 0)),
    ("given: its view may be missing", [custom(0, session="s"), view(1, P, session="s")],
     contract(sessions="given", viewless_opens=False), (0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("history", "rules", "interval"), [row[1:] for row in OPENS], ids=[row[0] for row in OPENS])
def test_opens(history: list[Sighting], rules: Contract, interval: tuple[int, int]) -> None:
    assert pair(expect(history, rules), "opens") == interval


USERS: list[tuple[str, list[Sighting], Contract, tuple[int, int], tuple[int, int]]] = [
    ("nobody comes", [], contract(), (0, 0), (0, 0)),
    ("anonymous, then identified", [view(0), view(1, openid="X")], contract(), (1, 1), (1, 1)),
    ("two openids on one device", [view(0, openid="X"), view(1, openid="Y")], contract(), (2, 2), (2, 2)),
    ("an anonymous view between them is the earlier one's", [view(0, openid="X"), view(1), view(2, openid="Y")],
     contract(), (2, 2), (2, 2)),
    ("one openid on two devices", [view(0, device="a", openid="X"), view(1, device="b", openid="X")], contract(),
     (1, 1), (1, 1)),
    ("by device they are two", [view(0, device="a", openid="X"), view(1, device="b", openid="X")],
     contract(user="device"), (2, 2), (2, 2)),
    ("a mobile is no openid", [view(0, others=(MOBILE,)), view(1, device="e", others=(MOBILE,))], contract(),
     (2, 2), (2, 2)),
    ("a customer by mobile", [view(0, others=(MOBILE,)), view(1, device="e", others=(MOBILE,))],
     contract(user="customer"), (1, 1), (1, 1)),
    ("a customer through a third identity", [view(0, others=(MOBILE,)), view(1, device="e", openid="X"),
     custom(2, device="f", openid="X", others=(MOBILE,))], contract(user="customer"), (1, 1), (1, 1)),
    ("whose joining event may be missing", [view(0, others=(MOBILE,)), view(1, device="e", openid="X"),
     custom(2, P, device="f", openid="X", others=(MOBILE,))], contract(user="customer"), (1, 2), (1, 2)),
    ("an anonymousId joins no two customers", [view(0, others=(MOBILE,)), view(1, others=(UNION,))],
     contract(user="customer"), (2, 2), (2, 2)),
    ("a custom event makes no user", [custom(0)], contract(), (0, 0), (0, 0)),
    ("neither device nor identity makes no user", [view(0, device="")], contract(), (0, 0), (0, 0)),
    ("an identity alone makes one", [view(0, device="", openid="X")], contract(), (1, 1), (1, 1)),
    ("known from before", [opened(-60), opened(5)], contract(), (1, 1), (0, 0)),
    ("a custom event before is no visit", [custom(-60), opened(5)], contract(), (1, 1), (1, 1)),
    ("known through a push in the period", [view(-60, device="a", openid="X"), view(5, device="b"),
     view(6, device="b", openid="X")], contract(), (1, 1), (0, 0)),
    ("the device's last identity, also for earlier events", [view(0, openid="X"), view(1, openid="Y")],
     contract(stitch="last"), (1, 1), (1, 1)),
    ("another identity names the user", [view(0, others=(MOBILE,)), view(1, device="e", others=(MOBILE,))],
     contract(identity="mobile"), (1, 1), (1, 1)),
    ("not forgotten after exactly the memory", [view(-60), view(0)], contract(memory=Ms(60 * MINUTE)), (1, 1), (0, 0)),
    ("forgotten a millisecond later", [view(-60 - MS), view(0)], contract(memory=Ms(60 * MINUTE)), (1, 1), (1, 1)),
    ("perhaps forgotten", [view(-60), view(-30, P), view(5)], contract(memory=Ms(60 * MINUTE)), (1, 1), (0, 1)),
    ("a ping makes a user where it is a view", [ping(0)], contract(ping=SECOND), (1, 1), (1, 1)),
    ("and none elsewhere", [ping(0)], contract(), (0, 0), (0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("history", "rules", "uv", "new"), [row[1:] for row in USERS], ids=[row[0] for row in USERS])
def test_users(history: list[Sighting], rules: Contract, uv: tuple[int, int], new: tuple[int, int]) -> None:
    found = expect(history, rules)

    assert (pair(found, "uv"), pair(found, "new_users")) == (uv, new)


VIEWS: list[tuple[str, list[Sighting], Contract, tuple[int, int]]] = [
    ("each stored copy", [view(0, (2, 2)), view(1)], contract(), (3, 3)),
    ("opens are no views", [opened(0)], contract(), (0, 0)),
    ("one for each id", [view(0, view_id="v"), view(1, view_id="v"), view(2, view_id="w")],
     contract(views="by_id"), (2, 2)),
    ("none without an id", [view(0)], contract(views="by_id"), (0, 0)),
    ("an id whose only event may be missing", [view(0, view_id="v"), view(1, P, view_id="w")],
     contract(views="by_id"), (1, 2)),
    ("a ping is a sign of its view", [ping(0, view_id="v")], contract(views="by_id", ping=SECOND), (1, 1)),
    ("a view is counted again with each ping, where each is one", [view(0), ping(1)], contract(ping=SECOND), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("history", "rules", "interval"), [row[1:] for row in VIEWS], ids=[row[0] for row in VIEWS])
def test_views(history: list[Sighting], rules: Contract, interval: tuple[int, int]) -> None:
    assert pair(expect(history, rules), "pv") == interval


@pytest.mark.parametrize(
    ("after", "views"), [(DAY - 1, 2), (DAY, 2), (DAY + 1, 1)], ids=["before the cut", "at it", "after it"]
)
def test_a_given_session_is_cut_by_arrival(after: int, views: int) -> None:
    late = view(2, session="s", arrived=(MIDNIGHT + after) * 1_000_000)
    rules = contract(sessions="given", session_cut=DAY)

    assert pair(expect([view(1, session="s", arrived=MIDNIGHT * 1_000_000), late], rules), "pv") == (views, views)


def test_a_missing_first_event_moves_the_cut() -> None:
    history = [
        view(0, P, session="s", arrived=MIDNIGHT * 1_000_000),
        view(1, session="s", arrived=(MIDNIGHT + DAY) * 1_000_000),
        view(2, session="s", arrived=(MIDNIGHT + DAY + 1) * 1_000_000),
    ]

    assert pair(expect(history, contract(sessions="given", session_cut=DAY)), "pv") == (2, 2)


def test_a_view_without_a_page_has_a_cell_and_an_open_has_none() -> None:
    found = expect([opened(0), view(1, page="p/a"), view(2)], contract())

    assert found.cells("pv", "page") == ("(none)", "p/a")
    assert found.cells("opens", "page") == ()
    assert pair(found, "uv", "page", "p/a") == (1, 1)


def test_a_ping_that_is_a_view_has_the_cell_of_a_view_without_a_page() -> None:
    """So the pages add up to the total, whatever a ping says."""
    found = expect([view(1, page="p/a"), ping(2)], contract(ping=SECOND))

    assert [pair(found, "pv", by, cell) for by, cell in (("all", ""), ("page", "p/a"), ("page", "(none)"))] == [
        (2, 2), (1, 1), (1, 1),
    ]  # fmt: skip
    assert pair(found, "uv", "page", "(none)") == (1, 1)


def test_a_repeated_hour_is_two_cells() -> None:
    rules = Contract(definitions=Definitions(day="Europe/Berlin"), dedupe="none")
    begin = parse_instant("2026-10-25T00:00+02:00")  # at 03:00+02:00 the clock goes back to 02:00+01:00
    minutes = [(begin - MIDNIGHT) / MINUTE + add for add in (130, 190)]
    found = expect([view(minute) for minute in minutes], rules, begin=begin, end=Ms(begin + 25 * 60 * MINUTE))

    assert found.cells("pv", "hour") == ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")
    assert pair(found, "pv", "day", "2026-10-25") == (2, 2)


# ---- what an open contains ----------------------------------------------------------------------------------------


def sums(history: list[Sighting], rules: Contract) -> Figures:
    return figures(opens_of(stored_rows(history, rules), rules), rules)


def test_figures_of_two_opens() -> None:
    history = [view(-1), opened(0), view(1), custom(3), left(4), view(50)]
    found = sums(history, contract("timeout=30m", "device", length_extra=SECOND))

    assert found == Figures(
        opens=3,
        events=6,
        views=3,
        bounces=3,
        most_views=1,
        length=Ms(4 * MINUTE + SECOND),
        new_opens=1,
        new_views=1,
    )


def test_an_event_before_any_open_belongs_to_none() -> None:
    assert sums([view(0), opened(1), view(2)], contract()).events == 2


def test_a_session_that_begins_with_a_ping_began_earlier() -> None:
    rules = contract(sessions="given", ping=Ms(5_000))
    (one,) = opens_of([ping(1, session="s"), view(2, session="s")], rules)

    assert (one.start, one.end, one.views) == (MIDNIGHT + 55_000, MIDNIGHT + 120_000, 2)


@pytest.mark.parametrize(
    "switches",
    [{"memory": Ms(-1)}, {"session_cut": Ms(-1)}, {"max_age": Ms(-1)}],
    ids=["memory", "session cut", "age limit"],
)
def test_a_negative_length_of_time_is_refused(switches: dict[str, Ms]) -> None:
    with pytest.raises(ValueError, match="length of time"):
        Contract(**switches)  # type: ignore[arg-type]


def test_sessions_are_given_or_cut_by_a_timeout() -> None:
    with pytest.raises(ValueError, match="not both"):
        Contract(definitions=Definitions(parse_opens("timeout=30m")), sessions="given")
