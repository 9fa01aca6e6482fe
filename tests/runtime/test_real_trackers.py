"""Real trackers, unmodified, on the reference journey: the records that were measured on another runtime."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator.runtime.phone import Storage
from simulator.runtime.trace import Exchange, Moment, Reply
from simulator.times import Ms
from tests.npm import installed, package
from tests.runtime.reference_journey import copy_of, travel

SENSORS = """
const sensors = require('./sensorsdata.min.js')
sensors.setPara({
  name: 'sensors',
  server_url: 'https://collector.example/sa?project=default',
  autoTrack: { appLaunch: true, appShow: true, appHide: true, pageShow: true, pageShare: true, mpClick: true,
    mpFavorite: true, pageLeave: true },
  source_channel: ['channel'],
  batch_send: BATCH,
  show_log: false
})
sensors.init()
module.exports = {
  launched() {},
  identified(openid, member) {
    sensors.setOpenid(openid)
    sensors.login(member)
    sensors.setProfile({ level: 'gold' })
  },
  track(event, properties) { sensors.track(event, properties) }
}
"""
# Measured with 1.17.9; `event` where there is one, else `type`.
RECORDS = [
    *("profile_set_once", "profile_set_once", "$MPLaunch", "$MPShow", "$MPViewScreen"),
    *("$SignUp", "profile_set", "$MPClick", "$MPPageLeave", "$MPViewScreen", "add_to_cart"),
    *("$MPClick", "$MPShare", "$MPClick", "$MPPageLeave", "$MPViewScreen", "submit_order"),
    *("$MPClick", "$MPPageLeave", "$MPHide"),
    *("$MPShow", "$MPViewScreen", "$MPPageLeave", "$MPViewScreen", "$MPPageLeave", "$MPHide"),
]


def answer(exchange: Exchange) -> Reply:
    return Reply(Ms(exchange.at + 40), 200, (("content-type", "application/json"),), b'{"code":0}')


def records_of(exchange: Exchange) -> list[dict[str, Any]]:
    if exchange.method == "GET":
        text = parse_qs(urlsplit(exchange.url).query)["data"][0]
        return [json.loads(base64.b64decode(text))]
    text = parse_qs(exchange.body.decode())["data_list"][0]
    records: list[dict[str, Any]] = json.loads(base64.b64decode(text))
    return records


def sensors_app(folder: Path, batch: str) -> Path:
    sdk = package("sa-sdk-miniprogram", "1.17.9") / "sensorsdata.min.js"
    tracker = SENSORS.replace("BATCH", batch)
    return copy_of(folder, {"utils/sensorsdata.min.js": sdk, "utils/tracker.js": tracker})


# Here overdue timers fire at the return from the background, as WeChat delivers events then; so the tracker's timer of
# 6 s cuts the last batch, which the measurement, whose timers did not move with its clock, saw whole.
@pytest.mark.parametrize(("batch", "requests"), [("true", [5, 6, 6, 3, 2, 4]), ("false", [1] * 26)])
def test_sensors_sends_the_measured_records_in_their_order(tmp_path: Path, batch: str, requests: list[int]) -> None:
    trace = travel(sensors_app(tmp_path, batch), answer)
    sent = [records_of(exchange) for exchange in trace.exchanges]
    records = [record for request in sent for record in request]
    assert [record.get("event", record["type"]) for record in records] == RECORDS
    assert [len(request) for request in sent] == requests
    assert not [mark for mark in trace.marks if mark.moment in {Moment.ERROR, Moment.STOPPED}]
    by_event: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_event.setdefault(record.get("event", record["type"]), []).append(record)
    assert by_event["$MPLaunch"][0]["properties"]["$scene"] == "wx-1047"
    assert [record["properties"]["$scene"] for record in by_event["$MPShow"]] == ["wx-1047", "wx-1089"]
    assert [record["properties"]["event_duration"] for record in by_event["$MPHide"]] == [5.5, 3.0]
    assert [record["properties"]["$url_path"] for record in by_event["$MPViewScreen"]] == [
        "pages/home/home", "pages/product/detail", "pages/cart/cart", "pages/cart/cart", "pages/product/detail",
    ]  # fmt: skip
    signed_up = by_event["$SignUp"][0]
    assert (signed_up["type"], signed_up["distinct_id"], signed_up["original_id"]) == (
        "track_signup", "member-0001", "oTEST_openid_0001",
    )  # fmt: skip


def test_sensors_knows_the_visitor_on_the_second_cold_start(tmp_path: Path) -> None:
    app, storage = sensors_app(tmp_path, "true"), Storage()
    first = travel(app, answer, storage)
    second = travel(app, answer, storage, Ms(first.entries[-1].at + 3_600_000))
    records = [record for exchange in second.exchanges for record in records_of(exchange)]
    assert not any("$first_visit_time" in record["properties"] for record in records)
    launch = next(record for record in records if record.get("event") == "$MPLaunch")
    assert launch["properties"]["$is_first_time"] is False
    assert launch["distinct_id"] == "member-0001"


SENTRY = """
const Sentry = require('PATH')
Sentry.init({ dsn: 'https://0123456789abcdef0123456789abcdef@sentry.example/42', debug: false })
module.exports = {
  launched() { Sentry.captureMessage('launched') },
  identified() { Sentry.captureMessage('identified') },
  track(event) { if (event === 'submit_order') throw new Error('the order failed') }
}
"""


@pytest.mark.parametrize("path", ["sentry-miniapp", "sentry-miniapp/esm/index"])
def test_sentry_sends_two_messages_and_the_uncaught_error(tmp_path: Path, path: str) -> None:
    """From node_modules, once as CommonJS and once as ES modules."""
    app = copy_of(tmp_path, {"utils/tracker.js": SENTRY.replace("PATH", path)})
    shutil.copytree(installed("sentry-miniapp", "0.11.0"), app / "node_modules")
    trace = travel(app, answer)
    assert [urlsplit(exchange.url).path for exchange in trace.exchanges] == ["/api/42/store/"] * 3
    events = [json.loads(exchange.body) for exchange in trace.exchanges]
    assert [event.get("message") for event in events[:2]] == ["launched", "identified"]
    assert "the order failed" in events[2]["exception"]["values"][0]["value"]
    (error,) = [mark for mark in trace.marks if mark.moment is Moment.ERROR]
    assert error.detail == "Error: the order failed"
    assert error.place is not None
    assert (error.place.file, error.place.line) == ("utils/tracker.js", 7)
