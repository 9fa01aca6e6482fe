"""What each adapter writes, against bytes written by hand from the vendors' documents and their trackers' requests.

One journey: a launch from an advertisement, its view, a login, an event of the application whose texts need every
escape, a hide. Opaque ids are held to their form and written as a word.
"""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from typing import Any
from urllib.parse import unquote

import pytest

from simulator.events import Call, Event, Kind, Source
from simulator.scenario.contracts import ContractFile
from simulator.wire.outcome import classify
from simulator.wire.query import parse
from simulator.wire.registry import format_of
from simulator.wire.request import Action, Answer, Evidence, Outcome, Request, WireError
from tests.wire.tracker_words import decoded, own, sent_by, unplaced
from tests.wire.wire_builders import NOON, happening, launch, numbered, push, track, view

ADVERT = Source("朋友圈 广告", "a+b&c=d", (("source1", "50%"),))
BUY = Call(
    "c_buy", name='杯子 "L"', id="SKU/1", params=(("price", 129.5), ("n", 2), ("note", "a&b=c+d\n"), ("gift", None))
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def journey() -> list[Event]:
    """At NOON, which is 2026-11-23T14:42:48.250Z."""
    return numbered(
        launch(source=ADVERT, page="pages/home", query="id=1%2F2"),
        view(0.001, "pages/home", query="id=1%2F2", source=ADVERT),
        push(1, identityType="applet-wechat", identityValue="oUser_1", identityType2="mobile", identityValue2="138"),
        track(BUY, 2, source=ADVERT),
        happening(Kind.HIDE, 4.5, source=ADVERT),
    )


def sent(name: str, **options: Any) -> list[Request]:
    return sent_by(own(name, **options), journey())


def masked(text: str) -> str:
    """UUIDs by a word."""
    return UUID.sub("<uuid>", text)


def with_event(requests: list[Request], event: str) -> Request:
    """The request that carries an event of that name."""
    return next(one for one in requests if any(record.event == event for record in one.records))


# ---- Sensors Analytics --------------------------------------------------------------------------------------------

SENSORS_BUY = (
    '{"distinct_id":"138","identities":{"$identity_mp_id":"anon-1","$identity_login_id":"138"},'
    '"lib":{"$lib":"MiniProgram","$lib_method":"code","$lib_version":"1.17.9"},'
    '"properties":{"$lib":"MiniProgram","$lib_version":"1.17.9","$network_type":"WIFI",'
    '"$model":"iPhone 13<iPhone14,5>","$screen_width":390,"$screen_height":753,"$os":"iOS","$os_version":"17.4.1",'
    '"$timezone_offset":-480,"$app_id":"wx1234567890abcdef","$latest_scene":"wx-1047",'
    '"$latest_utm_source":"朋友圈 广告","$latest_utm_content":"a+b&c=d","source1":"50%",'
    '"targetName":"杯子 \\"L\\"","targetId":"SKU/1","price":129.5,"n":2,"note":"a&b=c+d\\n","gift":null,'
    '"$is_first_day":true,"$url":"pages/home?id=1%2F2","$url_path":"pages/home"},'
    '"login_id":"138","anonymous_id":"oUser_1","type":"track","event":"c_buy","_track_id":<id>,"time":1795444970250'
)


def test_sensors_single_is_one_object_in_base64_behind_the_project() -> None:
    request = with_event(sent("sensors", single=True), "c_buy")
    before, _, data = request.target.partition("&data=")

    assert (request.method, before, request.body) == ("GET", "/sa?project=default", b"")
    assert not set(data) & set("+/=")  # which a query would change
    text = b64decode(unquote(data)).decode()
    assert re.sub(r'"_track_id":\d+0250', '"_track_id":<id>', text) == SENSORS_BUY + ',"_flush_time":1795444970250}'


def test_sensors_batch_is_an_array_in_a_form_field_under_the_json_type() -> None:
    request = with_event(sent("sensors"), "c_buy")
    field, _, data = request.body.decode().partition("=")

    assert (request.method, request.target, field) == ("POST", "/sa?project=default", "data_list")
    assert ("content-type", "application/json") in request.headers
    text = b64decode(unquote(data)).decode()
    # Six are full: two profile records, launch, show, view, sign-up. The rest leaves when the mini program hides.
    assert re.sub(r'"_track_id":\d+', '"_track_id":<id>', text).startswith(
        f'[{SENSORS_BUY},"_flush_time":1795444972750}},{{'
    )


def test_sensors_gzip_packs_before_base64_and_says_so_in_a_second_field() -> None:
    plain, packed = sent("sensors"), sent("sensors", gzip=True)

    for one, other in zip(plain, packed, strict=True):
        data = other.body.removeprefix(b"data_list=").removesuffix(b"&gzip=1")
        assert other.body.endswith(b"&gzip=1")
        assert gzip.decompress(b64decode(unquote(data.decode()))) == b64decode(unquote(one.body.decode()[10:]))
        assert not any(name.lower() == "content-encoding" for name, _ in other.headers)


def test_sensors_records_come_in_the_order_of_the_tracker() -> None:
    names = [[record.event for record in request.records] for request in sent("sensors")]

    assert names == [
        ["profile_set_once", "profile_set_once", "$MPLaunch", "$MPShow", "$MPViewScreen", "$SignUp"],
        ["c_buy", "$MPHide"],
    ]


def test_sensors_sign_up_names_all_identities_and_the_id_before_it() -> None:
    (sign_up,) = (one for one in sent("sensors", single=True) if one.records[0].event == "$SignUp")
    record = json.loads(b64decode(unquote(sign_up.target.partition("&data=")[2])))

    assert list(record) == [
        "distinct_id", "identities", "lib", "properties", "login_id", "anonymous_id", "original_id", "type", "event",
        "_track_id", "time", "_flush_time",
    ]  # fmt: skip
    assert record["identities"] == {
        "$identity_mp_id": "anon-1",
        "$identity_anonymous_id": "oUser_1",
        "$identity_mp_wx1234567890abcdef_openid": "oUser_1",
        "$identity_login_id": "138",
    }
    assert (record["type"], record["distinct_id"], record["original_id"]) == ("track_signup", "138", "oUser_1")


def test_sensors_profile_records_have_no_id() -> None:
    records = [record for request in sent("sensors") for record in request.records]

    assert {record.event for record in records if not record.external_id} == {"profile_set_once"}


def test_sensors_reads_a_recorded_form_with_zlib_and_another_openid_key() -> None:
    import zlib
    from base64 import b64encode

    told = {"type": "track", "event": "$MPLaunch", "time": 1795444968250, "_track_id": 77, "anonymous_id": "1-2-a-3",
            "identities": {"$identity_mp_wxother_openid": "oX"}, "properties": {"$latest_utm_source": "x"}}  # fmt: skip
    body = b"data_list=" + b64encode(zlib.compress(json.dumps([told]).encode())).replace(b"+", b"%2B") + b"&gzip=1"

    (record,) = own("sensors").decode("POST", "/sa?project=p", {}, body)

    assert (record.action, record.source, record.anonymous_id) == (Action.OPEN, "x", "1-2-a-3")
    assert [(one.type, one.value) for one in record.identities] == [("applet-wechat", "oX")]


# ---- Snowplow -----------------------------------------------------------------------------------------------------

SNOWPLOW_URL = (
    "app://wx1234567890abcdef/pages/home?id=1%2F2"
    "&utm_source=%E6%9C%8B%E5%8F%8B%E5%9C%88%20%E5%B9%BF%E5%91%8A&utm_content=a%2Bb%26c%3Dd&source1=50%25"
)
SNOWPLOW_VIEW = (
    '{"e":"pv","page":"pages/home","url":"' + SNOWPLOW_URL + '","tv":"mpsim-1","tna":"mini-program",'
    '"aid":"wx1234567890abcdef","p":"mob","tz":"Asia/Shanghai","lang":"zh_CN","res":"390x753","ua":"MicroMessenger/8.0.73",'
    '"eid":"<uuid>","dtm":"1795444968251","duid":"anon-1","sid":"<uuid>","vid":"1","stm":"1795444972750"}'
)


def test_snowplow_is_a_payload_of_flat_objects_whose_values_are_texts() -> None:
    (request,) = sent("snowplow")
    body = json.loads(request.body)

    assert (request.method, request.target) == ("POST", "/com.snowplowanalytics.snowplow/tp2")
    assert ("content-type", "application/json") in request.headers
    assert body["schema"] == "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    assert [event["e"] for event in body["data"]] == ["se", "pv", "se", "se"]
    assert all(isinstance(value, str) for event in body["data"] for value in event.values())


ALLOWED = """
    aid p dtm tz e tid eid tv tna duid nuid tnuid uid vid sid ip res url page refr fp ctype cookie lang f_pdf f_qt
    f_realp f_wma f_dir f_fla f_java f_gears f_ag cd ds cs vp mac pp_mix pp_max pp_miy pp_may ad_ba ad_ca ad_ad
    ad_uid tr_id tr_af tr_tt tr_tx tr_sh tr_ci tr_st tr_co tr_cu ti_id ti_sk ti_nm ti_na ti_ca ti_pr ti_qu ti_cu
    sa sn st sp se_ca se_ac se_la se_pr se_va ue_na ue_pr ue_px co cx ua stm ttm
"""


@pytest.mark.parametrize("schema", ["", "iglu:com.acme/custom/jsonschema/1-0-0"])
def test_snowplow_says_nothing_that_the_schema_of_the_payload_does_not_allow(schema: str) -> None:
    for request in sent("snowplow", schema_of_custom=schema):
        for event in json.loads(request.body)["data"]:
            assert event.keys() <= set(ALLOWED.split())
            assert {"tv", "p", "e"} <= event.keys()


def test_snowplow_page_view_byte_for_byte() -> None:
    (request,) = sent("snowplow")
    text = masked(request.body.decode())

    assert SNOWPLOW_VIEW in text


def test_snowplow_structured_event_names_action_label_and_property() -> None:
    (request,) = sent("snowplow")
    event = json.loads(request.body)["data"][2]

    assert {key: event[key] for key in ("e", "se_ca", "se_ac", "se_la", "se_pr", "uid")} == {
        "e": "se", "se_ca": "custom", "se_ac": "c_buy", "se_la": '杯子 "L"', "se_pr": "SKU/1", "uid": "oUser_1",
    }  # fmt: skip


def test_snowplow_self_describing_event_is_base64_for_urls_without_padding() -> None:
    (request,) = sent("snowplow", schema_of_custom="iglu:com.acme/custom/jsonschema/1-0-0")
    encoded = json.loads(request.body)["data"][2]["ue_px"]

    assert re.fullmatch(r"[A-Za-z0-9_-]+", encoded)
    assert b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_").decode() == (
        '{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",'
        '"data":{"schema":"iglu:com.acme/custom/jsonschema/1-0-0","data":{"event":"c_buy","targetName":"杯子 \\"L\\"",'
        '"targetId":"SKU/1","price":129.5,"n":2,"note":"a&b=c+d\\n","gift":null}}}'
    )


