"""The reader of the other interfaces: what it makes of good, missing and hostile replies."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from simulator.verify.readers.interfaces import COUNTS_PATH, TREND_PATH, Counts, Others, read_others

CELL = {"pv": 3, "uv": 2, "opens": 1, "new_users": 0}
TREND = {"ref_date": "20260301", "session_cnt": 1, "visit_pv": 4, "visit_uv": 2, "visit_uv_new": 0}
COUNTS = {"total": 9, "good": 7, "bad": 2}


def read(changed: Callable[[httpx.Request], httpx.Response | None] = lambda _: None) -> Others:
    def answer(request: httpx.Request) -> httpx.Response:
        good = {
            "/monitor/totals": {"by": "all", "cells": {"": CELL}},
            TREND_PATH: {"list": [TREND]},
            COUNTS_PATH: COUNTS,
        }
        return changed(request) or httpx.Response(200, json=good[request.url.path])

    days = ["2026-03-01"]
    return read_others("http://collector.test", days, "Asia/Shanghai", transport=httpx.MockTransport(answer))


def test_a_day_is_asked_for_by_its_bounds_and_by_its_name() -> None:
    asked: list[tuple[str, str, dict[str, str], object]] = []

    def watch(request: httpx.Request) -> None:
        body = json.loads(request.content) if request.content else None
        asked.append((request.method, request.url.path, dict(request.url.params), body))

    others = read(watch)

    assert asked == [
        (
            "GET",
            "/monitor/totals",
            {"by": "all", "begin": "2026-02-28T16:00:00.000Z", "end": "2026-03-01T16:00:00.000Z"},
            None,
        ),
        ("POST", TREND_PATH, {}, {"begin_date": "20260301", "end_date": "20260301"}),
        ("GET", COUNTS_PATH, {}, None),
    ]
    assert others == Others({"2026-03-01": (CELL, CELL | {"pv": 4})}, Counts(9, 7, 2))


@pytest.mark.parametrize(
    ("path", "reply", "missing"),
    [
        (TREND_PATH, httpx.Response(404), "status 404 where 200 was expected"),
        (TREND_PATH, httpx.Response(200, content=b"<html>"), "not JSON: '<html>'"),
        (TREND_PATH, httpx.Response(200, json={"errcode": 61500}), "no list of one day: "),
        (TREND_PATH, httpx.Response(200, json={"list": [TREND | {"visit_pv": "4"}]}), "are expected to be whole"),
        (TREND_PATH, httpx.Response(200, json={"list": [TREND, TREND]}), "no list of one day: "),
        (COUNTS_PATH, httpx.Response(200, json=[1]), "total, good, bad are expected to be whole numbers from 0 on"),
        (COUNTS_PATH, httpx.Response(200, json=COUNTS | {"bad": -1}), "whole numbers from 0 on"),
        (COUNTS_PATH, httpx.Response(302, headers={"location": "/"}), "status 302"),
    ],
)
def test_what_cannot_be_used_is_missing_with_its_reason(path: str, reply: httpx.Response, missing: str) -> None:
    others = read(lambda request: reply if request.url.path == path else None)

    assert len(others.missing) == 1
    assert missing in others.missing[0]
    assert others.missing[0].startswith(path)
    assert (others.counts is None, not others.days) == (path == COUNTS_PATH, path == TREND_PATH)
