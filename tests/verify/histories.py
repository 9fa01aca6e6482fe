"""Words for histories: view(25, P) is a view at minute 25 that may or may not be stored."""

from __future__ import annotations

import os

from simulator.contract import Contract, Definitions, parse_opens
from simulator.events import Identity
from simulator.times import Ms, parse_instant
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record

MIDNIGHT = parse_instant("2026-03-01T00:00:00+08:00")
DAY_AFTER = Ms(MIDNIGHT + 86_400_000)
TIMES = int(os.environ.get("MPSIM_TEST_EXAMPLES", "1"))  # so many times more examples of every property
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


def contract(opens: str = "launch", user: str = "openid", **switches: object) -> Contract:
    """A contract in Shanghai whose copies are counted as the sightings say, so that ids do not matter."""
    definitions = Definitions(parse_opens(opens), user, "Asia/Shanghai")  # type: ignore[arg-type]
    return Contract(**{"definitions": definitions, "dedupe": "none", **switches})  # type: ignore[arg-type]


def expect(sightings: list[Sighting], rules: Contract, *, begin: Ms = MIDNIGHT, end: Ms = DAY_AFTER) -> Expectations:
    oracle = Oracle(rules, begin, end)
    oracle.add_block(sightings)
    return oracle.finish()


def pair(expectations: Expectations, metric: str, by: str = "all", cell: str = "") -> tuple[int, int]:
    interval = expectations.expected(metric, by, cell)
    assert interval is not None
    return interval.low, interval.high