def test_snowplow_reads_a_payload_of_the_documents() -> None:
    body = {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": [
            {"e": "pp", "p": "web", "tv": "js", "eid": "1", "dtm": "1795444968250", "url": "https://x.cn/a?utm_source=q"},
            {"e": "ue", "p": "app", "tv": "t", "ttm": "5", "dtm": "9",
             "ue_pr": '{"data":{"schema":"iglu:a/b/jsonschema/1-0-0"}}'},
        ],
    }  # fmt: skip

    ping, described = own("snowplow").decode(
        "POST", "/com.snowplowanalytics.snowplow/tp2", {}, json.dumps(body).encode()
    )

    assert (ping.action, ping.source, ping.date) == (Action.PING, "q", 1795444968250)
    assert (described.event, described.date) == ("iglu:a/b/jsonschema/1-0-0", 5)


# ---- Matomo -------------------------------------------------------------------------------------------------------

MATOMO_URL = (
    "app%3A%2F%2Fwx1234567890abcdef%2Fpages%2Fhome%3Fid%3D1%252F2"
    "%26mtm_campaign%3D%25E6%259C%258B%25E5%258F%258B%25E5%259C%2588%2520%25E5%25B9%25BF%25E5%2591%258A"
    "%26mtm_content%3Da%252Bb%2526c%253Dd%26source1%3D50%2525"
)
MATOMO_VIEW = (
    f"idsite=7&rec=1&apiv=1&url={MATOMO_URL}&_id=<id>&rand=<rand>&cdt=1795444968&res=390x753&lang=zh-CN"
    "&ua=MicroMessenger%2F8.0.73&send_image=0&action_name=pages%2Fhome&pv_id=<pv>"
)


