# ruff: noqa: E501  programs are written in JavaScript's own lines
"""wx.request: what goes out, how many at once, and what becomes of it."""

from __future__ import annotations

import pytest

from simulator.runtime.answering import Answerer, Failure
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms
from tests.runtime.conftest import MakePhone, after, said

URL = "https://a.example/p"


def sent(phone_with: MakePhone, options: str) -> Exchange:
    phone = phone_with({"app.js": f"App({{}}); wx.request({{ url: '{URL}', {options} }})"})
    phone.launch(after(0))
    (exchange,) = phone.trace().exchanges
    return exchange


@pytest.mark.parametrize(
    ("options", "url", "body", "kind"),
    [
        ("", URL, b"", "application/json"),
        ("data: { a: '中 &', n: 1, o: { k: [1] }, u: null }", f"{URL}?a=%E4%B8%AD%20%26&n=1&o=%7B%22k%22%3A%5B1%5D%7D&u=null", b"", "application/json"),
        ("method: 'post', data: { a: '中', u: undefined }", URL, '{"a":"中"}'.encode(), "application/json"),
        ("method: 'POST', header: { 'Content-Type': 'application/x-www-form-urlencoded' }, data: { a: '中', b: 2 }", URL, b"a=%E4%B8%AD&b=2", "application/x-www-form-urlencoded"),
        ("method: 'POST', data: 'raw=%1'", URL, b"raw=%1", "application/json"),
        ("method: 'POST', data: new Uint8Array([0, 255, 7]).buffer", URL, b"\x00\xff\x07", "application/json"),
        ("method: 'POST', data: new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", URL, b"\x02\x03", "application/json"),
        ("method: 'POST', data: '\\ud83d\\ude00 \\ud83d'", URL, "😀 \ufffd".encode(), "application/json"),
    ],
)  # fmt: skip
def test_data_becomes_query_or_body_by_method_and_type(
    phone_with: MakePhone, options: str, url: str, body: bytes, kind: str
) -> None:
    exchange = sent(phone_with, options)
    assert (exchange.url, exchange.body) == (url, body)
    assert {name.lower(): value for name, value in exchange.headers}["content-type"] == kind


def test_a_query_is_added_to_the_one_of_the_address(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "App({}); wx.request({ url: 'https://a.example/p?x=1#f', data: { y: 2 } })"})
    phone.launch(after(0))
    assert phone.trace().exchanges[0].url == "https://a.example/p?x=1&y=2"


def test_headers_are_the_programs_but_for_those_that_wechat_sets(phone_with: MakePhone) -> None:
    exchange = sent(phone_with, "header: { Referer: 'x', 'user-agent': 'y', 'X-A': 5, b: undefined }")
    assert [(name, value) for name, value in exchange.headers if not name.startswith(("User", "Accept"))] == [
        ("content-type", "application/json"),
        ("X-A", "5"),
        ("Referer", "https://servicewechat.com//1/page-frame.html"),
    ]
    assert [name for name, _ in exchange.headers[-2:]] == ["User-Agent", "Accept-Encoding"]


TELL = "success: (r) => console.log('success', r.statusCode, typeof r.data, JSON.stringify(r.data), r.errMsg), fail: (r) => console.log('fail', r.errMsg, r.errno), complete: () => console.log('complete')"


@pytest.mark.parametrize(
    ("status", "body", "options", "words"),
    [
        (200, b'{"a":1}', "", 'success 200 object {"a":1} request:ok'),
        (500, b"oops", "", 'success 500 string "oops" request:ok'),
        (204, b"", "", 'success 204 string "" request:ok'),
        (200, b'{"a":1}', "dataType: 'text',", 'success 200 string "{\\"a\\":1}" request:ok'),
    ],
)
def test_every_status_is_a_success(phone_with: MakePhone, status: int, body: bytes, options: str, words: str) -> None:
    phone = phone_with(
        {"app.js": f"App({{}}); wx.request({{ url: '{URL}', {options} {TELL} }})"},
        lambda x: Reply(Ms(x.at + 10), status, (), body),
    )
    phone.launch(after(0))
    assert said(phone) == []
    phone.advance(after(10))
    assert said(phone) == [words, "complete"]
    assert phone.trace().exchanges[0].reply == Reply(after(10), status, (), body)


def test_an_array_buffer_comes_back_as_bytes(phone_with: MakePhone) -> None:
    tell = "responseType: 'arraybuffer', success: (r) => console.log(Array.from(new Uint8Array(r.data)).join(), wx.arrayBufferToBase64(r.data), r.header['X-B'], r.cookies.join())"
    headers = (("X-B", "2"), ("Set-Cookie", "c=1"))
    phone = phone_with(
        {"app.js": f"App({{}}); wx.request({{ url: '{URL}', {tell} }})"},
        lambda x: Reply(x.at, 200, headers, b"\x00\xff\x80"),
    )
    phone.launch(after(0))
    assert said(phone) == ["0,255,128 AP+A 2 c=1"]


def test_a_failure_is_told_in_its_words(phone_with: MakePhone) -> None:
    phone = phone_with(
        {"app.js": f"App({{}}); wx.request({{ url: '{URL}', {TELL} }})"},
        lambda x: Failure(Ms(x.at + 5), "request:fail connect refused", 600001),
    )
    phone.launch(after(0))
    phone.advance(after(5))
    assert said(phone) == ["fail request:fail connect refused 600001", "complete"]
    (exchange,) = phone.trace().exchanges
    assert (exchange.failed, exchange.reply) == ("request:fail connect refused", None)


