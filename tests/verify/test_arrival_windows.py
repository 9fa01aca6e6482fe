"""Wires without time: whenever the requests arrived, as far as the ledger knows, the totals stay inside."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.events import Identity
from simulator.ledger.record import Attempt
from simulator.times import Ms
from simulator.verify.oracle import Oracle
from simulator.verify.sighting import sightings_of
from simulator.wire.request import Action, Evidence, Outcome, Purpose, Record, Request
from tests.verify import brute
from tests.verify.histories import DAY_AFTER, MIDNIGHT, contract, examples

MINUTE = 60_000
NS = 1_000_000

# requests, their attempts, and the rows that a collector stored for them, in the order in which they came
Run = tuple[list[Request], dict[tuple[int, int], list[Attempt]], list[Record]]


@st.composite
def runs(draw: st.DrawFn, dedupe: str) -> Run:
    """One visitor's requests, sent one after another, and one way in which it may have gone."""
    requests: list[Request] = []
    attempts: dict[tuple[int, int], list[Attempt]] = {}
    stored: list[tuple[int, Record]] = []
    now = MIDNIGHT - 20 * MINUTE
    for number in range(draw(st.integers(1, 6))):
        now += draw(st.sampled_from([1, 29 * MINUTE, 30 * MINUTE - 500, 30 * MINUTE, 31 * MINUTE, 55 * MINUTE]))
        record = Record(
            visitor=0,
            number=number,
            external_id=f"e{number}" if dedupe == "by_id" else "",
            action=draw(st.sampled_from([Action.OPEN, Action.VIEW, Action.VIEW, Action.CUSTOM, Action.EXIT])),
            event="event",
            date=None,
            anonymous_id=draw(st.sampled_from(["a", "a", "b"])),
            identities=(Identity("applet-wechat", "X"),) if draw(st.booleans()) else (),
            source=draw(st.sampled_from(["", "ad"])),
            page=draw(st.sampled_from(["", "p"])),
        )
        requests.append(Request(0, number, Purpose.EVENT, Ms(now), "GET", "/", (), b"", (record,)))
        arrivals: list[int] = []
        for place in range(draw(st.integers(1, 2))):
            outcome = draw(st.sampled_from([Outcome.ACKED, Outcome.ACKED, Outcome.UNKNOWN, Outcome.REFUSED]))
            sent, done = now * NS, (now + draw(st.sampled_from([1, 600, 2_000]))) * NS
            attempts.setdefault((0, number), []).append(
                Attempt(0, number, place, Purpose.EVENT, sent, sent, done, outcome, Evidence.REPLY, 200)
            )
            if outcome is Outcome.ACKED:
                arrivals.append(draw(st.integers(sent, done)))
            elif outcome is Outcome.UNKNOWN and draw(st.booleans()):
                arrivals.append(draw(st.sampled_from([sent + 1, done, done + 40 * MINUTE * NS])))
            now = done // NS
        if dedupe == "by_id":
            arrivals = sorted(arrivals)[:1]
        stored.extend((arrival, replace(record, date=Ms(arrival // NS))) for arrival in arrivals)
    stored.sort(key=lambda row: row[0])
    return requests, attempts, [record for _, record in stored]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Contract, Run]:
    dedupe = draw(st.sampled_from(["by_id", "none"]))
    opens = draw(st.sampled_from(["launch", "timeout=30m"]))
    user = draw(st.sampled_from(["device", "openid", "customer"]))
    midnight, source_change = draw(st.booleans()), draw(st.booleans())
    rules = contract(opens, user, dedupe=dedupe, time="arrival", midnight=midnight, source_change=source_change)
    return rules, draw(runs(dedupe))


@given(cases())
@examples(400)
def test_totals_by_arrival_stay_in_their_intervals(case: tuple[Contract, Run]) -> None:
    rules, (requests, attempts, stored) = case
    oracle = Oracle(rules, MIDNIGHT, DAY_AFTER)
    oracle.add_block(sightings_of(requests, attempts, rules))
    found = oracle.finish()
    counts = brute.count(stored, rules, MIDNIGHT, DAY_AFTER)

    for key in {*found.intervals, *counts}:
        interval = found.expected(*key)
        assert interval is not None
        assert counts[key] in interval, key
