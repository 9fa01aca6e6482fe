"""Words for histories: view(25, P) is a view at minute 25 that may or may not be stored; and histories by chance.

Each property tries a bounded number of them; one knob sets it for all, those of the cross checks included:

    MPSIM_EXAMPLES=20000 python -m pytest tests/verify -n 2 --timeout 0
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from simulator.contract import Contract, Definitions, parse_opens
from simulator.events import Identity
from simulator.times import Ms, parse_instant
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record
from tests.verify import brute

MIDNIGHT = parse_instant("2026-03-01T00:00:00+08:00")
DAY_AFTER = Ms(MIDNIGHT + 86_400_000)
C, P, TWICE = (1, 1), (0, 1), (2, 2)  # certain, possible, stored twice for certain

NAMES = {
    Action.OPEN: "mini_program_open",
    Action.VIEW: "mini_program_view",
    Action.SHOW: "c_mp_show",
    Action.EXIT: "exit",
    Action.CUSTOM: "c_buy",
    Action.PING: "page_ping",
}


def happened(
    action: Action,
    minute: float,
    copies: tuple[int, int] = C,
    *,
    device: str = "d",
    openid: str = "",
    others: tuple[Identity, ...] = (),
    source: str = "",
    content: str = "",
    page: str = "",
    session: str = "",
    view_id: str = "",
    external_id: str = "",
    arrived: int | None = None,
    arrived_by: int | None = None,
) -> Sighting:
    """One event at a minute after midnight in Shanghai; it arrives at its own instant unless said otherwise."""
    at = Ms(MIDNIGHT + round(minute * 60_000))
    first = at * 1_000_000 if arrived is None else arrived
    own = (Identity("applet-wechat", openid),) if openid else ()
    record = Record(
        visitor=0,
        number=0,
        external_id=external_id,
        action=action,
        event=NAMES[action],
        date=at,
        anonymous_id=device,
        identities=own + others,
        source=source,
        content=content,
        page=page,
        session=session,
        view=view_id,
    )
    return Sighting(record, *copies, at, at, first, first if arrived_by is None else arrived_by)


def opened(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.OPEN, minute, copies, **more)  # type: ignore[arg-type]


def view(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.VIEW, minute, copies, **more)  # type: ignore[arg-type]


def shown(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.SHOW, minute, copies, **more)  # type: ignore[arg-type]


def left(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.EXIT, minute, copies, **more)  # type: ignore[arg-type]


def custom(minute: float, copies: tuple[int, int] = C, **more: object) -> Sighting:
    return happened(Action.CUSTOM, minute, copies, **more)  # type: ignore[arg-type]


def contract(opens: str = "launch", user: str = "openid", day: str = "Asia/Shanghai", **switches: object) -> Contract:
    """A contract whose copies are counted as the sightings say, so that ids do not matter."""
    definitions = Definitions(parse_opens(opens), user, day)  # type: ignore[arg-type]
    return Contract(**{"definitions": definitions, "dedupe": "none", **switches})  # type: ignore[arg-type]


def expect(sightings: list[Sighting], rules: Contract, *, begin: Ms = MIDNIGHT, end: Ms = DAY_AFTER) -> Expectations:
    oracle = Oracle(rules, begin, end)
    oracle.add_block(sightings)
    return oracle.finish()


def pair(expectations: Expectations, metric: str, by: str = "all", cell: str = "") -> tuple[int, int]:
    interval = expectations.expected(metric, by, cell)
    assert interval is not None
    return interval.low, interval.high


# ---- by chance ----------------------------------------------------------------------------------------------------

AsTest = Callable[[Callable[..., None]], Callable[..., None]]


def examples(usually: int) -> AsTest:
    """So many examples, or as many as MPSIM_EXAMPLES says."""
    many = int(os.environ.get("MPSIM_EXAMPLES", usually))
    return settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck))


_DERIVED = st.fixed_dictionaries({
    "opens": st.sampled_from(["launch", "timeout=30m", "every-foreground"]),
    "timeout_inclusive": st.booleans(),
    "midnight": st.booleans(),
    "source_change": st.booleans(),
    "launch_opens": st.booleans(),
})  # fmt: skip
_GIVEN = st.fixed_dictionaries({
    "opens": st.sampled_from(["launch", "every-foreground"]),
    "sessions": st.just("given"),
    "viewless_opens": st.booleans(),
})  # fmt: skip
_OTHERS = st.fixed_dictionaries({
    "user": st.sampled_from(["device", "openid", "customer"]),
    "stitch": st.sampled_from(["nearest", "nearest", "last"]),
    "views": st.sampled_from(["each", "each", "by_id"]),
    "ping": st.sampled_from([None, None, Ms(10_000)]),
    "memory": st.sampled_from([None, None, None, Ms(30 * 60_000), Ms(0)]),
    "order": st.sampled_from(["event", "event", "arrival"]),
    "day": st.sampled_from(["Asia/Shanghai", "Asia/Shanghai", "UTC"]),  # its midnight is minute 480
})  # fmt: skip


@st.composite
def _rules(draw: st.DrawFn) -> Contract:
    switches: dict[str, Any] = {**draw(st.one_of(_DERIVED, _DERIVED, _GIVEN)), **draw(_OTHERS)}
    return contract(**switches)


RULES = _rules()  # every switch by which a count can differ, those of other products as well


@st.composite
def arrivals(draw: st.DrawFn, minutes: Sequence[float]) -> list[int]:
    """When each of some events arrived, ns: as they happened, or in any other order."""
    instants = [(MIDNIGHT + round(minute * 60_000)) * 1_000_000 for minute in minutes]
    return draw(st.one_of(st.just(instants), st.permutations(instants)))


@st.composite
def worlds(draw: st.DrawFn, history: Sequence[Sighting], rules: Contract, most: int = 8) -> list[list[Record]]:
    """Some worlds of a history: all where they are few, else as many by chance, none likelier than another."""
    found = list(islice(brute.worlds(history, rules), 33))
    if len(found) <= 32:
        return found
    chosen = []
    for _ in range(most):
        copies = [draw(st.integers(one.low, one.high)) for one in history]
        present = [replace(one, low=many, high=many) for one, many in zip(history, copies, strict=True) if many]
        orders = list(islice(brute.worlds(present, rules), 500))
        chosen.append(draw(st.sampled_from(orders)))
    return chosen


def devices_only(history: list[Sighting], rules: Contract) -> list[Sighting]:
    """Under a timeout devices are cut apart by their anonymousId, so what has none has no gaps to speak of."""
    if rules.definitions.opens.rule != "timeout":
        return history
    return [one for one in history if one.record.anonymous_id]
