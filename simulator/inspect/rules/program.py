"""Whether the program itself runs: pages that are there, scripts that can be read, nothing thrown, nothing stopped."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.inspect.case import Case
from simulator.inspect.documents import CONFIGURATION, RUNNING
from simulator.inspect.rule import Breach, Level, rule
from simulator.runtime.trace import Moment


@rule(
    "syntax-error",
    Level.ERROR,
    title="Every script can be read",
    expected="JavaScript that WeChat's engine takes; a script with an error in it is not run at all",
    document=RUNNING,
    says="app.js is run first; a page whose script fails is not registered",
    mend="Mend the line; the developer tool marks it too.",
)
def syntax_error(case: Case) -> Iterator[Breach]:
    for script in case.program.scripts.values() if case.program is not None else ():
        for place in script.errors():
            yield Breach(f"{place.file} cannot be read from line {place.line} on", place.file, place=place)
            break


@rule(
    "page-missing",
    Level.ERROR,
    title="Every page of app.json has its script",
    expected="a file ROUTE.js for each route under pages in app.json",
    document=CONFIGURATION.at("pages"),
    says="each entry stands for a page's path and file name; the four files of the page are looked for there",
    mend="Add the page's script, or take its route out of app.json.",
)
def page_missing(case: Case) -> Iterator[Breach]:
    if case.program is None:
        return
    for route in case.program.pages:
        if f"{route}.js" not in case.program.files:
            yield Breach(f"app.json names the page {route}, and there is no {route}.js", route)


@rule(
    "app-error",
    Level.ERROR,
    title="Nothing is thrown that nobody catches",
    expected="handlers that end without an error: what stands behind it, such as a track(), is not done",
    document=RUNNING,
    says="an error that nobody catches ends the handler and is told to App.onError",
    mend="Mend the line that throws.",
    follows=("syntax-error", "page-missing", "launch-hook", "tracker-on-app"),
)
def app_error(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        for mark in seen.trace.marks:
            if mark.moment is Moment.ERROR:
                key = f"{mark.place.file if mark.place else mark.page} {mark.detail.partition(chr(10))[0]}"
                yield Breach(f"uncaught: {mark.detail}", key, seen.visitor, mark.at, mark.page, place=mark.place)


@rule(
    "app-stopped",
    Level.ERROR,
    title="The program ends by itself",
    expected="handlers and timers that end, in bounded memory and with a bounded number of requests",
    document=RUNNING,
    says="a mini program that takes too much memory or does not answer is ended by WeChat",
    mend="Look for a loop without an end, an array that only grows, or a timer that sends without a pause.",
)
def app_stopped(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        for mark in seen.trace.marks:
            if mark.moment is Moment.STOPPED:
                text = f"the program was stopped: {mark.detail}"
                yield Breach(text, f"{mark.page} {mark.detail}", seen.visitor, mark.at, mark.page, place=mark.place)


RULES = (syntax_error, page_missing, app_error, app_stopped)
