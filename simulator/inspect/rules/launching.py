"""How the tracker gets into the program, and what a launch must send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from simulator.inspect.case import Case, Life, lives, told
from simulator.inspect.documents import MONITORING
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.source import Called, SourceCode
from simulator.runtime.trace import Moment, Place
from simulator.wire.dmhub_fields import OPEN_EVENT
from simulator.wire.request import Action

_DOWNLOAD = MONITORING.at("2.1 Download SDK")
_CHECK = MONITORING.at("2.3 Check whether the SDK access is successful")
_MANUAL = MONITORING.at("Error situation (since Ver. 1.67)")
_NO_TRACKER = re.compile(r"\bcl_tracker\b|(?:reading|property) '?(?:track|push)\b|\b(?:track|push) is not a function")
# What must hold before a launch can send anything that is taken.
CAUSES = (
    "syntax-error", "program-files", "tracker-first-line", "launch-hook", "tracker-on-app", "app-error", "app-stopped",
    "status-200", "event-bad",
)  # fmt: skip


@rule(
    "tracker-first-line",
    Level.ERROR,
    title="The tracker is required on the first line of app.js",
    expected="require('./utils/cl_tracker.js') as the first statement of app.js, so that it is there before App() runs",
    document=_DOWNLOAD,
    says="add it in the first line of app.js: require('./utils/cl_tracker.js');",
    mend="Move the line that requires the tracker to the top of app.js.",
    follows=("syntax-error",),
)
def tracker_first_line(case: Case) -> Iterator[Breach]:
    program = case.code
    app = program.app if program is not None else None
    if program is None or app is None or not case.is_dmhub():
        return
    bound = program.bound_tracker(app)
    if bound is None:
        name = program.tracker or "utils/cl_tracker.js"
        yield Breach(f"app.js does not require {name}", "missing", place=Place("app.js", 1))
        return
    statement = bound[1]
    if app.statements[0] != statement:
        line = app.place(statement).line
        yield Breach(
            f"app.js requires the tracker on line {line}, behind other code", "late", place=app.place(statement)
        )


def _by_hand(case: Case) -> SourceCode | None:
    """The program, where its tracker does not put itself in place of App: then it must be called by hand."""
    program = case.code
    if program is None or program.app is None or not program.tracker or not case.is_dmhub():
        return None
    tracker = program.scripts.get(program.tracker)
    hooks = tracker is not None and tracker.assigns("App")
    return None if hooks or program.bound_tracker(program.app) is None else program


def _hook_calls(program: SourceCode, method: str) -> list[Called]:
    """The calls of a method of the tracker in app.js, by themselves or through apply and call."""
    assert program.app is not None
    pattern = re.compile(rf"\.{method}(?:\.(?:apply|call|bind))?$")
    return [called for called in program.app.calls if pattern.search(called.name)]


@rule(
    "launch-hook",
    Level.ERROR,
    title="onAppLaunch is called where the tracker does not hook App by itself",
    expected="cl_tracker.onAppLaunch.apply(this) in App's onLaunch",
    document=_MANUAL,
    says="Actively call cl_tracker.onAppLaunch and cl_tracker.onAppShow in App's onLaunch and onShow events",
    mend="Bind the tracker on the first line (var cl_tracker = require(…)) and call "
    "cl_tracker.onAppLaunch.apply(this) first thing in onLaunch.",
    follows=("syntax-error", "tracker-first-line"),
)
def launch_hook(case: Case) -> Iterator[Breach]:
    program = _by_hand(case)
    if program is not None and not _hook_calls(program, "onAppLaunch"):
        text = "the tracker does not hook App, and app.js does not call its onAppLaunch"
        yield Breach(text, "onAppLaunch", place=_app_call(program))


@rule(
    "show-hook",
    Level.ERROR,
    title="onAppShow is called where the tracker does not hook App by itself",
    expected="cl_tracker.onAppShow(params) in App's onShow",
    document=_MANUAL,
    says="Actively call cl_tracker.onAppLaunch and cl_tracker.onAppShow in App's onLaunch and onShow events",
    mend="Call cl_tracker.onAppShow(params) in onShow, with the options that onShow is given.",
    follows=("syntax-error", "tracker-first-line"),
)
def show_hook(case: Case) -> Iterator[Breach]:
    program = _by_hand(case)
    if program is not None and not _hook_calls(program, "onAppShow"):
        text = "the tracker does not hook App, and app.js does not call its onAppShow"
        yield Breach(text, "onAppShow", place=_app_call(program))


def _app_call(program: SourceCode) -> Place:
    assert program.app is not None
    return next((called.place for called in program.app.calls if called.name == "App"), Place("app.js", 0))


@rule(
    "show-parameters",
    Level.ERROR,
    title="onAppShow is given the options of onShow",
    expected="cl_tracker.onAppShow(params), params being what App's onShow is given: path, query and scene",
    document=_MANUAL,
    says="Note: that the onAppShow method needs to take parameters",
    mend="Write onShow: function (params) { cl_tracker.onAppShow(params); … }.",
    follows=("syntax-error",),
)
def show_parameters(case: Case) -> Iterator[Breach]:
    program = case.code
    if program is None or program.app is None or not case.is_dmhub():
        return
    for called in _hook_calls(program, "onAppShow"):
        through = called.name.rpartition(".")[2] in ("apply", "call", "bind")
        if len(called.arguments) <= through:
            yield Breach("onAppShow is called without parameters", "none", place=called.place)


@rule(
    "tracker-on-app",
    Level.ERROR,
    title="app.cl_tracker is there when the program uses it",
    expected="the tracker on the app object as cl_tracker, which onAppLaunch puts there: it must be called with this",
    document=_MANUAL,
    says="If app.cl_tracker is null, please use the following method to initialize the SDK: "
    "cl_tracker.onAppLaunch.apply(this)",
    mend="Call cl_tracker.onAppLaunch.apply(this), not cl_tracker.onAppLaunch(), before anything uses app.cl_tracker.",
    follows=("syntax-error", "launch-hook"),
)
def tracker_on_app(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        for mark in seen.trace.marks:
            if mark.moment is Moment.ERROR and _NO_TRACKER.search(mark.detail):
                key = mark.place.file if mark.place is not None else mark.page
                text = f"app.cl_tracker is not there: {mark.detail.partition(chr(10))[0]}"
                yield Breach(text, key, seen.visitor, mark.at, mark.page, place=mark.place)


@rule(
    "open-on-launch",
    Level.ERROR,
    title="Every launch sends one open event",
    expected=f"{OPEN_EVENT} once in App's onLaunch",
    document=_CHECK,
    says="key in by the means of onLaunch in app.js: this.cl_tracker.track('mini_program_open', …)",
    mend=f"Call this.cl_tracker.track('{OPEN_EVENT}', name, appid) in onLaunch, and nowhere else.",
    follows=CAUSES,
)
def open_on_launch(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        if not any(capture.records for capture in seen.captures) and not case.is_dmhub():
            continue
        for life in lives(seen):
            opens = _opens(life)
            if len(opens) != 1:
                what = "no open event" if not opens else f"{len(opens)} open events"
                text = f"a launch by scene {_scene(life)} sent {what}"
                yield Breach(text, "none" if not opens else "several", seen.visitor, life.launch.at, life.launch.page)


def _opens(life: Life) -> set[tuple[str, object]]:
    """The open events of a life; copies of one are one."""
    return {
        (record.external_id, record.date if record.external_id or record.date is not None else number)
        for number, capture in enumerate(life.captures)
        for record in capture.records
        if record.action is Action.OPEN
    }


def _scene(life: Life) -> str:
    options = life.launch.data if isinstance(life.launch.data, dict) else {}
    return str(options.get("scene", "?"))


@rule(
    "open-target",
    Level.ERROR,
    title="The open event names the mini program: its name and its appid",
    expected="targetName with the mini program's name, targetId with its appid",
    document=_CHECK,
    says="this.cl_tracker.track('mini_program_open', '测试小程序', 'mini_program_appid')",
    mend="Give track() the name and the appid; a tracker that knows three arguments only wants them in the object, as "
    "{targetName, targetId}.",
)
def open_target(case: Case) -> Iterator[Breach]:
    for seen, capture, record in case.dmhub_events():
        if record.action is not Action.OPEN:
            continue
        for key, text in _wrong_target(capture.fields, case.facts.appid):
            yield told(seen, capture, text, key)


def _wrong_target(fields: Mapping[str, str], appid: str) -> Iterator[tuple[str, str]]:
    name, identifier = fields.get("targetName", ""), fields.get("targetId", "")
    if "0" in fields and not name:
        yield (
            "letters",
            "the letters of the name came as properties: the tracker knows three arguments only",
        )
        return
    if not name:
        yield "name", "an open event without targetName"
    if identifier != appid:
        said = f"targetId {identifier!r}" if identifier else "no targetId"
        yield "id", f"an open event with {said}; the appid is {appid}"


RULES = (
    tracker_first_line, launch_hook, show_hook, show_parameters, tracker_on_app, open_on_launch, open_target,
)  # fmt: skip
