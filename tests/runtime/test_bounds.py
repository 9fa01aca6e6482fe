# ruff: noqa: E501  programs are written in JavaScript's own lines
"""Programs that would hang, eat the memory or flood: each is ended, says so, and the next visitor is not hindered."""

from __future__ import annotations

import time

import pytest

from simulator.errors import EngineError
from simulator.runtime.engine import Engine, Stopped
from simulator.runtime.phone import Bounds
from tests.runtime.conftest import MakePhone, after, said, stops, story

SHORT = Bounds(turn_seconds=0.4, memory=48_000_000)
ENDLESS = {
    "page": {"pages/a/a.js": "Page({ onLoad() { for (;;); } })"},
    "app": {"app.js": "App({ onLaunch() { while (true) {} } })"},
    "top of a file": {"app.js": "for (;;);"},
    "timer": {"app.js": "App({ onLaunch() { setTimeout(() => { for (;;); }, 100) } })"},
    "promise jobs": {"app.js": "App({ onLaunch() { (function f() { Promise.resolve().then(f) })() } })"},
    "async function": {"app.js": "App({ async onLaunch() { for (;;) await 1 } })"},
    "answer": {"app.js": "App({ onLaunch() { wx.request({ url: 'https://a.example/', success() { for (;;); } }) } })"},
    "getter that the runtime reads": {"app.js": "wx.request({ get url() { for (;;); } }); App({})"},
    "toJSON": {"app.js": "App({}); wx.setStorageSync('a', { toJSON() { for (;;); } })"},
    "toString": {
        "app.js": "App({}); console.log({ toString() { for (;;); }, [Symbol.toPrimitive]() { for (;;); } } + '')"
    },
    "proxy": {"app.js": "App(new Proxy({}, { ownKeys() { for (;;); } }))"},
    "regular expression": {"app.js": "App({}); /(a+)+b/.test('a'.repeat(60))"},
}


@pytest.mark.parametrize("where", ENDLESS)
def test_an_endless_loop_is_stopped_and_told(phone_with: MakePhone, where: str) -> None:
    phone = phone_with(ENDLESS[where], bounds=SHORT)
    begun = time.monotonic()
    phone.launch(after(0))
    phone.advance(after(5_000))
    assert time.monotonic() - begun < 30
    assert phone.stopped
    (why,) = stops(phone)
    assert why.startswith("endless loop: a callback did not return")
    assert not phone.running


def test_the_stop_says_on_which_page_and_in_which_hook(phone_with: MakePhone) -> None:
    phone = phone_with({"pages/a/a.js": "Page({ onShow() { for (;;); } })"}, bounds=SHORT)
    phone.launch(after(0))
    assert stops(phone) == ["endless loop: a callback did not return on pages/a/a (at page_show)"]
    assert story(phone) == ["app_launch", "app_show", "page_load pages/a/a", "page_show pages/a/a", "stopped pages/a/a"]


GROWING = {
    "page": {"pages/a/a.js": "Page({ onLoad() { const a = []; for (;;) a.push({ n: a.length }) } })"},
    "timer": {"app.js": "const a = []; App({ onLaunch() { setInterval(() => { for (let n = 0; n < 1e5; n++) a.push({ n }) }, 10) } })"},
    "promise jobs": {"app.js": "const a = []; App({ onLaunch() { (function f() { a.push(new Array(5000).fill(1.5)); Promise.resolve().then(f) })() } })"},
    "one great array": {"app.js": "App({}); new Array(4e8).fill(1.5)"},
    "text": {"app.js": "App({}); const a = []; for (;;) a.push(('x' + a.length).repeat(1e6).split(''))"},
}  # fmt: skip


@pytest.mark.parametrize("where", GROWING)
def test_growing_memory_is_stopped_and_told(phone_with: MakePhone, where: str) -> None:
    phone = phone_with(GROWING[where], bounds=Bounds(turn_seconds=20, memory=48_000_000))
    phone.launch(after(0))
    phone.advance(after(20_000))
    (why,) = stops(phone)
    assert why.startswith("memory: the heap grew beyond its bound")


