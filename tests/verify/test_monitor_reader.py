"""The reader of the embedded collector's totals: what it makes of good, bad and hostile replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from simulator.contract import BY
from simulator.times import Ms, parse_instant
from simulator.verify.readers import fetch
from simulator.verify.readers.monitor import read_monitor
from simulator.verify.readers.reading import Reading

BEGIN, END = parse_instant("2026-03-01T00:00:00+08:00"), parse_instant("2026-03-02T00:00:00+08:00")
ROW = {"pv": 3, "uv": 2, "opens": 1, "new_users": 0}


def read(
    answer: Callable[[httpx.Request], httpx.Response], *, token: str = "", kinds: tuple[str, ...] = ("all",)
) -> Reading:
    return read_monitor(
        "http://collector.test",
        BEGIN,
        END,
        access_token=token,
        seconds=0.5,
        kinds=kinds,
        transport=httpx.MockTransport(answer),
    )


def replying(**more: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(**{"status_code": 200, **more})  # type: ignore[arg-type]


def test_every_kind_of_cell_is_asked_for_with_the_period() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json={"by": request.url.params["by"], "cells": {"x": ROW}})

    reading = read(answer, token="secret", kinds=BY)

    assert [one["by"] for one in asked] == list(BY)
    assert asked[0] == {
        "begin": "2026-02-28T16:00:00.000Z",
        "end": "2026-03-01T16:00:00.000Z",
        "access_token": "secret",
        "by": "all",
    }
    assert reading.cells == {by: {"x": ROW} for by in BY}
    assert reading.error == ""
    assert 0 < reading.invoked_ns <= reading.completed_ns


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status_code": 503}, "status 503 where 200 was expected"),
        ({"status_code": 302, "headers": {"location": "http://elsewhere.test/"}}, "status 302 where 200 was expected"),
        ({"text": "<html>"}, "not JSON: '<html>'"),
        ({"text": "[" * 100_000}, "not JSON: " + repr("[" * 60)),
        ({"json": []}, "no object \"cells\" in it: '[]'"),
        ({"json": {"by": "all", "cells": None}}, "no object \"cells\" in it: "),
        ({"json": {"by": "hour", "cells": {}}}, "it is by 'hour'"),
        ({"content": b"\xff\xfe"}, "not JSON"),
        ({"text": "{", "headers": {"content-encoding": "gzip"}}, "a compressed reply that nobody asked for"),
    ],
    ids=[
        "error status", "redirect", "not JSON", "nested beyond reason", "a list", "no cells", "another kind of cell",
        "no UTF-8", "compressed",
    ],
)  # fmt: skip
def test_an_unusable_reply_is_unread(reply: dict[str, object], error: str) -> None:
    reading = read(replying(**reply))

    assert reading.cells == {}
    assert error in reading.error


@pytest.mark.parametrize(
    "value", [None, -1, 1.0, "1", True, [], 2**63], ids=["null", "negative", "float", "text", "bool", "list", "huge"]
)
def test_a_value_that_is_no_whole_number_is_none_and_never_0(value: object) -> None:
    body = {"by": "all", "cells": {"": {**ROW, "uv": value}}}
    reading = read(replying(text=json.dumps(body)))

    assert reading.cells["all"][""] == {**ROW, "uv": None}
    assert "uv of the cell ''" in reading.error


def test_a_metric_that_is_missing_is_none() -> None:
    reading = read(replying(json={"cells": {"": {"pv": 1}}}))

    assert reading.cells["all"][""] == {"pv": 1, "uv": None, "opens": None, "new_users": None}
    assert reading.error


def test_pages_have_no_opens_and_that_is_no_error() -> None:
    reading = read(
        replying(json={"by": "page", "cells": {"p": {**ROW, "opens": None, "new_users": None}}}), kinds=("page",)
    )

    assert reading.error == ""


def test_a_reply_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 100_000)

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 10_000

    reading = read(lambda _: httpx.Response(200, content=endless()))

    assert "a reply of more than" in reading.error


def test_no_connection_and_no_reply_are_told_without_the_token() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url}")

    reading = read(refuse, token="secret")

    assert "no connection" in reading.error
    assert "secret" not in reading.error


def test_one_kind_that_fails_leaves_the_others() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        by = request.url.params["by"]
        return httpx.Response(500) if by == "hour" else httpx.Response(200, json={"by": by, "cells": {"": ROW}})

    reading = read(answer, kinds=("all", "hour"))

    assert (set(reading.cells), set(reading.errors)) == ({"all"}, {"hour"})


def test_readings_are_compared_by_what_they_say() -> None:
    one = Reading({"all": {"": ROW}}, {}, 1, 2)

    assert one.says_the_same(Reading({"all": {"": dict(ROW)}}, {}, 3, 4))
    assert not one.says_the_same(Reading({"all": {"": {**ROW, "pv": 4}}}, {}, 3, 4))


def test_the_period_is_in_milliseconds() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["begin"])
        return httpx.Response(200, json={"cells": {}})

    read_monitor("http://c.test", Ms(BEGIN + 1), END, kinds=("all",), transport=httpx.MockTransport(answer))

    assert asked == ["2026-02-28T16:00:00.001Z"]