def matomo(text: str) -> str:
    text = re.sub(r"_id=[0-9a-f]{16}&", "_id=<id>&", text)
    return re.sub(r"pv_id=[0-9a-f]{6}\b", "pv_id=<pv>", re.sub(r"rand=[0-9a-f]{8}&", "rand=<rand>&", text))


def test_matomo_single_hit_byte_for_byte() -> None:
    request = sent("matomo", single=True, site=7)[0]

    assert (request.method, request.body) == ("GET", b"")
    assert matomo(request.target) == f"/matomo.php?{MATOMO_VIEW}"


def test_matomo_bulk_is_json_with_queries_oldest_first_and_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATOMO_TOKEN", "t0ken")
    (request,) = sent("matomo", site=7, token_auth={"env": "MATOMO_TOKEN"})
    body = json.loads(request.body)

    assert (request.method, request.target) == ("POST", "/matomo.php")
    assert list(body) == ["requests", "token_auth"]
    assert matomo(body["requests"][0]) == f"?{MATOMO_VIEW}"
    assert matomo(body["requests"][1]).endswith(
        "&cdt=1795444970&res=390x753&lang=zh-CN&ua=MicroMessenger%2F8.0.73&send_image=0&uid=oUser_1"
        "&e_c=custom&e_a=c_buy&ca=1&e_n=%E6%9D%AF%E5%AD%90%20%22L%22"
    )
    assert body["token_auth"] == "t0ken"


def test_matomo_launch_is_an_event_hit_that_begins_a_visit_where_asked_for() -> None:
    launch_hit = sent("matomo", single=True, opens="event")[0]

    assert launch_hit.target.endswith("&send_image=0&e_c=app&e_a=launch&ca=1&new_visit=1")
    assert launch_hit.records[0].action is Action.OPEN


def test_matomo_reads_a_hit_of_the_documents_and_a_ping() -> None:
    of = own("matomo")
    hit, ping = of.decode(
        "POST",
        "/matomo.php",
        {},
        b'{"requests":["?idsite=1&url=http://example.org/a&action_name=Test&rec=1&_id=0123456789abcdef","?idsite=1&rec=1&ping=1"]}',
    )

    assert (hit.action, hit.page, hit.anonymous_id, hit.date) == (Action.VIEW, "a", "0123456789abcdef", None)
    assert ping.action is Action.PING
    with pytest.raises(WireError, match="rec=1"):
        of.decode("GET", "/matomo.php?idsite=1", {}, b"")


# ---- Segment, PostHog ---------------------------------------------------------------------------------------------

SEGMENT_BUY = (
    '{"type":"track","event":"c_buy","properties":{"targetName":"杯子 \\"L\\"","targetId":"SKU/1","price":129.5,"n":2,'
    '"note":"a&b=c+d\\n","gift":null},"anonymousId":"anon-1","userId":"oUser_1","context":{"app":{"name":"测试小程序",'
    '"namespace":"wx1234567890abcdef"},"device":{"id":"anon-1","model":"iPhone 13","type":"wechat"},"os":{"name":"iOS",'
    '"version":"17.4.1"},"screen":{"width":390,"height":753},"network":{"wifi":true,"cellular":false},"locale":"zh-CN",'
    '"timezone":"Asia/Shanghai","userAgent":"MicroMessenger/8.0.73","library":{"name":"mini-program","version":"1"},'
    '"page":{"path":"/pages/home","search":"?id=1%2F2"},"campaign":{"source":"朋友圈 广告","content":"a+b&c=d",'
    '"source1":"50%"}},"timestamp":"2026-11-23T14:42:50.250Z","messageId":"<uuid>"}'
)


