# ruff: noqa: E501  programs are written in JavaScript's own lines
"""What is called, and in which order: launch, show, hide, pages, tabs, components, taps."""

from __future__ import annotations

import json

import pytest

from simulator.times import MINUTE
from tests.runtime.conftest import MakePhone, after, errors, said, story

TELLING_APP = """
App({ onLaunch(o) { console.log('launch', o.scene, JSON.stringify(o.query), getApp() === this, getCurrentPages().length) },
  onShow(o) { console.log('show', o.scene, o.path) }, onHide() { console.log('hide') } })
wx.onAppShow((o) => console.log('wx show', o.scene)); wx.onAppHide(() => console.log('wx hide'))
"""


def page(name: str, more: str = "") -> str:
    hooks = "".join(
        f"on{hook}() {{ console.log('{name} {hook.lower()}') }}, " for hook in ("Show", "Ready", "Hide", "Unload")
    )
    return f"console.log('{name} registered'); Page({{ onLoad(q) {{ console.log('{name} load', JSON.stringify(q), this.route) }}, {hooks}{more} }})"


TWO = {"app.js": TELLING_APP, "pages/a/a.js": page("a"), "pages/b/b.js": page("b")}


def test_a_cold_start_has_its_order(phone_with: MakePhone) -> None:
    phone = phone_with(
        {**TWO, "app.js": "wx.onAppShow(() => console.log('wx show'));" + TELLING_APP.partition("\nwx.")[0]}
    )
    phone.launch(after(0), "pages/b/b?x=%E4%B8%AD&y", 1047)
    assert said(phone) == [
        'launch 1047 {"x":"中","y":""} true 0', "show 1047 pages/b/b", "wx show", "a registered", "b registered",
        'b load {"x":"中","y":""} pages/b/b', "b show", "b ready",
    ]  # fmt: skip


def test_background_and_return_have_their_order(phone_with: MakePhone) -> None:
    phone = phone_with(TWO)
    phone.launch(after(0))
    before = len(said(phone))
    phone.hide(after(1_000))
    phone.show(after(2_000), "", 1089)
    assert said(phone)[before:] == ["a hide", "hide", "wx hide", "show 1089 pages/a/a", "wx show 1089", "a show"]


def test_forty_five_minutes_away_are_a_cold_start_and_cost_nothing(phone_with: MakePhone) -> None:
    phone = phone_with(TWO)
    phone.launch(after(0))
    phone.hide(after(1_000))
    phone.show(after(1_000 + 45 * MINUTE), "", 1089)
    marks = [
        (mark.moment, mark.at - after(0))
        for mark in phone.trace().marks
        if mark.moment in {"suspended", "destroyed", "app_launch"}
    ]
    assert marks == [("app_launch", 0), ("suspended", 6_000), ("destroyed", 1_801_000), ("app_launch", 2_701_000)]


@pytest.mark.parametrize(("away", "launches"), [(30 * MINUTE - 1, 1), (30 * MINUTE, 2), (30 * MINUTE + 1, 2)])
def test_the_limit_of_destruction_is_met_at_it(phone_with: MakePhone, away: int, launches: int) -> None:
    phone = phone_with(TWO)
    phone.launch(after(0))
    phone.hide(after(0))
    phone.show(after(away))
    assert story(phone).count("app_launch") == launches


@pytest.mark.parametrize(
    ("scene", "path", "then"),
    [
        (1089, "pages/b/b?n=1", ["app_show pages/a/a", "page_show pages/a/a"]),  # class A keeps the pages
        (1047, "", ["app_show pages/a/a", "page_show pages/a/a"]),
        (
            1047,
            "pages/b/b?n=1",
            ["app_show pages/a/a", "page_unload pages/a/a", "page_load pages/b/b", "page_show pages/b/b"],
        ),
    ],
)
def test_a_return_with_a_path_reopens_by_its_scene(
    phone_with: MakePhone, scene: int, path: str, then: list[str]
) -> None:
    phone = phone_with(TWO)
    phone.launch(after(0))
    phone.hide(after(1_000))
    before = len(story(phone))
    phone.show(after(2_000), path, scene)
    assert story(phone)[before:] == then


def test_launch_options_stay_and_enter_options_change(phone_with: MakePhone) -> None:
    tell = (
        "console.log(wx.getLaunchOptionsSync().scene, wx.getEnterOptionsSync().scene, wx.getEnterOptionsSync().query.b)"
    )
    phone = phone_with({"app.js": f"App({{ onShow() {{ {tell} }} }})"})
    phone.launch(after(0), "pages/a/a?b=1", 1047)
    phone.hide(after(1))
    phone.show(after(2), "pages/a/a?b=2", 1044)
    assert said(phone) == ["1047 1047 1", "1047 1044 2"]


