"""Every rule on a story that keeps it and on one that breaks it: what breaks one rule is that rule's alone."""

# ruff: noqa: E501 - a row of a table is a line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.events import Identity, Source
from simulator.inspect.case import Case, Trouble
from simulator.inspect.inspection import inspect
from simulator.inspect.rules import RULES
from simulator.runtime.program import Problem
from simulator.runtime.program import Trouble as ProgramTrouble
from simulator.runtime.trace import Exchange, Moment, Place, Reply
from simulator.times import Ms
from tests.inspect.stories import (
    APP_JS,
    APPID,
    FACTS,
    HOME,
    MOBILE,
    OPENID,
    START,
    UNIONID,
    Story,
    case,
    good,
    program,
    trial,
)  # fmt: skip

AD = Source("wechat_ad", "spring")
LONG = "春" * 40
TRACKED = "App({});\nPage({});\ngetApp().cl_tracker."


def codes(of: Case) -> list[str]:
    return [finding.rule.code for finding in inspect(of).findings]


def begun() -> Story:
    """Launched, with its open and view: what most stories begin with."""
    return Story().launch().open().view()


def in_source(line: str) -> Case:
    """A program with one more line that calls the tracker."""
    return case(good(), source=program(utils__more_js=f"var app = getApp();\napp.cl_tracker.{line};\n"))


def failing(story: Story) -> Story:
    """The last event's request was ended by the background."""
    last = story.entries[-1]
    assert isinstance(last, Exchange)
    story.entries[-1] = replace(last, reply=None, failed="request:fail interrupted")
    return story


def late(story: Story, after: int) -> Story:
    """The last event was begun so long after the hide, and lost."""
    last = story.entries[-1]
    assert isinstance(last, Exchange)
    story.entries[-1] = replace(last, reply=None, failed="request:fail interrupted", after_hide=Ms(after))
    return story


def tried(story: Story, status: int | None, *, times: int = 1, pause: int = 1_000, answer: int = 5) -> Story:
    """The open event's first tries get this status, each answered so many ms later."""
    for _ in range(times):
        story.wait(10).tried_open(status, answer).wait(pause)
    return story


LATE_LINE = "var config = require('./config.js');\n" + APP_JS
WITHOUT_LAUNCH = APP_JS.replace("cl_tracker.onAppLaunch.apply(this);", "")
WITHOUT_SHOW = APP_JS.replace("cl_tracker.onAppShow(params);", "")
WITHOUT_PARAMETERS = APP_JS.replace("onAppShow(params);", "onAppShow();")
NULL = "TypeError: Cannot read properties of undefined (reading 'track')"