def test_segment_batch_byte_for_byte() -> None:
    (request,) = sent("segment", write_key="wk")
    text = masked(request.body.decode())

    assert (request.method, request.target) == ("POST", "/v1/batch")
    assert text.startswith(
        '{"batch":[{"type":"track","event":"Application Opened","properties":{"from_background":false},'
    )
    assert SEGMENT_BUY in text
    assert text.endswith("]" + ',"sentAt":"2026-11-23T14:42:52.750Z","writeKey":"wk"}')
    assert [one["type"] for one in json.loads(request.body)["batch"]] == [
        "track",
        "screen",
        "identify",
        "track",
        "track",
    ]


def test_segment_every_call_has_a_user_or_a_device_and_a_short_id() -> None:
    for request in sent("segment"):
        for call in json.loads(request.body)["batch"]:
            assert call.get("anonymousId")
            assert len(call["messageId"]) < 100


POSTHOG_VIEW = (
    '{"event":"$pageview","distinct_id":"anon-1","properties":{"$lib":"mini-program","$lib_version":"1",'
    '"$device_id":"anon-1","$session_id":"<uuid>","$current_url":"' + SNOWPLOW_URL + '","$pathname":"/pages/home",'
    '"$os":"iOS","$os_version":"17.4.1","$device_model":"iPhone 13","$screen_width":390,"$screen_height":753,'
    '"$network_wifi":true,"utm_source":"朋友圈 广告","utm_content":"a+b&c=d","source1":"50%"},'
    '"timestamp":"2026-11-23T14:42:48.251Z","uuid":"<uuid>"}'
)


def test_posthog_batch_byte_for_byte() -> None:
    (request,) = sent("posthog", api_key="phc_1")
    text = masked(request.body.decode())

    assert (request.method, request.target) == ("POST", "/batch/")
    assert text.startswith('{"api_key":"phc_1","batch":[{"event":"Application Opened","distinct_id":"anon-1",')
    assert POSTHOG_VIEW in text
    assert text.endswith('],"sent_at":"2026-11-23T14:42:52.750Z"}')


def test_posthog_single_event_has_the_key_beside_it_and_a_path_of_its_own() -> None:
    request = sent("posthog", api_key="phc_1", single=True)[1]

    assert request.target == "/i/v0/e/"
    assert masked(request.body.decode()) == '{"api_key":"phc_1",' + POSTHOG_VIEW[1:]


def test_posthog_identify_joins_the_device_to_the_user() -> None:
    (request,) = sent("posthog")
    identify = json.loads(request.body)["batch"][2]

    assert (identify["event"], identify["distinct_id"]) == ("$identify", "oUser_1")
    assert identify["properties"]["$anon_distinct_id"] == "anon-1"
    assert identify["properties"]["$set"] == {"applet-wechat": "oUser_1", "mobile": "138"}


def test_posthog_reads_an_event_of_the_documents() -> None:
    event = {"event": "e", "properties": {"distinct_id": "u"}, "timestamp": "2026-01-01T00:00:00Z"}
    body = json.dumps({"api_key": "k", "batch": [event]}).encode()

    (record,) = own("posthog").decode("POST", "/batch/", {}, body)

    assert (record.event, record.anonymous_id, record.date) == ("e", "u", 1767225600000)


# ---- GA4 ----------------------------------------------------------------------------------------------------------


def test_ga4_keeps_before_and_after_the_login_apart_and_each_event_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GA4_SECRET", "s3/cret")
    requests = sent("ga4", measurement_id="G-1", api_secret={"env": "GA4_SECRET"})
    bodies = [json.loads(request.body) for request in requests]

    assert {request.target for request in requests} == {"/mp/collect?measurement_id=G-1&api_secret=s3%2Fcret"}
    assert [(body["client_id"], body.get("user_id")) for body in bodies] == [("anon-1", None), ("anon-1", "oUser_1")]
    assert [[(one["name"], one["timestamp_micros"]) for one in body["events"]] for body in bodies] == [
        [("mini_program_open", 1795444968250000), ("page_view", 1795444968251000)],
        [("c_buy", 1795444970250000), ("mini_program_hide", 1795444972750000)],
    ]


def test_ga4_event_byte_for_byte() -> None:
    request = sent("ga4")[1]
    text = re.sub(r'"session_id":"\d{1,15}"', '"session_id":"<session>"', request.body.decode())

    assert text.startswith(
        '{"client_id":"anon-1","user_id":"oUser_1","events":[{"name":"c_buy","params":{"session_id":"<session>",'
        '"session_number":1,"engagement_time_msec":1999,"page_location":"'
        + SNOWPLOW_URL
        + '","page_title":"pages/home",'
        '"targetName":"杯子 \\"L\\"","targetId":"SKU/1","price":129.5,"n":2,"note":"a&b=c+d\\n","gift":"null"},'
        '"timestamp_micros":1795444970250000}'
    )


def test_ga4_never_has_more_than_25_events_or_parameters_or_long_names() -> None:
    many = Call("c_" + "x" * 60, params=tuple((f"key{number}" + "y" * 50, "v" * 200) for number in range(40)))
    events = numbered(launch(), *[track(many, second) for second in range(1, 60)])

    requests = sent_by(own("ga4", every="1h"), events)

    assert [len(request.records) for request in requests] == [25, 25, 10]
    for request in requests:
        for event in json.loads(request.body)["events"]:
            assert len(event["name"]) <= 40
            assert len(event["params"]) <= 25
            assert all(len(key) <= 40 for key in event["params"])


def test_ga4_app_streams_are_named_by_the_app() -> None:
    request = sent("ga4", stream="app", measurement_id="1:2:ios:3")[0]

    assert request.target == "/mp/collect?firebase_app_id=1%3A2%3Aios%3A3&api_secret="
    assert list(json.loads(request.body)) == ["app_instance_id", "events"]