def test_navigation_happens_after_the_handler_has_returned(phone_with: MakePhone) -> None:
    go = "go() { wx.navigateTo({ url: '../b/b?id=7', success: (r) => console.log('ok', r.errMsg) }); console.log('returned') }"
    phone = phone_with({"app.js": "App({})", "pages/a/a.js": page("a", go), "pages/b/b.js": page("b")})
    phone.launch(after(0))
    before = len(said(phone))
    phone.tap(after(1), "go")
    assert said(phone)[before:] == [
        "returned",
        "a hide",
        'b load {"id":"7"} pages/b/b',
        "b show",
        "ok navigateTo:ok",
        "b ready",
    ]


def test_back_unloads_and_shows_what_lies_below(phone_with: MakePhone) -> None:
    phone = phone_with(TWO)
    phone.launch(after(0))
    phone.view(after(1), "pages/b/b?n=1")
    phone.view(after(2), "pages/b/b?n=2")
    before = len(story(phone))
    phone.back(after(3), 2)
    assert story(phone)[before:] == ["page_unload pages/b/b", "page_unload pages/b/b", "page_show pages/a/a"]
    phone.back(after(4))
    assert errors(phone) == ["cannot navigate back at first page."]


def test_the_eleventh_page_takes_the_place_of_the_tenth(phone_with: MakePhone) -> None:
    fail = "go() { wx.navigateTo({ url: '/pages/b/b', fail: (e) => console.log(e.errMsg) }) }"
    phone = phone_with(
        {
            "pages/a/a.js": "Page({})",
            "pages/b/b.js": f"Page({{ {fail}, onShow() {{ console.log(getCurrentPages().length) }} }})",
        }
    )
    phone.launch(after(0))
    for number in range(1, 10):
        phone.view(after(number), "pages/b/b")
    phone.tap(after(10), "go")
    phone.view(after(11), "pages/b/b")
    assert said(phone) == [*map(str, range(2, 11)), "navigateTo:fail webview count limit exceed", "10"]


def test_tabs_are_loaded_once_and_hidden_after(phone_with: MakePhone) -> None:
    app = {
        "pages": ["pages/a/a", "pages/t/t", "pages/b/b"],
        "tabBar": {"list": [{"pagePath": "pages/a/a"}, {"pagePath": "pages/t/t"}]},
    }
    files = {"app.json": json.dumps(app), **dict.fromkeys(("pages/a/a.js", "pages/t/t.js", "pages/b/b.js"), "Page({})")}
    phone = phone_with(files)
    phone.launch(after(0))
    before = len(story(phone))
    phone.view(after(1), "pages/t/t")
    phone.view(after(2), "pages/b/b")
    phone.view(after(3), "pages/a/a")
    phone.view(after(4), "pages/t/t")
    assert story(phone)[before:] == [
        "page_hide pages/a/a", "page_load pages/t/t", "page_show pages/t/t",
        "page_hide pages/t/t", "page_load pages/b/b", "page_show pages/b/b",
        "page_unload pages/b/b", "page_show pages/a/a",
        "page_hide pages/a/a", "page_show pages/t/t",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("wx.navigateTo({ url: '/pages/x/x'", 'navigateTo:fail page "pages/x/x" is not found'),
        ("wx.switchTab({ url: '/pages/a/a'", "switchTab:fail can not switch to no-tabBar page"),
        ("wx.navigateBack({ delta: 1", "navigateBack:fail cannot navigate back at first page."),
        ("wx.redirectTo({ url: 5", "redirectTo:fail parameter error: parameter.url should be String"),
    ],
)
def test_navigation_that_cannot_be_fails_in_wechats_words(phone_with: MakePhone, call: str, words: str) -> None:
    phone = phone_with({"pages/a/a.js": f"Page({{ go() {{ {call}, fail: (e) => console.log(e.errMsg) }}) }} }})"})
    phone.launch(after(0))
    phone.tap(after(1), "go")
    assert said(phone) == [words]


def test_a_launch_of_an_unknown_page_is_told_and_the_first_page_opens(phone_with: MakePhone) -> None:
    app = "App({ onPageNotFound(o) { console.log('app', o.path, o.query.k, o.isEntryPage) } }); wx.onPageNotFound((o) => console.log('wx', o.path))"
    phone = phone_with({"app.js": app})
    phone.launch(after(0), "pages/gone/gone?k=1")
    assert said(phone) == ["app pages/gone/gone 1 true", "wx pages/gone/gone"]
    assert errors(phone) == ['page "pages/gone/gone" is not found: app.json does not name it']
    assert phone.page == "pages/a/a"


