# ruff: noqa: E501  programs are written in JavaScript's own lines
"""A plan on phones: what the program lives through is what the plan says, event for event."""

from __future__ import annotations

import json
import resource
from collections import Counter
from pathlib import Path

import pytest

from simulator.events import Event, Kind, Visit
from simulator.journey.plan import Plan, visits
from simulator.runs.driving import drive, lives
from simulator.runtime.answering import Answerer
from simulator.runtime.backend import Backend, answerer
from simulator.runtime.phone import Bounds
from simulator.runtime.program import Program, load_program
from simulator.runtime.trace import Moment, Trace
from tests.builders import plan, scenario
from tests.runtime.conftest import write_app

STEPS = """
- {launch: , think: 1s..9s}
- push: [applet-wechat, mobile]
- {view: "pages/b?id={sku}", times: 1..4, think: 2s..30s}
- {back: 1, think: 1s}
- tap: buy
- share:
- maybe: 50%
  steps: [hide: 20m..40m, show: {scene: 1089}, view: pages/c]
- maybe: 50%
  steps: [hide: 2s..6s, show: {scene: 1044, path: "pages/c?x=1"}]
- choose:
    - {weight: 3, steps: [exit]}
    - {weight: 1, steps: [timeout, launch, exit]}
    - {weight: 1, steps: [exit, launch]}
"""
WIDE = "vars: {sku: [x, y, z]}, returning: 30%, share_device: 30%, second_device: 20%, share_mobile: 10%"
# Counts the cold starts of a phone, and tells each page that is shown.
APP = """
App({ onLaunch() { const n = (wx.getStorageSync('n') || 0) + 1; wx.setStorageSync('n', n)
  wx.request({ url: 'https://c.example/launch', data: { n } }) } })
"""
PAGE = "Page({ onShow() { wx.request({ url: 'https://c.example/view', data: { page: this.route, q: JSON.stringify(this.options) } }) }, buy() {} })"


def answers(visit: Visit) -> Answerer:
    return answerer(Backend(), {one.type: one.value for one in visit.identities}, visit.visitor)


def app(folder: Path, page: str = PAGE, code: str = APP) -> Program:
    pages = {f"pages/{name}.js": page for name in "abc"}
    return load_program(write_app(folder, {"app.js": code, **pages}))


def shown(event: Event) -> tuple[str, int, str]:
    return event.kind.value, event.at, event.page


def lived(trace: Trace) -> list[tuple[str, int, str]]:
    """The marks of a trace in the words of a plan."""
    words = {Moment.APP_LAUNCH: "launch", Moment.APP_SHOW: "show", Moment.PAGE_SHOW: "view", Moment.TAP: "tap",
             Moment.SHARE: "share", Moment.APP_HIDE: "hide"}  # fmt: skip
    found: list[tuple[str, int, str]] = []
    for mark in trace.marks:
        if mark.moment not in words:
            continue
        if mark.moment is Moment.APP_SHOW and found[-1][0] == "launch" and found[-1][1] == mark.at:
            continue  # the show of a cold start
        page = mark.page
        if mark.moment in {Moment.APP_LAUNCH, Moment.APP_SHOW}:
            assert isinstance(mark.data, dict)
            page = str(mark.data["path"])
        found.append((words[mark.moment], mark.at, page))
    return found


def planned(visit: Visit) -> list[tuple[str, int, str]]:
    return [shown(event) for event in visit.events if event.kind not in {Kind.PUSH, Kind.TRACK}]


def sample(count: int, steps: str = STEPS, **more: str) -> Plan:
    return plan(scenario(steps, count=count, visitors=WIDE, **more), seed=11)


def test_the_program_lives_through_the_plan_event_for_event(tmp_path: Path) -> None:
    of = sample(24)
    traces = list(drive(of, app(tmp_path), answers))
    assert [trace.visitor for trace in traces] == list(range(24))
    for visit, trace in zip(visits(of), traces, strict=True):
        assert not [mark for mark in trace.marks if mark.moment in {Moment.ERROR, Moment.STOPPED}]
        wanted, had = planned(visit), lived(trace)
        if wanted[-1][0] != "hide":  # a visit without exit is closed after its last event
            assert had.pop()[:2] == ("hide", visit.events[-1].at + 5_000)
        for want, got in zip(wanted, had, strict=True):
            # A view that belongs to an entry comes with it; the plan gives it the next millisecond. A share's page is
            # the one on top, and the page of a tap or a hide is not in the plan.
            assert got[0] == want[0]
            assert 0 <= want[1] - got[1] <= 1
            if want[0] in {"view", "share"} or (want[0] in {"launch", "show"} and want[2]):
                assert got[2] == want[2]