def test_array_buffers_beyond_the_bound_fail_in_the_program(phone_with: MakePhone) -> None:
    loop = "try { for (;;) kept.push(new Uint8Array(2e7).fill(1)) } catch (e) { console.log(e.name); kept.length = 0 }"
    phone = phone_with(
        {"app.js": f"const kept = []; App({{ onLaunch() {{ {loop} }} }})"}, bounds=Bounds(turn_seconds=20)
    )
    phone.launch(after(0))
    assert said(phone) == ["RangeError"]


FLOODS = {
    "more than 5 requests": "for (let n = 0; n < 9; n++) wx.request({ url: 'https://a.example/' + n })",
    "more than 6 timers wait at once": "for (let n = 0; n < 9; n++) setTimeout(() => {}, 1000)",
    "more than 50 callbacks": "setInterval(() => {}, 1)",
}


@pytest.mark.parametrize("why", FLOODS)
def test_a_flood_is_stopped_and_told(phone_with: MakePhone, why: str) -> None:
    bounds = Bounds(requests=5, timers=6, turns=50)
    phone = phone_with({"app.js": f"App({{ onLaunch() {{ {FLOODS[why]} }} }})"}, bounds=bounds)
    phone.launch(after(0))
    phone.advance(after(2_000))
    (told,) = stops(phone)
    assert told.startswith(why)


def test_console_lines_beyond_the_bound_are_dropped_and_said_to_be(phone_with: MakePhone) -> None:
    phone = phone_with(
        {"app.js": "App({}); for (let n = 0; n < 9; n++) console.log(n)"}, bounds=Bounds(console_lines=3)
    )
    phone.launch(after(0))
    assert said(phone) == ["0", "1", "runtime: further lines are not shown"]


def test_long_texts_in_marks_are_cut(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "App({}); console.log('x'.repeat(1e6))"})
    phone.launch(after(0))
    assert [len(text) for text in said(phone)] == [4_001 - len("log ")]


def test_one_visitors_time_is_bounded_in_all(phone_with: MakePhone) -> None:
    busy = "App({ onLaunch() { setInterval(() => { const end = 3e7; for (let n = 0; n < end; n++); }, 1) } })"
    phone = phone_with({"app.js": busy}, bounds=Bounds(visitor_seconds=1.5))
    phone.launch(after(0))
    phone.advance(after(3_600_000))
    assert stops(phone)


def test_the_phone_lives_on_with_the_next_launch(phone_with: MakePhone) -> None:
    loop = "App({ onLaunch(o) { if (o.query.loop) for (;;); console.log('fine') } })"
    phone = phone_with({"app.js": loop}, bounds=SHORT)
    phone.launch(after(0), "pages/a/a?loop=1")
    phone.launch(after(1_000), "pages/a/a")
    assert said(phone) == ["fine"]
    assert phone.running
    assert phone.stopped


def test_a_loop_that_waits_for_the_clock_ends(phone_with: MakePhone) -> None:
    wait = "App({ onLaunch() { const t = Date.now(); while (Date.now() - t < 20); console.log(Date.now() - t) } })"
    phone = phone_with({"app.js": wait})
    phone.launch(after(0))
    assert said(phone) == ["20"]


def test_scripts_that_do_not_fit_into_the_memory_are_refused_and_the_engine_lives_on() -> None:
    with Engine() as engine:
        with pytest.raises(Stopped, match="memory"):
            engine.open(["const a = []; for (;;) a.push({ a })"], 48_000_000)
        assert engine.open(["1", "((", "throw new Error('own')"], 48_000_000)[0][0] == 1
        assert engine.run([], "'I[]'", "1", 1.0).state == "I"


def test_an_engine_that_fails_by_itself_says_what_it_said() -> None:
    with Engine() as engine, pytest.raises(EngineError, match="AssertionError"):
        engine.run(["1"], "1", "1", 1.0)  # nothing was opened