def test_a_page_wrapper_set_in_on_launch_is_used_for_every_page(phone_with: MakePhone) -> None:
    wrap = "App({ onLaunch() { const old = Page; Page = (o) => { const show = o.onShow; o.onShow = function () { console.log('seen', this.route); show && show.call(this) }; old(o) } } })"
    phone = phone_with({"app.js": wrap, "pages/a/a.js": "Page({ onShow() { console.log('own') } })"})
    phone.launch(after(0))
    assert said(phone) == ["seen pages/a/a", "own"]


def test_an_app_wrapper_is_used(phone_with: MakePhone) -> None:
    wrap = "const old = App; App = (o) => { const l = o.onLaunch; o.onLaunch = function (x) { this.cl_tracker = { track() {} }; l.call(this, x) }; old(o) }\n"
    phone = phone_with(
        {"app.js": wrap + "App({ onLaunch() { this.cl_tracker.track('open', { a: undefined, n: 1 }) } })"}
    )
    phone.launch(after(0))
    (call,) = [mark for mark in phone.trace().marks if mark.moment == "call"]
    assert (call.detail, call.data) == ("track", ["open", {"n": 1}])
    assert call.place is not None
    assert (call.place.file, call.place.line) == ("app.js", 2)


def test_calls_that_a_watched_tracker_makes_of_itself_are_no_marks(phone_with: MakePhone) -> None:
    files = {
        "app.js": "const t = require('./sdk/cl_tracker'); App({ onShow(o) { t.onAppShow(o) } })",
        "sdk/cl_tracker.js": "const t = module.exports = { onAppShow() { t.track('inner') }, track() {}, push() {} }",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert [mark.detail for mark in phone.trace().marks if mark.moment == "call"] == ["onAppShow"]


def test_a_tap_carries_what_the_markup_binds(phone_with: MakePhone) -> None:
    code = "Page({ data: { list: [{ id: 7 }] }, go(e) { console.log(e.type, JSON.stringify(e.currentTarget.dataset), e.target.id, e.timeStamp) } })"
    markup = '<view wx:for="{{list}}" id="row" bindtap="go" data-item-id="{{item.id}}" data-kind="x"/>'
    phone = phone_with({"pages/a/a.js": code, "pages/a/a.wxml": markup})
    phone.launch(after(0))
    phone.tap(after(100), "go")
    phone.tap(after(100), "go")
    assert said(phone) == ['tap {"itemId":7,"kind":"x"} row 100', 'tap {"itemId":7,"kind":"x"} row 101']


def test_a_tap_on_nothing_is_an_error(phone_with: MakePhone) -> None:
    phone = phone_with({})
    phone.launch(after(0))
    phone.tap(after(1), "buy")
    assert errors(phone) == ["nothing on pages/a/a has a handler buy"]


def test_a_share_keeps_what_the_page_returns(phone_with: MakePhone) -> None:
    phone = phone_with(
        {"pages/a/a.js": "Page({ onShareAppMessage(o) { return { title: o.from, path: '/pages/a/a?s=1' } } })"}
    )
    phone.launch(after(0))
    phone.share(after(1))
    (mark,) = [mark for mark in phone.trace().marks if mark.moment == "share"]
    assert mark.data == {"title": "menu", "path": "/pages/a/a?s=1"}


COMPONENT = """
Component({
  properties: { sku: String, count: { type: Number, value: 2 } }, data: { open: false }, behaviors: [require('../b.js')],
  lifetimes: { attached() { console.log('attached', this.data.sku, this.data.count, this.is) }, ready() { console.log('ready') }, detached() { console.log('detached') } },
  pageLifetimes: { show() { console.log('page shown') }, hide() { console.log('page hidden') } },
  methods: { buy() { this.setData({ open: true }); this.triggerEvent('bought', { n: this.data.count }) } }
})
"""


def test_components_of_a_page_live_with_it(phone_with: MakePhone) -> None:
    files = {
        "pages/a/a.js": "Page({ data: { s: 'S1' }, onLoad() { console.log('load') }, done(e) { console.log('done', e.detail.n, this.selectComponent('#c').data.open) } })",
        "pages/a/a.json": '{"usingComponents": {"buy-card": "/parts/card"}}',
        "pages/a/a.wxml": '<view><buy-card id="c" sku="{{s}}" bind:bought="done"/></view>',
        "parts/card.js": COMPONENT.replace("../b.js", "./b.js"),
        "parts/b.js": "module.exports = Behavior({ lifetimes: { attached() { console.log('behavior') } }, methods: { helper() {} } })",
        "app.json": '{"pages": ["pages/a/a"]}',
    }
    phone = phone_with(files)
    phone.launch(after(0))
    phone.tap(after(1), "buy")
    phone.leave(after(2))
    assert said(phone) == [
        "behavior",
        "attached S1 2 parts/card",
        "load",
        "page shown",
        "ready",
        "done 2 true",
        "page hidden",
    ]


def test_a_component_can_be_a_page(phone_with: MakePhone) -> None:
    code = "Component({ properties: { id: String }, methods: { onLoad(q) { console.log('load', q.id, this.data.id) }, onShow() { console.log('show', this.route) }, go() { console.log('go') } } })"
    phone = phone_with({"pages/a/a.js": code})
    phone.launch(after(0), "pages/a/a?id=5")
    phone.tap(after(1), "go")
    assert said(phone) == ["load 5 5", "show pages/a/a", "go"]


def test_set_data_follows_paths_and_calls_back_later(phone_with: MakePhone) -> None:
    code = "Page({ data: { list: [{ n: 1 }], o: { a: 1 } }, onLoad() { const v = { k: [1] }; this.setData({ 'list[0].n': 2, 'list[1]': 3, 'o.b.c': 4, v }, () => console.log('later')); v.k.push(2); console.log(JSON.stringify(this.data)) } })"
    phone = phone_with({"pages/a/a.js": code})
    phone.launch(after(0))
    assert said(phone) == ['{"list":[{"n":2},3],"o":{"a":1,"b":{"c":4}},"v":{"k":[1]}}', "later"]


def test_the_stack_of_pages_is_a_copy(phone_with: MakePhone) -> None:
    phone = phone_with(
        {
            "pages/a/a.js": "Page({ onShow() { const p = getCurrentPages(); p.pop(); console.log(getCurrentPages().length, getCurrentPages()[0] === this) } })"
        }
    )
    phone.launch(after(0))
    assert said(phone) == ["1 true"]


def test_errors_are_told_to_the_program_and_it_goes_on(phone_with: MakePhone) -> None:
    app = "App({ onLaunch() { null.x }, onShow() { console.log('shown') }, onError(t) { console.log('app', t.split('\\n')[0]); throw new Error('again') } }); wx.onError((t) => console.log('late'))"
    phone = phone_with({"app.js": "wx.onError((t) => console.log('wx', typeof t));" + app})
    phone.launch(after(0))
    assert said(phone) == ["app TypeError: Cannot read properties of null (reading 'x')", "wx string", "shown"]
    assert errors(phone) == ["TypeError: Cannot read properties of null (reading 'x')", "Error: again"]


def test_an_async_hook_that_fails_is_an_unhandled_rejection(phone_with: MakePhone) -> None:
    app = "wx.onUnhandledRejection((r) => console.log('told', r.reason.message)); App({ async onLaunch() { await 1; throw new Error('deep') } })"
    phone = phone_with({"app.js": app})
    phone.launch(after(0))
    assert errors(phone) == ["unhandled rejection: Error: deep"]
    assert said(phone) == ["told deep"]


def test_an_app_js_without_app_is_an_error(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "const a = 1"})
    phone.launch(after(0))
    assert errors(phone) == ["app.js does not call App()"]
    assert phone.page == "pages/a/a"


