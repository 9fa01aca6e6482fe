"""The trackers' rules, one by one: what stands in a request, what is remembered, what is sent at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.events import Call, Delivery, Event, Identity, Json, Kind
from simulator.times import Ms, iso_utc
from simulator.wire.request import Action, Purpose, Record
from tests.wire.wire_builders import (
    COMMON,
    NOON,
    PHONE,
    adapter,
    advert,
    fold,
    happening,
    last_fields,
    launch,
    push,
    queries,
    track,
    view,
)

BUY = Call("c_buy")
ANONYMOUS = 890_022_063
OPENID = {"identityValue": "oTEST_openid_0001"}  # its hash is 555403308


# ---- dmhub: what stands in a request --------------------------------------------------------------------------------


def test_the_open() -> None:
    assert queries(adapter(), launch(source=advert("wechat_ad", "春", source1="banner")))[0] == (
        COMMON.format("applet-wechat")
        + "&scene=1047&source=wechat_ad&contentName=%E6%98%A5&source1=banner"
        + "&targetName=%E6%B5%8B%E8%AF%95%E5%B0%8F%E7%A8%8B%E5%BA%8F&targetId=wx1234567890abcdef"
        + "&date=2026-11-23T14%3A42%3A48.250Z&externalId=0.0&anonymousId=anon-1"
        + "&tenantId=740843171&event=mini_program_open&utma=0.890022063.740843171.1795444968.1795444968.1"
    )


def test_the_view() -> None:
    fields = last_fields(adapter(), launch(), view(1, "pages/b", query="id=%E6%98%A5&n=1"))

    assert " ".join(list(fields)[8:]) == (
        "scene targetName targetId pageQuery date externalId anonymousId tenantId event utma"
    )
    assert (fields["event"], fields["targetName"], fields["targetId"], fields["pageQuery"]) == (
        "mini_program_view",
        "pages/b",
        "wx1234567890abcdef",
        "id=%E6%98%A5&n=1",
    )


def test_the_record_of_a_view() -> None:
    phone_is_fast = Delivery(Ms(NOON + 61_000), skew=Ms(3_600_000))
    (request,) = fold(adapter(namespace="r1"), view(1, "pages/b", source=advert("ad", "c"), delivery=phone_is_fast))

    assert request.records == (
        Record(
            visitor=0,
            number=0,
            external_id="r1.0.0",
            action=Action.VIEW,
            event="mini_program_view",
            date=Ms(NOON + 3_601_000),
            anonymous_id="anon-1",
            identities=(),
            source="ad",
            content="c",
            page="pages/b",
        ),
    )


def test_the_clock_of_the_phone_is_in_date_and_utma() -> None:
    skewed = Delivery(NOON, skew=Ms(-1_000))
    fields = last_fields(adapter(), launch(), view(0.25, delivery=skewed))

    assert (fields["date"], fields["utma"].split(".")[3:]) == (
        iso_utc(Ms(NOON - 750)),
        ["1795444968", "1795444967", "2"],
    )


@pytest.mark.parametrize("years", [-60, -3000, 9000], ids=["before 1970", "before year 1", "after year 9999"])
def test_a_clock_that_no_calendar_has_makes_a_bad_event(years: int) -> None:
    (request,) = fold(adapter(), launch(delivery=Delivery(NOON, skew=Ms(years * 365 * 86_400_000))))

    assert (request.records[0].date, request.records[0].bad) == (None, "date is unreadable")


def test_delivery_is_the_requests() -> None:
    event = launch(delivery=Delivery(Ms(NOON + 5), duplicates=2, retries=3, lost=True))
    (request,) = fold(adapter(), event)

    assert (request.leaves, request.duplicates, request.retries, request.waits) == (Ms(NOON + 5), 2, 3, False)


def test_a_callback_waits() -> None:
    assert fold(adapter(), track(Call("c_buy", callback=True)))[0].waits


def test_an_earlier_visit_is_setup() -> None:
    (request,) = fold(adapter(), launch(setup=True))

    assert (request.purpose, request.records[0].setup) == (Purpose.SETUP, True)


@pytest.mark.parametrize("kind", [Kind.PUSH, Kind.TAP, Kind.SHARE, Kind.HIDE, Kind.SHOW])
@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
def test_what_sends_nothing(name: str, kind: Kind) -> None:
    assert fold(adapter(name), happening(kind)) == []


def test_a_warm_show_is_sent_where_the_definition_needs_it() -> None:
    request = fold(adapter(foreground_event=True), launch(), happening(Kind.SHOW, 1, scene=1089))[1]

    assert (request.records[0].action, request.records[0].event, request.records[0].bad) == (
        Action.SHOW,
        "c_mp_show",
        "",
    )


def test_the_2018_tracker_knows_no_show() -> None:
    assert fold(adapter("dmhub-2018", foreground_event=True), happening(Kind.SHOW)) == []


def test_other_path() -> None:
    assert fold(adapter(path="/__utm"), launch())[0].target.startswith("/__utm?identityType=")


# ---- lookups --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
def test_a_code_is_looked_up_before_the_open(name: str) -> None:
    lookup, opened = fold(adapter(name), launch(code="p7/ä", link="pages/a?cl_sr=poster"))

    assert (lookup.purpose, lookup.target, lookup.expects, lookup.records, lookup.leaves) == (
        Purpose.LOOKUP,
        "/v1/source/links/p7%2F%C3%A4",
        "pages/a?cl_sr=poster",
        (),
        NOON,
    )
    assert opened.purpose is Purpose.EVENT


def test_a_show_with_a_code_is_looked_up_too() -> None:
    sent = fold(adapter(), launch(), happening(Kind.SHOW, 1, code="p7", link="pages/a"))

    assert [request.purpose for request in sent] == [Purpose.EVENT, Purpose.LOOKUP]


# ---- pushed properties ----------------------------------------------------------------------------------------------


def test_pushed_properties_go_out_with_every_later_event_over_launches() -> None:
    events = (launch(), push(1, vip=True), view(2), launch(3_600), view(3_601))

    assert ["vip=true" in query for query in queries(adapter(), *events)] == [False, True, True, True]


def test_a_push_merges_and_keeps_the_first_place() -> None:
    events = (launch(), push(1, a="1", b="2"), push(2, c="3", a="9"), view(3))

    assert "&a=9&b=2&c=3&scene=" in queries(adapter(), *events)[-1]


def test_an_empty_push_is_ignored() -> None:
    assert "pushed" not in last_fields(adapter(), launch(), push(1), view(2))


def test_an_event_overwrites_a_pushed_property_where_it_stands() -> None:
    events = (launch(), push(1, price="old", b="2"), track(Call("c_buy", params=(("price", 9.5),)), 2))

    assert "&price=9.5&b=2&scene=" in queries(adapter(), *events)[-1]


def test_what_was_pushed_before_anything_was_tracked_is_forgotten_with_the_process() -> None:
    assert "vip" not in last_fields(adapter(), push(0, vip=True), launch(1))


def test_a_pushed_tenant_event_or_date_is_replaced_where_it_stands() -> None:
    events = (launch(), push(1, tenantId="evil", event="evil", date="evil", externalId="x", anonymousId="y"), view(2))
    fields = last_fields(adapter(), *events)

    assert list(fields)[8:13] == ["tenantId", "event", "date", "externalId", "anonymousId"]
    assert [fields[key] for key in list(fields)[8:13]] == [
        "740843171", "mini_program_view", iso_utc(Ms(NOON + 2_000)), "0.2", "anon-1",
    ]  # fmt: skip


def test_the_anonymous_id_stays_after_a_push() -> None:
    assert last_fields(adapter(), launch(), push(1, **OPENID), view(2))["anonymousId"] == "anon-1"


def test_device_info_is_read_again_at_each_launch() -> None:
    other_network = replace(PHONE, network="5g")
    fields = last_fields(adapter(), launch(), push(1, vip=True), launch(2, device=other_network))

    assert (fields["network_type"], fields["vip"]) == ("5g", "true")


# ---- identity slots -------------------------------------------------------------------------------------------------

SLOTS: list[tuple[str, list[Event], tuple[Identity, ...]]] = [
    ("never pushed", [], ()),
    (
        "a value alone takes the default type",
        [push(1, **OPENID)],
        (Identity("applet-wechat", OPENID["identityValue"]),),
    ),
    (
        "three slots at once",
        [
            push(
                1,
                identityType="applet-wechat",
                identityValue="o1",
                identityType2="wechat-unionid",
                identityValue2="u1",
                identityType3="mobile",
                identityValue3="139",
            )
        ],
        (Identity("applet-wechat", "o1"), Identity("wechat-unionid", "u1"), Identity("mobile", "139")),
    ),
    (
        "separately, the third before the first",
        [push(1, identityType3="mobile", identityValue3="139"), push(1, identityValue="o1")],
        (Identity("applet-wechat", "o1"), Identity("mobile", "139")),
    ),
    (
        "a second type in slot one makes the first invalid",
        [push(1, identityValue="o1"), push(1, identityType="mobile", identityValue="139")],
        (Identity("mobile", "139"),),
    ),
    (
        "an empty value names nobody",
        [push(1, identityValue="", identityType2="mobile", identityValue2="")],
        (),
    ),
    ("a value without a type names nobody", [push(1, identityValue2="u1")], ()),
    ("a number is sent as text", [push(1, identityValue=42)], (Identity("applet-wechat", "42"),)),
]


@pytest.mark.parametrize(("pushes", "expected"), [row[1:] for row in SLOTS], ids=[row[0] for row in SLOTS])
def test_slots(pushes: list[Event], expected: tuple[Identity, ...]) -> None:
    last = fold(adapter(), launch(), *pushes, view(2))[-1]

    assert last.records[0].identities == expected


def test_an_identity_among_the_properties_of_one_call() -> None:
    call = Call("c_buy", params=(("identityValue", "o1"), ("identityType2", "mobile"), ("identityValue2", "139")))
    bought, viewed = fold(adapter(), track(call), view(1))

    assert (bought.records[0].identities, viewed.records[0].identities) == (
        (Identity("applet-wechat", "o1"), Identity("mobile", "139")),
        (),
    )


def test_a_pushed_type_keeps_the_first_place() -> None:
    events = (launch(), push(1, identityType="mobile", identityValue="139"), view(2))

    assert queries(adapter(), *events)[-1].startswith("identityType=mobile&pageType=")


HASHES: list[tuple[str, dict[str, Json], int]] = [
    ("anonymous", {}, ANONYMOUS),
    ("slot one", {"identityValue": "oTEST_openid_0001"}, 555_403_308),
    ("slots two and three never enter", {"identityValue2": "a", "identityValue3": "b"}, ANONYMOUS),
    ("an empty value is anonymous", {"identityValue": ""}, ANONYMOUS),
    ("a number", {"identityValue": 42}, 2_166_136_261),
]


@pytest.mark.parametrize(("pushed", "expected"), [row[1:] for row in HASHES], ids=[row[0] for row in HASHES])
def test_the_hash_in_utma(pushed: dict[str, Json], expected: int) -> None:
    events = (launch(), happening(Kind.PUSH, 1, pushed=tuple(pushed.items())), view(2))

    assert last_fields(adapter(), *events)["utma"].split(".")[1] == str(expected)


# ---- text -----------------------------------------------------------------------------------------------------------


def test_long_text_is_cut_numbers_and_arrays_are_not() -> None:
    call = Call("c_buy", params=(("long", "a" * 256), ("many", ["ab"] * 100), ("short", "a" * 255)))
    fields = last_fields(adapter(), track(call))

    assert (len(fields["long"]), len(fields["many"]), len(fields["short"])) == (255, 299, 255)


def test_a_cut_within_a_pair_sends_nothing_and_the_count_moves_on() -> None:
    split = track(Call("c_buy", params=(("note", "a" * 254 + "😀"),)), 1)
    sent = fold(adapter(), launch(), split, view(2))

    assert [request.target.rpartition(".")[2] for request in sent] == ["1", "3"]


def test_a_pushed_half_of_a_pair_stops_everything_until_it_is_mended() -> None:
    events = (launch(), push(1, note="a" * 254 + "😀"), view(2), launch(3), push(4, note="ok"), view(5))

    assert [query.rpartition(".")[2] for query in queries(adapter(), *events)] == ["1", "4"]


def test_null_and_empty_text_are_sent() -> None:
    fields = last_fields(adapter("dmhub-2018"), track(Call("c_buy", params=(("coupon", ""), ("gift", None)))))

    assert (fields["coupon"], fields["gift"]) == ("", "null")


def test_indices_come_first() -> None:
    call = Call("c_buy", params=(("b", 1), ("7", "x"), ("3", "y")))

    assert queries(adapter("dmhub-2018"), track(call))[0].startswith("3=y&7=x&identityType=wechat&")


def test_a_system_without_a_space_has_no_version() -> None:
    phone = replace(PHONE, system="HarmonyOS")
    fields = last_fields(adapter(), launch(device=phone))

    assert (fields["os"], "os_version" in fields) == ("HarmonyOS", False)


def test_a_key_with_an_ampersand_breaks_the_query() -> None:
    (request,) = fold(adapter(), track(Call("c_buy", params=(("a&source", "forged"), ("b=c", "d")))))

    assert "&a&source=forged&b=c=d&date=" in request.target
    assert request.records[0].source == "forged"


def test_a_key_cannot_leave_the_request_line() -> None:
    (request,) = fold(adapter(), track(Call("c_buy", params=(("a b\r\nX: 1", "v"), ("名", "n")))))

    assert "&a%20bX:%201=v&%E5%90%8D=n&date=" in request.target


def test_a_key_with_a_hash_ends_the_query() -> None:
    (request,) = fold(adapter(), track(Call("c_buy", params=(("a#", "v"),))))

    assert (request.target[-2:], request.records[0].bad) == ("&a", "event is missing")


# ---- the application's own events -----------------------------------------------------------------------------------

APPID = "wx1234567890abcdef"
CUP = Call("c_buy", "cup", "SKU-1")
EMPTY = Call("c_buy", params=(("targetId", ""),))
TARGETS: list[tuple[str, list[Event], Call, tuple[str, str]]] = [
    ("given", [], CUP, ("cup", "SKU-1")),
    ("positional is the same here", [], replace(CUP, form="positional"), ("cup", "SKU-1")),
    ("nothing to remember", [], BUY, ("not sent", "not sent")),
    ("given among the properties", [], Call("c_buy", params=(("targetName", "x"),)), ("x", "not sent")),
    ("the open's is remembered", [launch()], BUY, ("测试小程序", APPID)),
    ("the last page's is remembered", [launch(), view()], BUY, ("pages/a", APPID)),
    ("one of two is remembered", [track(CUP)], Call("c_buy", id="SKU-2"), ("cup", "SKU-2")),
    ("an empty one does not overwrite", [track(CUP), track(EMPTY)], BUY, ("cup", "SKU-1")),
    ("a launch has a target of its own", [track(CUP), launch(1)], BUY, ("测试小程序", APPID)),
]


@pytest.mark.parametrize(("before", "call", "expected"), [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS])
def test_target(before: list[Event], call: Call, expected: tuple[str, str]) -> None:
    fields = last_fields(adapter(), *before, track(call, 2))

    assert (fields.get("targetName", "not sent"), fields.get("targetId", "not sent")) == expected


def test_the_2018_tracker_remembers_no_target() -> None:
    assert "targetName" not in last_fields(adapter("dmhub-2018"), launch(), track(BUY, 1))


def test_the_2018_tracker_takes_the_name_for_the_properties() -> None:
    call = Call("mini_program_open", "ab", "id", params=(("x", 1),), form="positional")

    assert queries(adapter("dmhub-2018"), track(call))[0] == (
        "0=a&1=b&"
        + COMMON.format("wechat")
        + "&tenantId=740843171&event=mini_program_open&utma=0.890022063.740843171.1795444968.1795444968.1"
    )


def test_the_2018_tracker_cannot_take_an_emoji_apart() -> None:
    assert fold(adapter("dmhub-2018"), track(Call("c_buy", "a😀", form="positional"))) == []


def test_the_application_may_send_an_open_itself() -> None:
    assert fold(adapter(), track(Call("mini_program_open")))[0].records[0].action is Action.OPEN


def test_the_applications_own_source_is_what_is_on_the_wire() -> None:
    call = Call("c_buy", params=(("source", "shop"),))
    (request,) = fold(adapter(), track(call, source=advert("ad", "c")))

    assert (request.records[0].source, request.records[0].content) == ("shop", "c")


def test_a_date_that_the_application_passes_to_the_2018_tracker() -> None:
    call = Call("c_buy", params=(("date", "2026-03-01T00:00:00.001Z"),))
    (request,) = fold(adapter("dmhub-2018"), track(call))

    assert request.records[0].date == 1_772_323_200_001


# ---- calls before device info ---------------------------------------------------------------------------------------


def test_calls_wait_for_device_info_and_take_what_was_pushed_meanwhile() -> None:
    slow = adapter(device_info=Ms(100))
    sent = fold(slow, launch(), view(0.001), push(0.05, **OPENID), view(0.1))

    assert [(request.leaves, request.records[0].number, request.records[0].date) for request in sent] == [
        (NOON + 100, 0, NOON),
        (NOON + 100, 1, NOON + 1),
        (NOON + 100, 3, NOON + 100),
    ]
    assert ["identityValue=oTEST" in request.target for request in sent] == [True, True, True]


def test_a_push_after_device_info_comes_too_late_for_what_waited() -> None:
    sent = fold(adapter(device_info=Ms(100)), launch(), push(0.1, **OPENID), view(0.2))

    assert ["identityValue=oTEST" in request.target for request in sent] == [False, True]


def test_what_waits_is_lost_with_the_process() -> None:
    sent = fold(adapter(device_info=Ms(100)), launch(), view(0.001), launch(0.05), view(1))

    assert [request.records[0].number for request in sent] == [2, 3]


def test_without_a_delay_nothing_waits() -> None:
    of = adapter()
    _, requests = of.step(of.boot(PHONE), launch())

    assert len(requests) == 1


def test_what_still_waits_leaves_at_the_end() -> None:
    (request,) = fold(adapter(device_info=Ms(100)), launch())

    assert (request.leaves, request.target.split(".")[-2]) == (NOON + 100, "1795444968")