BREAKING: list[tuple[str, str, Callable[[], Case]]] = [
    # rule, what happens, the case
    ("syntax-error", "a statement is cut off", lambda: case(problems=(Problem(ProgramTrouble.SYNTAX, "no", Place("a.js", 1)),))),
    ("page-missing", "a route without a script", lambda: case(problems=(Problem(ProgramTrouble.MISSING_PAGE, "no", Place("app.json", 1)),))),
    ("program-files", "no app.json", lambda: case(problems=(Problem(ProgramTrouble.NO_PAGES, "no", Place("app.json", 1)),))),
    ("require-circle", "two scripts", lambda: case(good(), source=program(utils__a_js="require('./b');", utils__b_js="require('./a');"))),
    ("app-error", "a handler throws", lambda: case(good().mark(Moment.ERROR, "Error: no cart", place=Place("a.js", 3)))),
    ("app-stopped", "a loop without an end", lambda: case(good().mark(Moment.STOPPED, "ran for 2 s"))),
    ("tracker-first-line", "another line first", lambda: case(good(), source=program(LATE_LINE, config_js=""))),
    ("tracker-first-line", "not at all", lambda: case(source=program("App({});"))),
    ("launch-hook", "onAppLaunch is not called", lambda: case(good(), source=program(WITHOUT_LAUNCH))),
    ("show-hook", "onAppShow is not called", lambda: case(good(), source=program(WITHOUT_SHOW))),
    ("show-parameters", "onAppShow()", lambda: case(good(), source=program(WITHOUT_PARAMETERS))),
    ("tracker-on-app", "it is null", lambda: case(Story().launch().mark(Moment.ERROR, NULL).shown())),
    ("open-on-launch", "no open", lambda: case(Story().launch().view())),
    ("open-on-launch", "two opens", lambda: case(Story().launch().open().open().view())),
    ("open-target", "no appid", lambda: case(Story().launch().open(targetId=None).view())),
    ("open-target", "no name", lambda: case(Story().launch().open(targetName=None).view())),
    ("open-target", "letters of the name", lambda: case(Story().launch().open(targetName=None, letter_0="s").view())),
    ("view-once", "a page without a view", lambda: case(begun().shown("pages/cart/cart"))),
    ("view-once", "two views of one page", lambda: case(begun().sent("open_page", targetName=HOME))),
    ("view-once", "no view on return", lambda: case(begun().back_again().shown())),
    ("status-200", "answered with 404", lambda: case(Story().launch().open(reply=404).view())),
    ("domain-https", "by http", lambda: case(begun().posted({"event": "c_add_to_cart", "utma": "1", "tenantId": "740843171"}, url="http://cbe.convertlab.com/cbe/__utm"))),
    ("domain-legal", "another host", lambda: case(begun(), facts=replace(FACTS, domains=frozenset({"a.example"})))),
    ("unknown-encoding", "a body that nobody reads", lambda: case(begun().exchange("https://cbe.convertlab.com/cbe/__utm", Reply(START, 200), method="POST", body=b"\x00\x01"))),
    ("lost-at-hide", "ended by the background", lambda: case(failing(begun().sent("c_add_to_cart")))),
    ("lost-at-hide", "begun 5 s after it", lambda: case(late(begun().sent("c_add_to_cart"), 5_000))),
    ("sent-twice", "the same id again", lambda: case(begun().sent("c_add_to_cart", externalId="x").sent("c_add_to_cart", externalId="x"))),
    ("sent-twice", "the same moment again", lambda: case(begun().sent("c_add_to_cart", date="2026-03-01T02:00:02.500Z").sent("c_add_to_cart", date="2026-03-01T02:00:02.500Z"))),
    ("order-kept", "an older one later", lambda: case(begun().wait(9_000).sent("c_add_to_cart").sent("c_add_to_cart", date="2026-03-01T02:00:05.000Z"))),
    ("event-time", "eight hours ahead", lambda: case(begun().sent("c_add_to_cart", date="2026-03-01T10:00:03.000Z"))),
    ("event-time", "in 1970", lambda: case(Story().launch().open(date="1970-01-21T12:00:00.000Z").view())),
    ("event-time", "without an offset", lambda: case(begun().sent("c_add_to_cart", date="2026-03-01 10:00:03"))),
    ("event-bad", "another tenant", lambda: case(Story().launch().open(tenantId="7").view())),
    ("event-bad", "no event", lambda: case(begun().posted({"utma": "1", "tenantId": "740843171", "targetName": "x"}))),
    ("value-size", "256 characters", lambda: case(begun().sent("c_add_to_cart", note="x" * 256))),
    ("value-literal", "undefined", lambda: case(begun().sent("c_add_to_cart", sku="undefined"))),
    ("event-prefix", "sent", lambda: case(begun().sent("add_to_cart"))),
    ("event-prefix", "in the source", lambda: in_source("track('add_to_cart')")),
    ("event-registered", "sent", lambda: case(begun().sent("c_other"))),
    ("event-registered", "in the source", lambda: in_source("track('c_other', {})")),
    ("event-size", "33 characters", lambda: case(begun().sent("c_" + "x" * 31))),
    ("event-size", "in the source", lambda: in_source(f"track('c_{'x' * 31}')")),
    ("identity-type", "openid", lambda: case(begun().push(Identity("openid", "o1")).view())),
    ("identity-type", "in the source", lambda: in_source("push({identityType: 'open_id', identityValue: id})")),
    ("identity-slots", "a fourth slot", lambda: case(begun().sent("c_add_to_cart", identityType4="mobile"))),
    ("identity-slots", "in the source", lambda: in_source("push({identityType4: 'mobile', identityValue4: m})")),
    ("identity-slot-type", "the second into slot 1", lambda: case(Story().launch().open().logged_in().view().push(UNIONID).view())),
    ("identity-slot-type", "in the source", lambda: in_source("push({identityType: 'mobile'}); app.cl_tracker.push({identityType: 'wechat-unionid'})")),
    ("identity-literal", "the text undefined", lambda: case(begun().push(Identity("applet-wechat", "undefined")).view())),
    ("identity-case", "in lower case", lambda: case(begun().logged_in().push(Identity(OPENID.type, OPENID.value.lower())).view())),
    ("identity-size", "129 characters", lambda: case(begun().push(Identity("c_memberid", "x" * 129)).view())),
    ("identity-early", "a guest", lambda: case(begun().push(Identity("applet-wechat", "guest")).view().asked("https://api.shop.example/login", "{}"))),
    ("identity-at-once", "an event without it", lambda: case(_late_push())),
    ("identity-priority", "the mobile is left out", lambda: case(Story(identities=(OPENID, UNIONID, MOBILE)).launch().open().logged_in().view())),
    ("source-on-events", "not there", lambda: case(Story().launch(AD).open(source=None, contentName=None).view())),
    ("source-on-events", "lost on a warm return", lambda: case(Story().launch(AD).open().view().back_again().view(source=None, contentName=None))),
    ("source-on-events", "kept over a new launch", lambda: case(Story().launch(AD).open().view().launch().open(source="wechat_ad").view())),
    ("source-lookup", "nothing is looked up", lambda: case(Story().launch(code="p7").by_link().open().view())),
    ("source-lookup", "too late", lambda: case(Story().launch(code="p7").by_link().open().looked_up().view())),
    ("source-lookup", "not found", lambda: case(Story().launch(code="p7").looked_up(status=404).by_link().open().view())),
    ("path-size", "a share", lambda: case(begun().mark(Moment.SHARE, data={"path": f"{HOME}?cl_sr=share&cl_ctnm={LONG}"}))),
    ("path-size", "in the source", lambda: case(good(), source=program(utils__more_js=f"var path = '{HOME}?cl_sr={LONG}';"))),
    ("path-size", "a code of 33 characters", lambda: case(Story().launch(code="x" * 33).open().view())),
    ("after-500", "never again", lambda: trial(Trouble.ERROR, tried(Story().launch(), 500))),
    ("when-silent", "never again", lambda: trial(Trouble.SILENT, tried(Story().launch(), None))),
    ("when-slow", "again meanwhile", lambda: trial(Trouble.SLOW, tried(Story().launch(), 200, times=2, answer=20_000))),
    ("retry-copy", "a new id", lambda: trial(Trouble.ERROR, tried(Story().launch(), 500).open().tried_open(200))),
    ("retry-pause", "eleven tries in a minute", lambda: trial(Trouble.ERROR, tried(Story().launch(), 500, times=11).tried_open(200))),
]  # fmt: skip