def test_a_page_file_without_page_is_an_error(phone_with: MakePhone) -> None:
    phone = phone_with({"pages/a/a.js": "const a = 1"})
    phone.launch(after(0))
    assert errors(phone) == ["pages/a/a.js registers no page: Page() or Component() was not called"]


def test_an_api_that_is_not_there_is_told_once(phone_with: MakePhone) -> None:
    phone = phone_with(
        {
            "app.js": "App({}); if (wx.scanEverything) {} ; wx.scanEverything; wx.own = 1; wx.own; console.log(wx.canIUse('scanEverything'), wx.canIUse('request.object.url'))"
        }
    )
    phone.launch(after(0))
    assert [mark.detail for mark in phone.trace().marks if mark.moment == "missing_api"] == ["scanEverything"]
    assert said(phone) == ["false true"]


def test_a_tapped_tab_is_told_of_it(phone_with: MakePhone) -> None:
    app = {
        "pages": ["pages/a/a", "pages/t/t"],
        "tabBar": {"list": [{"pagePath": "pages/a/a", "text": "A"}, {"pagePath": "pages/t/t", "text": "T"}]},
    }
    tell = "Page({ onShow() { console.log('show') }, onTabItemTap(o) { console.log(JSON.stringify(o)) } })"
    phone = phone_with({"app.json": json.dumps(app), "pages/a/a.js": "Page({})", "pages/t/t.js": tell})
    phone.launch(after(0))
    phone.view(after(1), "pages/t/t")
    assert said(phone) == ["show", '{"index":"1","pagePath":"pages/t/t","text":"T"}']
