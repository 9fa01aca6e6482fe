"""The eight requests that the vendor's tracker was recorded to send, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from simulator.events import Call, Event, Identity, Kind
from simulator.times import Ms
from simulator.wire.request import Action, Purpose, Request
from tests.wire.wire_builders import NOON, PHONE, adapter, fold, happening, launch, push, track, view

RECORDING: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "dmhub-2018.json").read_text(encoding="utf-8")
)

CART = Call(
    "c_add_to_cart",
    params=(
        ("product_id", "SKU-1001"),
        ("product_name", "经典款咖啡杯 12oz"),
        ("price", 129.5),
        ("quantity", 2),
    ),
)
ORDER = Call(
    "c_submit_order",
    params=(("order_id", "NO20260801-0001"), ("amount", 259), ("currency", "CNY"), ("coupon", "")),
)


def journey() -> list[Event]:
    """What happened in front of the recorder, with its instants."""
    launch_query = "utm_source=wechat_moments&utm_campaign=spring&channel=qr01"
    return [
        launch(0, page="pages/home/home", query=launch_query),
        view(0.001, "pages/home/home", query=launch_query),
        push(
            1.5,
            identityValue="oTEST_openid_0001",
            identityType2="wechat-unionid",
            identityValue2="uTEST_unionid_0001",
            identityType3="mobile",
            identityValue3="13800000000",
        ),
        view(1.8, "pages/product/detail", query="id=SKU-1001&from=home"),
        track(CART, 3.3),
        happening(Kind.SHARE, 3.5),
        view(3.7, "pages/cart/cart"),
        track(ORDER, 5.2),
        happening(Kind.HIDE, 5.5),
        happening(Kind.SHOW, 41, scene=1089),
        view(41.001, "pages/cart/cart", scene=1089),
        view(42.501, "pages/product/detail", query="id=SKU-1001&from=home", scene=1089),
        happening(Kind.HIDE, 44),
    ]


def recorded_target(row: dict[str, Any]) -> str:
    pairs = list(RECORDING["common"])
    if row["identified"]:
        pairs += RECORDING["identity"]
    pairs += row["props"]
    pairs += [["tenantId", RECORDING["tenantId"]], ["event", row["event"]], ["utma", row["utma"]]]
    query = "&".join(f"{key}=" + quote(value, safe="!~*'()") for key, value in pairs)
    return f"{RECORDING['path']}?{query}"


@pytest.mark.parametrize("device_info", [Ms(0), Ms(80)], ids=["info at once", "info after the home page is shown"])
def test_the_recorded_requests(device_info: Ms) -> None:
    sent = fold(adapter("dmhub-2018", device_info=device_info), *journey())

    assert [(request.method, request.target) for request in sent] == [
        (RECORDING["method"], recorded_target(row)) for row in RECORDING["requests"]
    ]


def test_the_query_of_the_first_recorded_request() -> None:
    """Written out once, so that nothing of the other test's making stands between."""
    assert fold(adapter("dmhub-2018"), *journey())[0].target == (
        "/cbe/__utm?identityType=wechat&pageType=wechatMiniPgm&network_type=wifi"
        "&model=iPhone%2013%3CiPhone14%2C5%3E&screen_width=390&screen_height=753&os=iOS&os_version=17.4.1"
        "&targetName=%E6%B5%8B%E8%AF%95%E5%B0%8F%E7%A8%8B%E5%BA%8F&targetId=wx1234567890abcdef"
        "&tenantId=740843171&event=mini_program_open"
        "&utma=0.890022063.740843171.1795444968.1795444968.1"
    )


def test_what_the_recorded_requests_mean() -> None:
    records = [record for request in fold(adapter("dmhub-2018"), *journey()) for record in request.records]
    openid = Identity("wechat", "oTEST_openid_0001")

    assert [(record.action, record.page, record.identities[:1]) for record in records] == [
        (Action.OPEN, "", ()),
        (Action.VIEW, "pages/home/home", ()),
        (Action.VIEW, "pages/product/detail", (openid,)),
        (Action.CUSTOM, "", (openid,)),
        (Action.VIEW, "pages/cart/cart", (openid,)),
        (Action.CUSTOM, "", (openid,)),
        (Action.VIEW, "pages/cart/cart", (openid,)),
        (Action.VIEW, "pages/product/detail", (openid,)),
    ]
    assert {(record.date, record.external_id, record.anonymous_id, record.source) for record in records} == {
        (None, "", "", "")
    }


def test_headers_are_those_of_wx_request() -> None:
    request: Request = fold(adapter("dmhub-2018"), launch())[0]

    assert (request.headers, request.body, request.purpose, request.leaves) == (
        (
            ("content-type", "application/json"),
            ("Referer", "https://servicewechat.com/wx1234567890abcdef/1/page-frame.html"),
            ("User-Agent", PHONE.user_agent),
        ),
        b"",
        Purpose.EVENT,
        NOON,
    )