def test_every_life_ends_destroyed(tmp_path: Path) -> None:
    for trace in drive(sample(12), app(tmp_path), answers):
        moments = Counter(mark.moment for mark in trace.marks)
        assert moments[Moment.DESTROYED] == moments[Moment.APP_LAUNCH]
        assert trace.marks[-1].moment is Moment.DESTROYED


def test_storage_belongs_to_the_phone_whoever_uses_it(tmp_path: Path) -> None:
    of = sample(40)
    everybody = list(visits(of))
    shared = [visit for visit in everybody if any(
        visit.visitor != other.visitor and visit.events[0].device == other.events[0].device for other in everybody)]  # fmt: skip
    assert shared
    assert any(len({event.device.anonymous_id for event in visit.events}) > 1 for visit in everybody)
    starts = sorted(
        (life.begin, life.visitor, life.device.anonymous_id) for visit in everybody for life in lives(visit)
    )
    counts: Counter[str] = Counter()
    expected: dict[int, list[int]] = {}
    for _, visitor, device in starts:
        counts[device] += 1
        expected.setdefault(visitor, []).append(counts[device])
    for trace in drive(of, app(tmp_path), answers):
        told = [int(exchange.url.rpartition("=")[2]) for exchange in trace.exchanges if "/launch" in exchange.url]
        assert told == expected[trace.visitor]


def test_a_returning_visitors_earlier_visit_is_driven_first(tmp_path: Path) -> None:
    of = sample(10)
    (visit, *_) = [visit for visit in visits(of) if visit.events[0].setup]
    trace = list(drive(of, app(tmp_path), answers))[visit.visitor]
    assert trace.marks[0].at == visit.events[0].at < of.start


def test_a_launch_by_a_code_gives_the_program_the_code_alone(tmp_path: Path) -> None:
    sources = 'poster: {weight: 1, scene: 1047, code: p7, path: "pages/b?cl_sr=poster&cl_ctnm=x"}'
    of = plan(scenario("- launch", sources=sources))
    (trace,) = drive(of, app(tmp_path), answers)
    launch = trace.marks[0]
    assert isinstance(launch.data, dict)
    assert (launch.data["path"], launch.data["query"], launch.data["scene"]) == ("pages/b", {"scene": "p7"}, 1047)


def test_the_same_plan_gives_the_same_traces(tmp_path: Path) -> None:
    program = app(
        tmp_path,
        code="App({ onLaunch() { wx.login().then((r) => wx.request({ url: 'https://c.example/', data: { c: r.code, r: Math.random() } })) } })",
    )
    first, second = ([trace.entries for trace in drive(sample(6), program, answers)] for _ in range(2))
    assert first == second
    codes = [
        exchange.url
        for entries in first
        for exchange in entries
        if not hasattr(exchange, "moment") and "c=" in exchange.url
    ]
    assert len(set(codes)) == len(codes) > 6


def test_the_driving_ends_when_the_program_must_be_stopped_again_and_again(tmp_path: Path) -> None:
    program = app(tmp_path, page="Page({ onLoad() { for (;;); } })")
    traces = list(drive(sample(40), program, answers, bounds=Bounds(turn_seconds=0.3), most_stopped=2))
    assert sum(mark.moment is Moment.STOPPED for trace in traces for mark in trace.marks) in {2, 3}
    assert len(traces) < 6


@pytest.mark.slow
def test_two_hundred_visitors_take_less_than_a_minute_of_one_core(tmp_path: Path) -> None:
    """Of processor time, so that a busy machine does not matter; the engine's process is in it."""
    of, program = sample(200), app(tmp_path)

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    before = spent()
    traces = list(drive(of, program, answers))
    seconds = spent() - before
    assert len(traces) == 200
    print(
        json.dumps(
            {
                "visitors": 200,
                "cold starts": sum(mark.moment is Moment.APP_LAUNCH for t in traces for mark in t.marks),
                "cpu seconds": round(seconds, 1),
            }
        )
    )
    assert seconds < 60
