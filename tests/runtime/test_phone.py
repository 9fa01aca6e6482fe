# ruff: noqa: E501  programs are written in JavaScript's own lines
"""The clock, storage, system information and the smaller calls of wx; the device under them."""

from __future__ import annotations

import pytest

from simulator.runtime.phone import PLAIN_DEVICE, Storage
from simulator.times import MINUTE
from tests.runtime.conftest import NOON, MakePhone, after, errors, said


def lines(phone_with: MakePhone, body: str, milliseconds: int = 0) -> list[str]:
    phone = phone_with({"app.js": f"App({{ onLaunch() {{ {body} }} }})"})
    phone.launch(after(0))
    phone.advance(after(milliseconds))
    assert not errors(phone)
    return said(phone)


def test_every_clock_of_the_program_is_the_virtual_one(phone_with: MakePhone) -> None:
    body = """
      console.log(Date.now(), +new Date(), new Date().getTime(), Date().slice(0, 24), wx.getPerformance().now())
      console.log(new Date().constructor === Date, new Date() instanceof Date, Date.name, Date.length, new Date(0).getTime(), Date.UTC(1970, 0, 2), Date.parse('1970-01-01T00:00:01Z'))
      console.log(new Date().getHours(), new Date().getTimezoneOffset(), new Date(2026, 2, 1, 12).getTime() === Date.now())
      class Own extends Date { hour() { return this.getHours() } }; console.log(new Own().hour(), new Own() instanceof Own)
      setTimeout(() => console.log(Date.now(), new Date().getSeconds(), wx.getPerformance().now()), 7000)
    """
    assert lines(phone_with, body, 10_000) == [
        f"{NOON} {NOON} {NOON} Sun Mar 01 2026 12:00:00 0",
        "true true Date 7 0 86400000 1000",
        "12 -480 true",
        "12 true",
        f"{NOON + 7_000} 7 7000",
    ]


def test_timers_fire_in_the_order_of_their_times_and_promises_between(phone_with: MakePhone) -> None:
    body = """
      const t0 = Date.now(); const at = (n) => console.log(n, Date.now() - t0)
      setTimeout(() => { at('b'); Promise.resolve().then(() => at('b2')) }, 20); setTimeout((x, y) => at('a' + x + y), 10, 1, 2)
      setTimeout(at, 20, 'c'); wx.nextTick(() => at('tick')); Promise.resolve().then(() => at('micro')); at('now')
      const stop = setInterval(() => { at('i'); if (Date.now() - t0 >= 30) clearInterval(stop) }, 15)
      clearTimeout(setTimeout(() => at('never'), 5)); clearTimeout(undefined); clearTimeout(999)
    """
    assert lines(phone_with, body, 1_000) == [
        "now 0", "micro 0", "tick 0", "a12 10", "i 15", "b 20", "b2 20", "c 20", "i 30",
    ]  # fmt: skip


def test_an_error_in_a_timer_is_told_and_the_next_fires(phone_with: MakePhone) -> None:
    phone = phone_with(
        {
            "app.js": "App({ onLaunch() { setTimeout(() => { throw new Error('t') }, 1); setTimeout(() => console.log('next'), 2) } })"
        }
    )
    phone.launch(after(0))
    phone.advance(after(5))
    assert errors(phone) == ["Error: t"]
    assert said(phone) == ["next"]


def test_random_numbers_are_the_same_for_the_same_visitor_and_differ_between_lives(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({ onLaunch() { const n = Math.random(); console.log(n >= 0 && n < 1, n, Math.random() !== n) } })"
    }
    told = []
    for _ in range(2):
        phone = phone_with(files)
        phone.launch(after(0))
        phone.launch(after(1))
        told.append(said(phone))
    assert told[0] == told[1]
    assert told[0][0].startswith("true")
    assert told[0][0].endswith("true")
    assert told[0][0] != told[0][1]


def test_storage_keeps_copies_of_every_kind_of_value(phone_with: MakePhone) -> None:
    body = """
      const o = { a: [1, { b: '中' }] }; wx.setStorageSync('o', o); o.a.push(2)
      const read = wx.getStorageSync('o'); read.a = 0
      console.log(JSON.stringify(wx.getStorageSync('o')), wx.getStorageSync('none') === '', wx.getStorageSync('o') === read)
      for (const v of [0, false, null, '', 'x', 1.5]) { wx.setStorageSync('v', v); console.log(wx.getStorageSync('v') === v) }
      wx.setStorageSync('d', new Date(5)); console.log(wx.getStorageSync('d').getTime(), wx.getStorageInfoSync().keys.join())
      wx.removeStorageSync('v'); console.log(wx.getStorageInfoSync().keys.join(), wx.getStorageInfoSync().limitSize)
      wx.clearStorageSync(); console.log(wx.getStorageInfoSync().keys.length)
    """
    assert lines(phone_with, body) == [
        '{"a":[1,{"b":"中"}]} true false', *["true"] * 6, "5 o,v,d", "o,d 10240", "0",
    ]  # fmt: skip


def test_storage_called_back_or_by_promise(phone_with: MakePhone) -> None:
    body = """
      wx.getStorage({ key: 'k', success() { console.log('no') }, fail: (e) => console.log(e.errMsg), complete: (e) => console.log('done') })
      wx.setStorage({ key: 'k', data: { a: 1 } }).then((r) => { console.log(r.errMsg); return wx.getStorage({ key: 'k' }) })
        .then((r) => { console.log(JSON.stringify(r.data)); return wx.removeStorage({ key: 'k' }) })
        .then(() => wx.getStorage({ key: 'k' })).catch((e) => console.log('caught', e.errMsg))
      console.log('first')
    """
    assert lines(phone_with, body) == [
        "first", "getStorage:fail data not found", "done", "setStorage:ok", '{"a":1}', "caught getStorage:fail data not found",
    ]  # fmt: skip