@pytest.mark.parametrize(("options", "at"), [("", 60_000), ("timeout: 3000,", 3_000), ("timeout: 90000,", 60_000)])
def test_a_silent_collector_times_out(phone_with: MakePhone, options: str, at: int) -> None:
    phone = phone_with(
        {"app.js": f"App({{}}); wx.request({{ url: '{URL}', {options} {TELL} }})"},
        lambda x: Reply(Ms(x.at + 100_000), 200),
    )
    phone.launch(after(0))
    phone.advance(after(at - 1))
    assert said(phone) == []
    phone.advance(after(at))
    assert said(phone) == ["fail request:fail timeout 5", "complete"]


def test_ten_leave_at_once_and_the_next_when_one_has_ended(phone_with: MakePhone) -> None:
    asked: list[tuple[int, int]] = []

    def answer(exchange: Exchange) -> Reply:
        asked.append((exchange.number, phone.now - after(0)))
        return Reply(Ms(phone.now + 100 + exchange.number), 200)

    phone = phone_with({"app.js": f"App({{}}); for (let n = 0; n < 12; n++) wx.request({{ url: '{URL}' }})"}, answer)
    phone.launch(after(0))
    assert [number for number, _ in asked] == list(range(10))
    phone.advance(after(1_000))
    assert asked[10:] == [(10, 100), (11, 101)]
    assert all(exchange.at == after(0) for exchange in phone.trace().exchanges)


def test_an_aborted_request_fails(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": f"App({{}}); wx.request({{ url: '{URL}', {TELL} }}).abort()"})
    phone.launch(after(0))
    phone.advance(after(1_000))
    assert said(phone) == ["fail request:fail abort 600002", "complete"]


@pytest.mark.parametrize("url", ["''", "undefined", "'ftp://a/'", "'/relative'", "5"])
def test_an_address_that_is_none_fails_and_nothing_leaves(phone_with: MakePhone, url: str) -> None:
    phone = phone_with({"app.js": f"App({{}}); wx.request({{ url: {url}, {TELL} }})"})
    phone.launch(after(0))
    assert said(phone) == ["fail request:fail invalid url 600009", "complete"]
    assert phone.trace().exchanges == ()


def slow(milliseconds: int) -> Answerer:
    return lambda exchange: Reply(Ms(exchange.at + milliseconds), 200)


@pytest.mark.parametrize(
    ("latency", "words"),
    [(4_999, "success"), (5_000, "fail request:fail interrupted"), (9_000, "fail request:fail interrupted")],
)
def test_what_is_not_answered_5_s_after_the_hide_is_interrupted_and_told_on_return(
    phone_with: MakePhone, latency: int, words: str
) -> None:
    app = f"App({{ onHide() {{ wx.request({{ url: '{URL}', {TELL} }}) }} }})"
    phone = phone_with({"app.js": app}, slow(latency))
    phone.launch(after(0))
    phone.hide(after(1_000))
    phone.advance(after(20_000))
    (exchange,) = phone.trace().exchanges
    assert exchange.after_hide == 0
    assert exchange.failed == ("" if words == "success" else "request:fail interrupted")
    assert len(said(phone)) == (2 if words == "success" else 0)
    phone.show(after(60_000))
    assert said(phone)[0].startswith(words)


def test_timers_stand_still_from_5_s_after_the_hide_and_fire_once_on_return(phone_with: MakePhone) -> None:
    app = "App({ onHide() { for (const t of [4999, 5000, 7000]) setTimeout(() => console.log(t, Date.now() - start), t); setInterval(() => n++, 1000) }, onShow() { console.log('show', n) } }); const start = Date.now(); let n = 0"
    phone = phone_with({"app.js": "let n = 0; const start = Date.now();" + app.partition("; const start")[0]})
    phone.launch(after(0))
    phone.hide(after(0))
    phone.advance(after(60_000))
    assert said(phone) == ["show 0", "4999 4999"]
    phone.show(after(100_000))
    assert said(phone) == ["show 0", "4999 4999", "show 4", "5000 100000", "7000 100000"]


def test_without_a_network_every_request_fails_and_nothing_leaves(phone_with: MakePhone) -> None:
    asked: list[Exchange] = []

    def answer(exchange: Exchange) -> Reply:
        asked.append(exchange)
        return Reply(exchange.at, 200)

    app = f"App({{}}); wx.onNetworkStatusChange((s) => {{ console.log(s.networkType, s.isConnected); wx.request({{ url: '{URL}', {TELL} }}) }})"
    phone = phone_with({"app.js": app}, answer)
    phone.launch(after(0))
    phone.network(after(10), "none")
    phone.network(after(20), "4g")
    assert said(phone) == [
        "none false",
        "fail request:fail  600000",
        "complete",
        "4g true",
        'success 200 string "" request:ok',
        "complete",
    ]
    assert len(asked) == 1
    assert len(phone.trace().exchanges) == 2


def test_a_request_knows_its_page_and_line(phone_with: MakePhone) -> None:
    phone = phone_with({"pages/a/a.js": f"Page({{\n  onShow() {{\n    wx.request({{ url: '{URL}' }})\n  }} }})"})
    phone.launch(after(0))
    (exchange,) = phone.trace().exchanges
    assert exchange.page == "pages/a/a"
    assert exchange.place is not None
    assert (exchange.place.file, exchange.place.line, exchange.place.column) == ("pages/a/a.js", 3, 8)
