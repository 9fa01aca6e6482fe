"""What listed events come to, counted plainly: by hand, and against the oracle under every switch of a contract."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.contract import BY, METRICS, Contract, Definitions, Opens, User
from simulator.events import Identity
from simulator.times import Ms, parse_instant
from simulator.verify.oracle import Oracle
from simulator.verify.readers.events import StoredEvent
from simulator.verify.readers.tally import Cells, Tally
from simulator.verify.reconcile import row_of
from tests.targets.settings import BEGIN, END

MINUTE = 60_000
NAMES = ("mini_program_open", "mini_program_view", "c_mp_show", "c_add_to_cart")


def stored(
    cursor: int, minute: int, name: str = "mini_program_view", device: str = "d", openid: str = "", source: str = ""
) -> StoredEvent:
    identities = (Identity("applet-wechat", openid),) if openid else ()
    at = Ms(BEGIN + minute * MINUTE)
    return StoredEvent(cursor, f"n.{cursor}", name, at, device, identities, source, "", "pages/a", at, "")


def test_the_worked_example_of_the_page_on_targets() -> None:
    """Two people and one phone; by the plain count and by the oracle as the page says."""
    rules, day = Contract(definitions=Definitions(Opens("launch"), "openid", "Asia/Shanghai")), "2026-03-01T"
    told = [
        ("mini_program_open", "2026-02-28T23:50:00+08:00", "d1", "", "ad", ""),
        ("mini_program_view", f"{day}09:00:00+08:00", "d1", "A", "ad", "home"),
        ("mini_program_open", f"{day}10:00:00+08:00", "d1", "", "card", ""),
        ("mini_program_view", f"{day}10:01:00+08:00", "d1", "B", "card", "home"),
        ("c_add_to_cart", f"{day}10:02:00+08:00", "d1", "B", "card", ""),
        ("mini_program_open", f"{day}11:00:00+08:00", "d2", "", "", ""),
    ]
    events = [
        StoredEvent(
            place, f"n.{place}", name, (at := parse_instant(time)), device,
            (Identity("applet-wechat", openid),) if openid else (), source, "", page, at, "",
        )
        for place, (name, time, device, openid, source, page) in enumerate(told, 1)
    ]  # fmt: skip
    begin, end = parse_instant(f"{day}00:00:00+08:00"), parse_instant("2026-03-02T00:00:00+08:00")
    page = {
        ("all", ""): (2, 3, 2, 2),
        ("source", "ad"): (1, 1, 0, 0),
        ("source", "card"): (1, 2, 1, 1),
        ("source", "(none)"): (0, 1, 1, 1),
        ("page", "home"): (2, 2, None, None),
    }
    tally, oracle = Tally(rules), Oracle(rules, begin, end)
    tally.add(events)
    oracle.add_block([row_of(event) for event in events])
    cells, expected = tally.cells(begin, end), oracle.finish()
    tally.close()

    counted = {(by, cell): tuple(cells[by][cell][metric] for metric in METRICS) for by, cell in page}
    judged = {
        (by, cell): tuple(
            str(expected.expected(metric, by, cell) or 0)
            for metric in METRICS
            if by != "page" or metric in ("pv", "uv")
        )
        for by, cell in page
    }

    assert METRICS == ("pv", "uv", "opens", "new_users")
    assert counted == page
    assert judged == {key: tuple(str(one) for one in values if one is not None) for key, values in page.items()}
    assert set(cells["source"]) == {"ad", "card", "(none)"}


def count(contract: Contract, *events: StoredEvent) -> Cells:
    tally = Tally(contract)
    tally.add(events)
    try:
        return tally.cells(BEGIN, END)
    finally:
        tally.close()


def numbers(cells: Cells, by: str = "all", cell: str = "") -> tuple[int | None, ...]:
    return tuple(cells[by][cell][metric] for metric in METRICS)


def test_nothing_is_four_times_zero() -> None:
    assert count(Contract()) == {by: {"": dict.fromkeys(METRICS, 0)} if by == "all" else {} for by in BY}


def test_one_visitor_by_hand() -> None:
    cells = count(
        Contract(),
        stored(1, 0, "mini_program_open", source="ad"),
        stored(2, 1, source="ad"),
        stored(3, 2, openid="o", source="ad"),
        stored(4, 3, "c_add_to_cart", openid="o"),
        stored(5, 61, "mini_program_open", openid="o"),
    )

    assert numbers(cells) == (2, 1, 2, 1)
    assert numbers(cells, "source", "ad") == (2, 1, 1, 1)
    assert numbers(cells, "source", "(none)") == (0, 1, 1, 0)
    assert numbers(cells, "hour", "2026-03-01T01:00+08:00") == (0, 1, 1, 0)
    assert cells["page"] == {"pages/a": {"pv": 2, "uv": 1, "opens": None, "new_users": None}}


def test_a_second_copy_counts_only_where_the_contract_says_so() -> None:
    copy = stored(2, 0)._replace(external_id="n.1")

    assert numbers(count(Contract(), stored(1, 0), copy))[0] == 1
    assert numbers(count(Contract(dedupe="none"), stored(1, 0), copy))[0] == 2


def test_a_copy_without_an_id_is_known_by_what_it_says() -> None:
    one, copy, other = (stored(cursor, 0)._replace(external_id="") for cursor in (1, 2, 3))

    assert numbers(count(Contract(), one, copy, other._replace(anonymous_id="e")))[0] == 2


def test_an_earlier_visit_makes_its_user_known() -> None:
    cells = count(Contract(), stored(1, -5, "mini_program_open"), stored(2, 5))

    assert numbers(cells) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("inclusive", "gap", "opens"), [(False, 29, 1), (False, 30, 1), (False, 31, 2), (True, 29, 1), (True, 30, 2)]
)
def test_a_gap_of_exactly_the_timeout(inclusive: bool, gap: int, opens: int) -> None:
    definitions = Definitions(Opens("timeout", Ms(30 * MINUTE)))
    contract = Contract(definitions=definitions, timeout_inclusive=inclusive)

    assert numbers(count(contract, stored(1, 0), stored(2, gap)))[2] == opens


def test_an_exit_ends_an_open_and_begins_none() -> None:
    contract = Contract(definitions=Definitions(Opens("timeout", Ms(30 * MINUTE))))
    leaving = stored(2, 1, "app_closed")._replace(action="exit")

    assert numbers(count(contract, stored(1, 0), stored(3, 2)))[2] == 1
    assert numbers(count(contract, stored(1, 0), leaving, stored(3, 2)))[2] == 2
    assert numbers(count(contract, leaving))[2] == 0


def test_given_sessions_are_the_opens() -> None:
    events = [
        stored(cursor, cursor * 61)._replace(session=session) for cursor, session in enumerate(["s", "s", "t", ""])
    ]

    cells = count(Contract(sessions="given"), *events)

    assert numbers(cells)[2] == 2
    assert [numbers(cells, "hour", f"2026-03-01T0{hour}:00+08:00")[2] for hour in range(4)] == [1, 1, 1, 0]


def test_by_arrival_the_log_s_own_time_counts() -> None:
    late = stored(1, 0)._replace(received=Ms(BEGIN + 61 * MINUTE))

    assert list(count(Contract(time="arrival"), late)["hour"]) == ["2026-03-01T01:00+08:00"]


# ---- against the oracle -------------------------------------------------------------------------------------------

EVENT = st.builds(
    lambda cursor, minute, name, device, openid, mobile, source, page: StoredEvent(
        cursor,
        f"n.{cursor}",
        name,
        Ms(BEGIN + minute * MINUTE),
        device,
        tuple(Identity(kind, value) for kind, value in (("applet-wechat", openid), ("mobile", mobile)) if value),
        source,
        "",
        page if name == "mini_program_view" else "",
        None,
        "",
    ),
    st.integers(1, 10**9),
    st.integers(-90, 26 * 60 + 30).map(lambda minute: minute // 10 * 10),
    st.sampled_from(NAMES),
    st.sampled_from(["", "d1", "d2", "d3"]),
    st.sampled_from(["", "", "o1", "o2"]),
    st.sampled_from(["", "", "", "m1", "m2"]),
    st.sampled_from(["", "ad", "AD"]),
    st.sampled_from(["", "pages/a", "pages/b"]),
)
RULES = (Opens(), Opens("every-foreground"), Opens("timeout", Ms(30 * MINUTE)))


@pytest.mark.parametrize("user", ["device", "openid", "customer"])
@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(EVENT, max_size=14, unique_by=lambda event: event.cursor),
    day=st.sampled_from(["Asia/Shanghai", "UTC"]),
    switches=st.tuples(*[st.booleans()] * 4),
)
def test_it_says_what_the_oracle_expects(
    user: User, rule: Opens, events: list[StoredEvent], day: str, switches: tuple[bool, bool, bool, bool]
) -> None:
    inclusive, midnight, source_change, launch_opens = switches
    contract = Contract(
        definitions=Definitions(rule, user, day),
        timeout_inclusive=inclusive,
        midnight=midnight,
        source_change=source_change,
        launch_opens=launch_opens,
    )
    events.sort(key=lambda event: event.cursor)
    oracle = Oracle(replace(contract, dedupe="none"), BEGIN, END)
    oracle.add_block([row_of(event) for event in events])

    cells = count(contract, *events)

    expected = {
        key: interval.low for key, interval in oracle.finish().intervals.items() if interval.low or interval.high
    }
    found = {
        (metric, by, cell): value
        for by in BY
        for cell, values in cells[by].items()
        for metric, value in values.items()
        if value
    }
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(events=st.lists(EVENT, max_size=12, unique_by=lambda event: event.cursor), data=st.data())
def test_given_sessions_are_what_the_oracle_expects(events: list[StoredEvent], data: st.DataObject) -> None:
    names = st.sampled_from(["", "s1", "s2", "s3"])
    events = sorted((event._replace(session=data.draw(names)) for event in events), key=lambda event: event.cursor)
    oracle = Oracle(Contract(sessions="given", dedupe="none"), BEGIN, END)
    oracle.add_block([row_of(event) for event in events])
    expected = {
        key[1:]: interval.low
        for key, interval in oracle.finish().intervals.items()
        if key[0] == "opens" and interval.low
    }

    cells = count(Contract(sessions="given"), *events)

    assert {(by, cell): n["opens"] for by in BY for cell, n in cells[by].items() if n["opens"]} == expected


def test_whom_the_collector_names_is_the_user() -> None:
    one, other = stored(1, 0, openid="o1"), stored(2, 1, device="e", openid="o2")

    assert numbers(count(Contract(), one, other))[1] == 2
    for user in ("device", "openid", "customer"):
        contract = Contract(definitions=Definitions(user=user))
        assert numbers(count(contract, one._replace(user="c"), other._replace(user="c")))[1] == 1
