"""What the rules say of one request beside it: by itself, and with what a scenario declares."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from simulator.inspect.case import Facts
from simulator.inspect.listening.entry import Entry
from simulator.inspect.listening.noting import Judged
from simulator.inspect.listening.reading import Format, Reader
from simulator.inspect.rule import Level
from simulator.runtime.trace import Exchange
from simulator.times import Ms
from tests.wire.wire_builders import OPTIONS

FACTS = Facts("wx1", frozenset({"c_known"}), frozenset({"c_memberid"}))


def sent(judged: Judged, **fields: str) -> Entry:
    query = urlencode({"tenantId": OPTIONS.tenant, "event": "c_known", **fields})
    exchange = Exchange(0, Ms(1), "GET", f"http://h/cbe/__utm?{query}", (), b"")
    return Reader(Format(OPTIONS, judged=judged)).read(exchange, "127.0.0.1").entry


def slot(kind: str, value: str) -> dict[str, str]:
    return {"identityType": kind, "identityValue": value}


OPEN = {"event": "mini_program_open", "targetName": "a"}
CASES = [
    # what is sent                    its fields                                           by the facts  codes
    ("nothing wrong", {}, None, []),
    ("no prefix", {"event": "add_to_cart"}, None, ["event-prefix"]),
    ("a literal", slot("mobile", "undefined"), None, ["identity-literal"]),
    ("a long identity", slot("mobile", "9" * 200), None, ["identity-size"]),
    ("a fourth slot", {"identityType4": "mobile", "identityValue4": "1"}, None, ["identity-slots"]),
    ("a value of nothing", {"coupon": "undefined"}, None, ["value-literal"]),
    ("a long value", {"coupon": "x" * 300}, None, ["value-size"]),
    ("a type that nobody declared, and nobody told", slot("c_other", "1"), None, []),
    ("a type that nobody declared", slot("c_other", "1"), FACTS, ["identity-type"]),
    ("a declared type", slot("c_memberid", "1"), FACTS, []),
    ("an event that is not registered", {"event": "c_other"}, FACTS, ["event-registered"]),
    ("an open of another app", OPEN | {"targetId": "wx2"}, FACTS, ["open-target"]),
    ("an open of this app", OPEN | {"targetId": "wx1"}, FACTS, []),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "facts", "codes"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_is_said_of_one_request(fields: dict[str, str], facts: Facts | None, codes: list[str]) -> None:
    (said,) = sent(Judged(facts), **fields).said

    assert [note.code for note in said.notes] == codes


def test_an_error_makes_an_event_bad_and_a_warning_does_not() -> None:
    wrong, odd = sent(Judged(), event="add_to_cart"), sent(Judged(), coupon="undefined")

    assert (wrong.bad, wrong.said[0].notes[0].level) == (1, "error")
    assert (odd.bad, odd.said[0].notes[0].level) == (0, "warning")


def test_levels_are_the_users() -> None:
    judged = Judged(levels={"event-prefix": Level.WARNING, "value-literal": Level.OFF})

    entry = sent(judged, event="add_to_cart", coupon="undefined")

    assert [(note.code, note.level) for note in entry.said[0].notes] == [("event-prefix", "warning")]
    assert entry.bad == 0