def test_ga4_reads_the_time_of_the_request_where_an_event_has_none() -> None:
    (record,) = own("ga4").decode(
        "POST",
        "/mp/collect?measurement_id=G&api_secret=s",
        {},
        b'{"client_id":"c","timestamp_micros":1000,"events":[{"name":"login","params":{"session_id":"5"}}]}',
    )

    assert (record.date, record.session, record.anonymous_id) == (1, "5", "c")


# ---- GrowingIO, ThinkingData --------------------------------------------------------------------------------------

GROWINGIO_BUY = (
    '{"eventType":"CUSTOM","eventName":"c_buy","attributes":{"targetName":"杯子 \\"L\\"","targetId":"SKU/1",'
    '"price":"129.5","n":"2","note":"a&b=c+d\\n","gift":"null"},"deviceId":"<uuid>","sessionId":"<uuid>",'
    '"timestamp":1795444970250,"timezoneOffset":-480,"path":"pages/home","query":"id=1%2F2'
    '&utm_source=%E6%9C%8B%E5%8F%8B%E5%9C%88%20%E5%B9%BF%E5%91%8A&utm_content=a%2Bb%26c%3Dd&source1=50%25",'
    '"referralPage":"scn:1047","appChannel":"scn:1047","domain":"wx1234567890abcdef","dataSourceId":"ds",'
    '"platform":"MinP","platformVersion":"WeChat","sdkVersion":"4.6.0","operatingSystem":"iOS",'
    '"operatingSystemVersion":"17.4.1","deviceModel":"iPhone 13","screenWidth":390,"screenHeight":753,'
    '"networkState":"WIFI","eventSequenceId":3,"userId":"oUser_1","userKey":""}'
)


def test_growingio_numbers_are_texts_and_the_sequence_has_no_gap() -> None:
    requests = sent("growingio", project="p1", data_source="ds")
    records = [record for request in requests for record in json.loads(request.body)]

    assert requests[0].target == "/v3/projects/p1/collect?stm=1795444969250&compress=0"
    assert ("content-type", "application/json;charset=UTF-8") in requests[0].headers
    assert [(one["eventType"], one.get("eventSequenceId")) for one in records] == [
        ("VISIT", 1), ("PAGE", 2), ("LOGIN_USER_ATTRIBUTES", None), ("CUSTOM", 3), ("APP_CLOSED", None),
    ]  # fmt: skip
    assert GROWINGIO_BUY in masked(with_event(requests, "c_buy").body.decode())


def test_growingio_packed_bodies_are_undecodable_and_never_empty() -> None:
    with pytest.raises(WireError, match="undecodable"):
        own("growingio").decode("POST", "/v3/projects/project/collect?stm=1&compress=1", {}, "ᯡࡑ䅂".encode())


def test_growingio_short_absence_keeps_the_session_and_a_longer_one_begins_another() -> None:
    def visits(away: float) -> list[Any]:
        events = numbered(
            launch(), view(1), happening(Kind.HIDE, 2), happening(Kind.SHOW, 2 + away), view(3 + away),
            happening(Kind.HIDE, 9 + away),
        )  # fmt: skip
        records = [one for request in sent_by(own("growingio"), events) for one in json.loads(request.body)]
        return [one["sessionId"] for one in records if one["eventType"] == "VISIT"]

    assert len(visits(29.999)) == 1
    assert len(visits(30)) == 1  # exactly is not more
    assert len(set(visits(30.001))) == 2


def test_growingio_referral_page_is_the_scene_first_and_its_own_path_after_a_return() -> None:
    events = numbered(
        launch(page="pages/home"), view(0.1, "pages/home"), view(2, "pages/cart"), happening(Kind.HIDE, 5),
        happening(Kind.SHOW, 40, scene=1089), track(Call("c_a"), 40.05, scene=1089),
        view(40.1, "pages/cart", scene=1089), view(42, "pages/detail", scene=1089),
        happening(Kind.HIDE, 45, scene=1089),
        launch(60, page="pages/cart"), view(60.1, "pages/cart"),
    )  # fmt: skip
    records = [one for request in sent_by(own("growingio"), events) for one in json.loads(request.body)]

    assert [(one["eventType"], one["path"], one["referralPage"]) for one in records] == [
        ("VISIT", "pages/home", "scn:1047"),
        ("PAGE", "pages/home", "scn:1047"),
        ("PAGE", "pages/cart", "pages/home"),
        ("APP_CLOSED", "pages/cart", "pages/home"),
        ("VISIT", "pages/cart", "pages/cart"),
        ("CUSTOM", "pages/cart", "pages/cart"),
        ("PAGE", "pages/cart", "pages/cart"),
        ("PAGE", "pages/detail", "pages/cart"),
        ("APP_CLOSED", "pages/detail", "pages/cart"),
        ("VISIT", "pages/cart", "scn:1047"),
        ("PAGE", "pages/cart", "scn:1047"),
    ]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Outcome.ACKED), (204, Outcome.ACKED), (299, Outcome.ACKED), (300, Outcome.UNKNOWN), (500, Outcome.UNKNOWN),
     (400, Outcome.REFUSED)],
)  # fmt: skip
def test_growingio_takes_any_status_of_success_for_an_ack(status: int, outcome: Outcome) -> None:
    replies = ContractFile.model_validate(format_of("growingio").contract).replies
    assert replies is not None

    assert classify(Answer(Evidence.REPLY, status), replies.replies()) is outcome