def _late_push() -> Story:
    """The backend tells who it is; one event goes before the push."""
    story = Story().launch().open().logged_in()
    pushed, story.pushed = story.pushed, {}
    story.view()
    story.pushed = pushed
    return story.view("pages/product/detail")


@pytest.mark.parametrize(
    ("code", "made"),
    [(code, made) for code, _, made in BREAKING],
    ids=[f"{code}: {what}" for code, what, _ in BREAKING],
)
def test_what_breaks_a_rule_is_told_by_that_rule_alone(code: str, made: Callable[[], Case]) -> None:
    assert set(codes(made())) == {code}


def test_every_rule_has_a_story_that_breaks_it() -> None:
    assert {code for code, _, _ in BREAKING} == {rule.code for rule in RULES}


KEEPING: list[tuple[str, Callable[[], Case]]] = [
    ("a whole visit", lambda: case(good(), source=program())),
    ("nobody", lambda: case(source=program())),
    ("a capture without marks", lambda: case(Story(-1).sent("mini_program_view", targetName=HOME))),
    ("a hide and an event at once", lambda: case(begun().mark(Moment.APP_HIDE).sent("c_add_to_cart"))),
    ("lost at the hide, sent again on return", lambda: case(failing(begun().sent("c_add_to_cart", externalId="x")).back_again().view().sent("c_add_to_cart", externalId="x", date="2026-03-01T02:00:03.000Z"))),
    ("a circle that closes later, in a function", lambda: case(good(), source=program(utils__a_js="require('./b');", utils__b_js="function f() { require('./a'); }"))),
    ("255 characters", lambda: case(begun().sent("c_add_to_cart", note="x" * 255))),
    ("an event's name of 32 characters", lambda: case(begun().sent("c_" + "x" * 30), facts=replace(FACTS, events=frozenset({"c_" + "x" * 30})))),
    ("an identity of 128 characters", lambda: case(begun().push(Identity("c_memberid", "x" * 128)).view())),
    ("a warm return with another source", lambda: case(Story().launch(AD).open().view().back_again(Source("share")).view())),
    ("a return without a view, if it is told so", lambda: case(begun().back_again().shown(), facts=replace(FACTS, view_on_return=False))),
    ("nobody told the legal domains", lambda: case(begun(), facts=replace(FACTS, domains=None))),
    ("a share of 128 bytes", lambda: case(begun().mark(Moment.SHARE, data={"path": "p?cl_sr=" + "x" * 120}))),
    ("sent again after 500", lambda: trial(Trouble.ERROR, tried(Story().launch(), 500).tried_open(200))),
    ("slow, and the next waits", lambda: trial(Trouble.SLOW, tried(Story().launch(), 200, answer=20_000))),
]  # fmt: skip


@pytest.mark.parametrize("made", [one[1] for one in KEEPING], ids=[one[0] for one in KEEPING])
def test_what_keeps_the_rules_is_told_by_none(made: Callable[[], Case]) -> None:
    assert codes(made()) == []


def test_a_line_of_the_source_and_the_events_that_come_of_it_are_one_finding() -> None:
    sent = case(begun().sent("add_to_cart"), source=program(utils__more_js="getApp().cl_tracker.track('add_to_cart');"))

    (finding,) = inspect(sent).findings

    assert (finding.count, finding.places, finding.visitors) == (2, (Place("utils/more.js", 1, 1),), (0,))


def test_what_another_finding_explains_is_not_told_as_well() -> None:
    broken = case(Story().launch().mark(Moment.ERROR, NULL).shown(), source=program(WITHOUT_LAUNCH))

    inspection = inspect(broken)

    assert [finding.rule.code for finding in inspection.findings] == ["launch-hook"]
    assert ("tracker-on-app", "launch-hook") in inspection.silent


def test_every_rule_says_what_is_expected_where_it_is_written_and_how_to_mend_it() -> None:
    for rule in RULES:
        assert all((rule.title, rule.expected, rule.says, rule.mend, rule.document.url.startswith("https://")))
        assert not rule.title.endswith(".")
        assert rule.mend.endswith(".")


def test_the_appid_of_the_stories_is_one() -> None:
    assert APPID.startswith("wx")
