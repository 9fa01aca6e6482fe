# ruff: noqa: E501  programs are written in JavaScript's own lines
"""Programs that patch what the runtime might use: they may break themselves, and nothing of what is recorded."""

from __future__ import annotations

import pytest

from tests.runtime.conftest import MakePhone, after, errors, said, stops, story

HONEST = ["app_launch", "app_show", "page_load pages/a/a", "page_show pages/a/a", "tap pages/a/a", "page_hide pages/a/a",
          "app_hide pages/a/a"]  # fmt: skip
PATCHES = {
    "prototypes": """
        for (const type of [Object, Array, String, Map, WeakMap, Promise, RegExp, Number]) {
          for (const name of Object.getOwnPropertyNames(type.prototype)) {
            if (name === 'constructor' || name === 'length') continue
            try { Object.defineProperty(type.prototype, name, { value() { throw new Error('patched') } }) } catch {}
          }
        }
    """,
    "setters on indices": """
        for (let n = 0; n < 50; n++) {
          Object.defineProperty(Array.prototype, n, { set() { throw new Error('seen') }, get() { return 'forged' } })
          Object.defineProperty(Object.prototype, n, { set() { throw new Error('seen') }, get() { return 'forged' } })
        }
    """,
    "names on Object.prototype": """
        for (const name of ['k', 'm', 'at', 'page', 'detail', 'value', 'get', 'set', 'writable', 'due', 'run', 'size', 'body',
                            'json', 'broken', 'success', 'stack', 'type', 'toJSON', 'then', 'done', 'entry']) {
          Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get() { return 'forged' }, set() { throw 1 } })
        }
    """,
    "JSON": "JSON.stringify = JSON.parse = () => { throw 1 }; Object.prototype.toJSON = () => 'forged'",
    "globals": """
        wx = null; App = null; Page = (o) => old(o); Date = null; Promise = null; console = null; setTimeout = null
        Reflect = Object = Array = String = Map = Error = Math = Symbol = null; getApp = null
    """.replace("Page = (o) => old(o); ", ""),
    "Error": """
        Error.prepareStackTrace = () => { throw 1 }
        Error.stackTraceLimit = 0
        Object.defineProperty(Error, 'captureStackTrace', { value() { throw 1 } })
    """,
    "frozen": "for (const type of [Object, Array, String, Map, Promise, Error, Function, Date]) { Object.freeze(type.prototype); Object.freeze(type) }",
    "calls": "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = null; Reflect.apply = null",
    "iterators": "Array.prototype[Symbol.iterator] = Map.prototype[Symbol.iterator] = function* () { yield 'forged' }",
}  # fmt: skip


@pytest.mark.parametrize("what", PATCHES)
def test_patched_builtins_change_nothing_of_what_is_recorded(phone_with: MakePhone, what: str) -> None:
    send = "const send = wx.request; App({ onShow() { send({ url: 'https://a.example/x', data: 'a=1', method: 'POST' }) } });"
    phone = phone_with({"app.js": send + PATCHES[what], "pages/a/a.js": "globalThis.Page && Page({ go() {} })"})
    phone.launch(after(0), "pages/a/a?q=1", 1047)
    phone.tap(after(100), "go")
    phone.hide(after(200))
    assert story(phone) == HONEST, (errors(phone), stops(phone))
    (launch,) = [mark for mark in phone.trace().marks if mark.moment == "app_launch"]
    assert isinstance(launch.data, dict)
    assert (launch.data["query"], launch.data["scene"]) == ({"q": "1"}, 1047)
    (sent,) = phone.trace().exchanges
    assert (sent.method, sent.url, sent.body) == ("POST", "https://a.example/x", b"a=1")
    assert sent.reply is not None


def test_no_way_leads_out(phone_with: MakePhone) -> None:
    probe = """
      const found = []
      for (const name of ['process', 'require.main', 'window', 'document', 'self', 'navigator', 'location', 'XMLHttpRequest',
        'WebSocket', 'fetch', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'Buffer', 'importScripts', 'Worker', 'Temporal']) {
        if (name.split('.').reduce((o, k) => o && o[k], name.includes('.') ? { require } : globalThis)) found.push(name)
      }
      console.log(JSON.stringify(found), typeof __timer_manager)
      App({})
    """
    phone = phone_with({"app.js": probe})
    phone.launch(after(0))
    assert said(phone) == ["[] undefined"]


def test_code_is_never_made_from_text(phone_with: MakePhone) -> None:
    tries = """
      for (const make of [() => eval('1'), () => (0, eval)('1'), () => new Function('return 1')(), () => Function('a', 'return a')(1),
        () => (function () {}).constructor('return 1')(), () => (async () => {}).constructor('return 1')(),
        () => (function* () {}).constructor('return 1')()]) {
        try { console.log('made', make()) } catch (e) { console.log(e.name) }
      }
      console.log(Function('return this')() === globalThis, (() => {}) instanceof Function)
      App({})
    """
    phone = phone_with({"app.js": tries})
    phone.launch(after(0))
    assert said(phone) == ["EvalError"] * 7 + ["true true"]


def test_the_way_into_the_isolate_is_not_to_be_found(phone_with: MakePhone) -> None:
    search = """
      const names = []
      Error.prepareStackTrace = (error, frames) => frames.map((f) => [typeof f.getFunction(), typeof f.getThis(), String(f.getFunctionName())])
      const frames = new Error().stack
      Error.prepareStackTrace = undefined
      console.log(Object.getOwnPropertyNames(globalThis).filter((n) => n.startsWith('mpsim')).length)
      console.log(frames.filter((f) => f[0] === 'function').length, frames.some((f) => f[2].startsWith('mpsim')))
      console.log(new Error().stack.includes('mpsim_'), String(require).includes('native') || String(wx.request).length < 200)
      App({})
    """
    phone = phone_with({"app.js": search})
    phone.launch(after(0))
    assert said(phone)[0] == "0"
    assert said(phone)[1].endswith("false")
    assert said(phone)[2] == "false true"


def test_a_file_cannot_close_the_function_around_it(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "App({ onLaunch() { require('./b') } })", "b.js": "1 }); App = null; (function () {"})
    phone.launch(after(0))
    assert [error.split(":")[0] for error in errors(phone)] == ["SyntaxError"]


def test_names_that_mean_something_to_javascript_are_only_names(phone_with: MakePhone) -> None:
    code = """
      App({ onLaunch(o) {
        console.log(JSON.stringify(o.query), Object.keys(o.query).join(), ({}).polluted)
        wx.setStorageSync('__proto__', { polluted: 1 }); wx.setStorageSync('constructor', 2)
        console.log(wx.getStorageSync('__proto__').polluted, wx.getStorageSync('constructor'), wx.getStorageSync('toString') === '')
      } })
    """
    phone = phone_with({"app.js": code})
    for at in (0, 1_000):
        phone.launch(after(at), "pages/a/a?__proto__=1&constructor=2&toString=3")
        phone.tap(after(at + 1), "constructor")
    first = '{"__proto__":"1","constructor":"2","toString":"3"} __proto__,constructor,toString undefined'
    assert said(phone) == [first, "1 2 true"] * 2