THINKINGDATA_BUY = (
    '{"data":[{"#type":"track","#time":"2026-11-23 22:42:50.250","#distinct_id":"anon-1","#account_id":"oUser_1",'
    '"#event_name":"c_buy","#uuid":"<uuid>","properties":{"targetName":"杯子 \\"L\\"","targetId":"SKU/1","price":129.5,'
    '"n":2,"note":"a&b=c+d\\n","gift":null,"#lib":"MP","#lib_version":"3.7.8","#mp_platform":"wechat",'
    '"#device_id":"anon-1","#device_model":"iPhone 13","#os":"iOS","#os_version":"17.4.1","#screen_width":390,'
    '"#screen_height":753,"#network_type":"WIFI","#scene":1047,"#url_path":"pages/home","#zone_offset":8,'
    '"#utm":"{\\"utm_source\\":\\"朋友圈 广告\\",\\"utm_content\\":\\"a+b&c=d\\",\\"source1\\":\\"50%\\"}"}}],'
    '"#app_id":"app-1","#flush_time":1795444970250}'
)


def test_thinkingdata_byte_for_byte_with_the_local_time_of_the_phone() -> None:
    request = with_event(sent("thinkingdata", app_id="app-1"), "c_buy")

    assert (request.method, request.target) == ("POST", "/sync_xcx")
    assert masked(request.body.decode()) == THINKINGDATA_BUY
    assert {("TA-Integration-Type", "MP"), ("TA-Integration-Count", "1")} <= set(request.headers)


def test_thinkingdata_server_library_packs_an_array() -> None:
    (request,) = sent("thinkingdata", server=True, batch=20, app_id="app-1")

    assert request.target == "/sync_server"
    assert {("appid", "app-1"), ("compress", "gzip")} <= set(request.headers)
    names = [one.get("#event_name", one["#type"]) for one in json.loads(gzip.decompress(request.body))]
    assert names == ["ta_mp_launch", "ta_mp_show", "ta_mp_view", "user_set", "c_buy", "ta_mp_hide"]


def test_thinkingdata_reads_local_times_by_the_offset_beside_them() -> None:
    def date(properties: dict[str, Any]) -> int | None:
        told = {"#type": "track", "#time": "2026-01-01 00:00:00.000", "properties": properties}
        body = json.dumps({"data": [told]}).encode()
        return own("thinkingdata").decode("POST", "/sync_xcx", {}, body)[0].date

    assert date({"#zone_offset": 0}) == 1767225600000
    assert date({"#zone_offset": -5}) == 1767225600000 + 5 * 3_600_000
    assert date({}) == 1767225600000 - 8 * 3_600_000


# ---- Aladdin, Umeng -----------------------------------------------------------------------------------------------


def test_aladdin_record_byte_for_byte() -> None:
    request = with_event(sent("aladdin", app_key="k1"), "c_buy")
    target = re.sub(r"at=1795444968250[0-9a-f]{7}&uu=[0-9a-f]{32}&", "at=<at>&uu=<uu>&", request.target)
    source = "%E6%9C%8B%E5%8F%8B%E5%9C%88%20%E5%B9%BF%E5%91%8A"

    assert re.sub(r"ls=[0-9a-f]{13}&", "ls=<ls>&", target) == (
        "/d.html?br=iOS&pm=iPhone%2013&pr=2&ww=390&wh=753&lang=zh_CN&wv=8.0&wvv=ios&wsdk=3.0&sv=iOS%2017.4.1&nt=wifi"
        "&ev=event&tp=c_buy&ct=%7B%22targetName%22%3A%22%E6%9D%AF%E5%AD%90%20%5C%22L%5C%22%22%2C%22targetId%22%3A"
        "%22SKU%2F1%22%2C%22price%22%3A129.5%2C%22n%22%3A2%2C%22note%22%3A%22a%26b%3Dc%2Bd%5Cn%22%2C%22gift%22%3Anull%7D"
        f"&pp=pages%2Fhome&pc=&dr=2000&ag=id%3D1%252F2&qr={source}&sr={source}&at=<at>&uu=<uu>&v=7.4.0&ak=k1"
        "&wsr=%7B%22path%22%3A%22pages%2Fhome%22%2C%22query%22%3A%7B%22id%22%3A%221%2F2%22%2C%22aldsrc%22%3A%22"
        f"{source}%22%2C%22utm_content%22%3A%22a%2Bb%26c%3Dd%22%2C%22source1%22%3A%2250%25%22%7D%2C%22scene%22%3A1047%7D"
        "&ifo=true&rq_c=3&ls=<ls>&te=wx&et=1795444970250&st=1795444970250"
    )
    headers = dict(request.headers)
    assert (headers["AldStat"], headers["op"]) == ("MiniApp-Stat", "oUser_1")
    # "w" is 119, and 9 more is 128.
    assert headers["ai"].startswith("128-129-58-59-60-")


def aladdin(*events: Event) -> list[dict[str, str]]:
    """The fields of each record."""
    return [parse(one.target.partition("?")[2])[0] for one in sent_by(own("aladdin"), numbered(*events))]


def of_fields(records: list[dict[str, str]], *names: str) -> list[tuple[str | None, ...]]:
    return [tuple(map(one.get, names)) for one in records]


