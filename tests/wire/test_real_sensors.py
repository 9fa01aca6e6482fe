"""The real tracker of Sensors Analytics beside ours: sa-sdk-miniprogram 1.17.9 (Apache-2.0), run by Node.

The package is installed on demand, and never part of this repository; without Node or the registry the tests are
skipped, and the vectors written by hand still hold. MPSIM_SENSORS_TRACKER may name its sensorsdata.min.js.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from simulator.events import Call, Event, Kind
from simulator.wire.request import Action, Record, Request
from tests.npm import package
from tests.wire.tracker_words import own, sent_by
from tests.wire.wire_builders import NOON, advert, happening, launch, numbered, push, track, view

SCRIPT = Path(__file__).parent / "real" / "sensors.js"
NODE = shutil.which("node")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NODE is None, reason="node is not installed")]


class Recorded(NamedTuple):
    """A request of the real tracker."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def tracker() -> Path:
    """Its file."""
    named = os.environ.get("MPSIM_SENSORS_TRACKER")
    if named:
        return Path(named)
    return package("sa-sdk-miniprogram", "1.17.9") / "sensorsdata.min.js"


def recorded(tracker: Path, mode: str) -> list[Recorded]:
    """What it sends in one visit: launch, view, openid, an event, login, another event, hide."""
    assert NODE is not None
    told = subprocess.run([NODE, str(SCRIPT), str(tracker), mode], capture_output=True, timeout=60, check=True).stdout
    return [
        Recorded(one["method"], one["url"].removeprefix("http://127.0.0.1"), one["headers"], str(one["body"]).encode())
        for one in json.loads(told)
    ]


def simulated(mode: str) -> list[Request]:
    """What ours sends in the same visit."""
    buy = Call("c_buy", '杯子 "L"', params=(("price", 129.5), ("n", 2), ("note", "a&b=c+d\n")))
    source = advert("moments")
    events: list[Event] = numbered(
        launch(0.010, source=source, page="pages/home", query="id=1&utm_source=moments"),
        view(0.020, "pages/home", source=source),
        push(1.020, identityType="applet-wechat", identityValue="oUser_1"),
        track(Call("c_known"), 1.020, source=source),
        push(
            2.020, identityType="applet-wechat", identityValue="oUser_1", identityType2="mobile", identityValue2="138"
        ),
        track(buy, 3.020, source=source),
        happening(Kind.HIDE, 3.520, source=source),
    )
    return sent_by(own("sensors", single=mode == "single"), events)


def records_in(target: str, body: bytes) -> list[dict[str, Any]]:
    """The JSON records in a request, by hand."""
    data = body.decode().removeprefix("data_list=") if body else target.partition("&data=")[2]
    told = json.loads(b64decode(unquote(data)))
    return told if isinstance(told, list) else [told]


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_our_decoder_reads_what_the_real_tracker_sends(tracker: Path, mode: str) -> None:
    of = own("sensors")
    records: list[Record] = [record for one in recorded(tracker, mode) for record in of.decode(*one)]

    assert [(one.event, one.action, (one.date or 0) - NOON) for one in records] == [
        ("profile_set_once", Action.CUSTOM, 10),
        ("profile_set_once", Action.CUSTOM, 10),
        ("$MPLaunch", Action.OPEN, 10),
        ("$MPShow", Action.SHOW, 10),
        ("$MPViewScreen", Action.VIEW, 20),
        ("c_known", Action.CUSTOM, 1020),
        ("$SignUp", Action.CUSTOM, 2020),
        ("c_buy", Action.CUSTOM, 3020),
        ("$MPHide", Action.CUSTOM, 3520),
    ]
    assert len({one.anonymous_id for one in records}) == 1
    assert [[(who.type, who.value) for who in one.identities] for one in records] == [
        *[[]] * 5,
        [("applet-wechat", "oUser_1")],
        *[[("applet-wechat", "oUser_1"), ("mobile", "138")]] * 3,
    ]
    assert [one.source for one in records[2:]] == ["moments"] * 7
    assert records[4].page == "pages/home"
    assert len({one.external_id for one in records[2:]}) == 7


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_our_requests_have_the_form_of_the_real_ones(tracker: Path, mode: str) -> None:
    real, ours = recorded(tracker, mode), simulated(mode)

    def form(method: str, target: str, body: bytes) -> tuple[str, str, bytes]:
        return method, re.sub(r"data=.*", "data=", target), re.sub(rb"=.*", b"=", body)

    assert [form(one.method, one.target, one.body) for one in ours] == [
        form(one.method, one.target, one.body) for one in real
    ]


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_our_records_have_the_keys_of_the_real_ones_in_their_order(tracker: Path, mode: str) -> None:
    real = [record for one in recorded(tracker, mode) for record in records_in(one.target, one.body)]
    ours = [record for one in simulated(mode) for record in records_in(one.target, one.body)]

    assert [list(one) for one in ours] == [list(one) for one in real]
    assert [list(one["identities"]) for one in ours] == [list(one["identities"]) for one in real]
    for one, other in zip(ours, real, strict=True):
        for key in ("type", "event", "time", "lib", "login_id", "original_id"):
            assert one.get(key) == other.get(key)
        assert set(one["properties"]) <= set(other["properties"])
        same = set(one["properties"]) - {"$screen_height", "event_duration", "$first_visit_time"}
        assert {key: one["properties"][key] for key in same} == {key: other["properties"][key] for key in same}