def test_storage_has_wechats_limits(phone_with: MakePhone) -> None:
    body = """
      const tell = (run) => { try { run(); console.log('kept') } catch (e) { console.log(e.message) } }
      tell(() => wx.setStorageSync('k', 'x'.repeat(1048576 - 4)))
      tell(() => wx.setStorageSync('k', 'x'.repeat(1048576)))
      tell(() => { for (let n = 0; n < 10; n++) wx.setStorageSync('k' + n, 'x'.repeat(1048000)) })
      tell(() => wx.setStorageSync(5, 1))
      console.log(wx.getStorageInfoSync().currentSize > 9000, wx.getStorageSync('k9') === '')
    """
    assert lines(phone_with, body) == [
        "kept",
        "setStorageSync:fail entry size limit reached",
        "setStorageSync:fail exceed storage max size 10Mb",
        "setStorageSync:fail parameter error: parameter.key should be String instead of number;",
        "true true",
    ]


def test_storage_survives_cold_starts_and_belongs_to_the_phone(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({ onLaunch() { const n = (wx.getStorageSync('n') || 0) + 1; wx.setStorageSync('n', n); console.log(n) } })"
    }
    storage = Storage()
    first = phone_with(files, storage=storage)
    first.launch(after(0))
    first.leave(after(10))
    first.launch(after(MINUTE))
    second = phone_with(files, storage=storage)
    second.launch(after(0))
    third = phone_with(files)
    third.launch(after(0))
    assert (said(first), said(second), said(third)) == (["1", "2"], ["3"], ["1"])


def test_the_device_is_told_in_all_the_ways(phone_with: MakePhone) -> None:
    body = """
      const i = wx.getSystemInfoSync(), w = wx.getWindowInfo(), d = wx.getDeviceInfo(), b = wx.getAppBaseInfo()
      console.log(i.model, i.system, i.platform, i.windowWidth, i.windowHeight, i.SDKVersion === b.SDKVersion, i.language)
      console.log(w.windowWidth === i.windowWidth, d.model === i.model, b.version === i.version, i.errMsg)
      wx.getSystemInfo({ success: (r) => console.log(r.model, r.errMsg) })
      wx.getNetworkType({ success: (r) => console.log(r.networkType, r.errMsg) })
      console.log(JSON.stringify(wx.getAccountInfoSync().miniProgram), __wxConfig.envVersion)
      i.model = 'changed'; console.log(wx.getSystemInfoSync().model)
    """
    assert lines(phone_with, body) == [
        "iPhone 13<iPhone14,5> iOS 17.4.1 ios 390 753 true zh_CN",
        "true true true undefined",
        '{"appId":"","envVersion":"release","version":"1.0.0"} release',
        "iPhone 13<iPhone14,5>",
        "iPhone 13<iPhone14,5> getSystemInfo:ok",
        "wifi getNetworkType:ok",
    ]
    assert PLAIN_DEVICE.network == "wifi"


def test_login_gives_a_code_that_is_new_each_time(phone_with: MakePhone) -> None:
    body = "wx.login({ success: (a) => wx.login().then((b) => console.log(/^0\\w{31}$/.test(a.code), a.code !== b.code, a.errMsg)) })"
    phone = phone_with({"app.js": f"App({{ onLaunch() {{ {body} }} }})"})
    phone.launch(after(0))
    assert said(phone) == ["true true login:ok"]
    assert [mark.detail for mark in phone.trace().marks if mark.moment == "api"] == ["login", "login"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("wx.getUserProfile({ desc: 'x', fail: (e) => console.log(e.errMsg) })", "getUserProfile:fail auth deny"),
        ("wx.getSetting({ success: (r) => console.log(JSON.stringify(r.authSetting)) })", "{}"),
        ("wx.showModal({ title: 'x', success: (r) => console.log(r.confirm) })", "true"),
        ("const c = Object.assign({}, wx); console.log(typeof c.request, typeof c.getStorageSync)", "function function"),
        ("Object.defineProperty(wx, 'request', { get: () => () => 'mine' }); console.log(wx.request())", "mine"),
        ("wx.uma = { a: 1 }; console.log(wx.uma.a)", "1"),
        ("console.log(wx.arrayBufferToBase64(new Uint8Array([1, 2, 250]).buffer), new Uint8Array(wx.base64ToArrayBuffer('AQL6')).join())", "AQL6 1,2,250"),
        ("wx.createSelectorQuery().select('#a').boundingClientRect((r) => console.log(r)).exec()", "null"),
        ("wx.getUpdateManager().onUpdateReady(() => {}); wx.getLogManager().info('x'); console.log('fine')", "fine"),
        ("wx.getFileSystemManager().readFile({ filePath: 'x', fail: (e) => console.log(e.errMsg) })", "readFile:fail no such file or directory"),
        ("const f = () => console.log('no'); wx.onAppShow(f); wx.offAppShow(f); console.log('off')", "off"),
        ("console.log(typeof window, typeof document, typeof globalThis, typeof global, typeof require, typeof module)", "undefined undefined object object function object"),
        ("console.log({ a: [1, undefined], f() {} }, null, undefined, true, Symbol('s').toString(), 5n)", '{"a":[1,null]} null undefined true Symbol(s) 5'),
        ("console.log(new TypeError('bad'))", "TypeError: bad"),
    ],
)  # fmt: skip
def test_the_smaller_calls(phone_with: MakePhone, code: str, told: str) -> None:
    assert lines(phone_with, code) == [told]