def test_aladdin_launch_token_is_one_for_each_launch_and_not_for_each_open() -> None:
    records = aladdin(
        launch(), view(0.1), happening(Kind.HIDE, 1), happening(Kind.SHOW, 60), view(60.1), happening(Kind.HIDE, 61),
        launch(70), view(70.1),
    )  # fmt: skip
    launches, opens = [one["ls"] for one in records], [one["at"] for one in records]

    assert launches == [launches[0]] * 6 + [launches[6]] * 2
    assert opens == [opens[0]] * 3 + [opens[3]] * 3 + [opens[6]] * 2
    assert (len(set(launches)), len(set(opens))) == (2, 3)


def test_aladdin_show_options_are_those_of_the_last_show_whatever_page_is_in_sight() -> None:
    records = aladdin(
        launch(page="pages/home", query="channel=a%20b", source=Source("ad")),
        view(0.1, "pages/home", query="channel=a%20b", source=Source("ad")),
        view(2, "pages/detail", query="id=1", source=Source("ad")),
        happening(Kind.HIDE, 5, source=Source("ad")),
        happening(Kind.SHOW, 10, scene=1089),
        view(10.1, "pages/detail", query="id=1", scene=1089),
        view(12, "pages/cart", scene=1089),
        happening(Kind.HIDE, 15, scene=1089),
        happening(Kind.SHOW, 20, page="pages/sale", query="aldsrc=Q7&ald_share_src=u1%2Cu2"),
        view(20.1, "pages/sale", query="aldsrc=Q7&ald_share_src=u1%2Cu2"),
    )
    first = {"path": "pages/home", "query": {"channel": "a b", "aldsrc": "ad"}, "scene": 1047}
    second = {"path": "pages/detail", "query": {"id": "1"}, "scene": 1089}
    third = {"path": "pages/sale", "query": {"aldsrc": "Q7", "ald_share_src": "u1,u2"}, "scene": 1047}

    assert [json.loads(one["wsr"]) for one in records] == [first] * 4 + [second] * 4 + [third] * 2
    # The source code is what the query calls aldsrc, the share chain what it calls ald_share_src.
    assert of_fields(records, "qr", "sr", "usr") == (
        [("ad", "ad", None)] * 4 + [(None, None, None)] * 4 + [("Q7", "Q7", "u1,u2")] * 2
    )
    # The page's own query is that of the page alone.
    assert [one["ag"] for one in records][2:8] == ["id=1"] * 4 + [""] * 2


def test_aladdin_pages_tell_the_first_of_the_process_and_how_long_the_one_before_was_in_sight() -> None:
    records = aladdin(
        launch(page="pages/home"), view(0.1, "pages/home"), view(2, "pages/detail"), happening(Kind.HIDE, 5),
        happening(Kind.SHOW, 34.9), view(34.999, "pages/detail"), happening(Kind.HIDE, 36),
        happening(Kind.SHOW, 65), view(66, "pages/detail"), view(69, "pages/cart"), happening(Kind.HIDE, 70),
        launch(90, page="pages/cart"), view(90.1, "pages/cart"),
    )  # fmt: skip
    pages = [one for one in records if (one["ev"], one["life"]) == ("page", "show")]

    assert of_fields(pages, "pp", "ifp", "fp", "pdr", "ps") == [
        ("pages/home", "true", "pages/home", None, None),
        ("pages/detail", "false", "pages/home", "1900", None),
        ("pages/detail", "false", "pages/home", "3000", "1"),  # 29.999 s after the hide
        ("pages/detail", "false", "pages/home", "1001", None),  # 30 s after it, which is not less
        ("pages/cart", "false", "pages/home", "3000", None),
        ("pages/cart", "true", "pages/cart", None, None),
    ]
    others = [one for one in records if one["ev"] != "page"]
    assert not any({"ifp", "fp", "pdr", "ps"} & one.keys() for one in others)


def test_aladdin_token_is_new_after_more_than_30_s_or_with_another_scene() -> None:
    def tokens(away: float, scene: int) -> int:
        events = numbered(launch(), happening(Kind.HIDE, 1), happening(Kind.SHOW, 1 + away, scene=scene))
        return len({record.session for request in sent_by(own("aladdin"), events) for record in request.records})

    assert [tokens(30, 1047), tokens(30.001, 1047), tokens(1, 1089)] == [1, 2, 2]


def test_aladdin_counts_requests_since_the_last_show_and_knows_the_first_open() -> None:
    events = numbered(launch(), view(1), happening(Kind.HIDE, 2), happening(Kind.SHOW, 3), view(4))
    fields = [
        dict(pair.split("=") for pair in one.target.partition("?")[2].split("&"))
        for one in sent_by(own("aladdin"), events)
    ]

    assert [one["rq_c"] for one in fields] == ["1", "2", "3", "1", "2"]
    assert [one["ifo"] for one in fields] == ["true", "true", "true", "false", "false"]


UMENG_SESSION = r"[0-9a-f]{10}1795444968250"


def test_umeng_sends_a_session_twice_and_its_pages_only_at_its_end() -> None:
    start, end = sent("umeng", app_key="k1")
    (session,) = {record.session for record in start.records}

    assert (start.method, start.target, start.leaves) == ("POST", "/wxm_logs", NOON)
    assert re.fullmatch(UMENG_SESSION, session)
    assert {("msg-type", "wxmp/json"), ("disable-base64", "Y")} <= set(start.headers)
    told = json.loads(start.body)
    assert told["h"]["st"] == "1"
    assert told["a"] == {
        "sn": [
            {
                "id": session,
                "start_time": NOON,
                "options": {
                    "path": "pages/home",
                    "scene": "wx_1047",
                    "utm_source": "朋友圈 广告",
                    "utm_content": "a+b&c=d",
                    "source1": "50%",
                },
            }
        ]
    }
    told = json.loads(end.body)
    assert "st" not in told["h"]
    assert told["h"]["itr"] == {"ud": told["h"]["itr"]["ud"], "od": "oUser_1", "puid": "138"}
    (closed,) = told["a"]["sn"]
    assert (closed["id"], closed["end_time"], closed["duration"]) == (session, NOON + 4500, 4500)
    assert closed["pages"] == [{"ts": NOON + 1, "path": "pages/home", "page_name": "pages/home", "duration": 4499}]
    assert told["a"]["e"] == {
        session: [
            {"id": "c_buy", "ts": NOON + 2000, "targetName": '杯子 "L"', "targetId": "SKU/1", "price": 129.5, "n": 2,
             "note": "a&b=c+d\n", "gift": None}
        ]
    }  # fmt: skip


def test_umeng_trace_id_is_ten_characters_the_instant_and_nine_more() -> None:
    requests = sent("umeng")
    ids = [json.loads(one.body)["h"]["traceId"] for one in requests]

    assert [re.fullmatch(r"[0-9a-f]{10}(\d{13})[0-9a-f]{9}", one)[1] for one in ids] == [  # type: ignore[index]
        "1795444968250", "1795444972750",
    ]  # fmt: skip
    assert len(set(ids)) == len(ids)


def test_umeng_user_that_logged_in_is_active_from_then_on() -> None:
    start, end = sent("umeng")

    assert "active_user" not in json.loads(start.body)["a"]
    assert json.loads(end.body)["a"]["active_user"] == {"puid": "138", "provider": "mobile"}


def test_umeng_shares_stand_in_the_end_of_their_session() -> None:
    events = numbered(
        launch(),
        view(1, "pages/a"),
        happening(Kind.SHARE, 2),
        push(3, identityType="applet-wechat", identityValue="oUser_1"),
        happening(Kind.SHARE, 4, page="pages/gift", query="id=1%2F2"),
        happening(Kind.SHARE, 4, page="pages/gift", query="id=1%2F2"),
        happening(Kind.HIDE, 5),
        happening(Kind.SHOW, 60),
        view(60.5, "pages/a"),
        happening(Kind.HIDE, 61),
    )
    of = own("umeng")
    requests = sent_by(of, events)
    ends = [one for request in requests for one in json.loads(request.body)["a"]["sn"] if "end_time" in one]

    assert [one.get("shares") for one in ends] == [
        [
            {"title": "测试小程序", "path": "pages/a", "_um_sts": NOON + 2000, "_um_ssrc": ""},
            {"title": "测试小程序", "path": "pages/gift?id=1%2F2", "_um_sts": NOON + 4000, "_um_ssrc": "oUser_1"},
            {"title": "测试小程序", "path": "pages/gift?id=1%2F2", "_um_sts": NOON + 4001, "_um_ssrc": "oUser_1"},
        ],
        None,
    ]
    records = [record for request in requests for record in request.records if record.event == "share"]
    assert [(one.action, one.date) for one in records] == [
        (Action.CUSTOM, NOON + 2000), (Action.CUSTOM, NOON + 4000), (Action.CUSTOM, NOON + 4001),
    ]  # fmt: skip
    assert len({one.external_id for one in records}) == 3
    for request in requests:
        assert decoded(of, request) == tuple(map(unplaced, request.records))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_umeng_pages_never_leave_without_the_end_that_tells_them(batch: int) -> None:
    events = numbered(
        launch(), *[view(second, f"pages/{second}") for second in range(1, 6)],
        happening(Kind.SHARE, 7), happening(Kind.HIDE, 9),
    )  # fmt: skip
    of = own("umeng", batch=batch)
    requests = sent_by(of, events)
    read = [record for request in requests for record in decoded(of, request)]

    assert [record.page for record in read if record.action is Action.VIEW] == [f"pages/{one}" for one in range(1, 6)]
    assert read == [unplaced(record) for request in requests for record in request.records]
    assert max(len(request.records) for request in requests) <= of.max_batch


def test_umeng_views_are_told_when_they_happened_with_the_session_that_had_them() -> None:
    events = numbered(
        launch(), view(1, "pages/a"), view(5, "pages/b"), happening(Kind.HIDE, 9),
        happening(Kind.SHOW, 39), view(39.5, "pages/b"), happening(Kind.HIDE, 40),
        happening(Kind.SHOW, 70.001), view(71, "pages/b"), happening(Kind.HIDE, 72),
    )  # fmt: skip
    records = [record for request in sent_by(own("umeng"), events) for record in request.records]
    views = [record for record in records if record.action is Action.VIEW]
    opens = [record for record in records if record.action is Action.OPEN]

    assert [(one.page, (one.date or 0) - NOON) for one in views] == [
        ("pages/a", 1000), ("pages/b", 5000), ("pages/b", 39_500), ("pages/b", 71_000),
    ]  # fmt: skip
    assert [(one.date or 0) - NOON for one in opens] == [0, 70_001]  # 30 s away is not more than 30 s
    assert [one.session for one in views] == [opens[0].session] * 3 + [opens[1].session]


def test_umeng_an_event_is_cut_to_its_limits() -> None:
    call = Call("c_" + "x" * 200, params=tuple((f"k{number}" + "y" * 300, number) for number in range(150)))
    _, end = sent_by(own("umeng"), numbered(launch(), track(call, 1), happening(Kind.HIDE, 2)))
    ((event,),) = json.loads(end.body)["a"]["e"].values()

    assert len(event["id"]) == 128
    assert len(event) == 100 + 2
    assert max(map(len, event)) == 256
