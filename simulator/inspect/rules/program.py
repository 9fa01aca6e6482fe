"""Whether the program itself runs: pages that are there, scripts that can be read, nothing thrown, nothing stopped."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.inspect.case import Case
from simulator.inspect.documents import CONFIGURATION, MODULES, RUNNING
from simulator.inspect.rule import Breach, Level, rule
from simulator.runtime.program import Trouble
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
    yield from _problems(case, Trouble.SYNTAX)


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
    yield from _problems(case, Trouble.MISSING_PAGE)


@rule(
    "program-files",
    Level.ERROR,
    title="The files of the program can be used",
    expected="app.js, an app.json that names its pages, readable text, within WeChat's limits of size",
    document=CONFIGURATION,
    says="app.js, app.json and the pages that it names make a mini program",
    mend="Mend the file that is named.",
)
def program_files(case: Case) -> Iterator[Breach]:
    yield from _problems(case, *(set(Trouble) - {Trouble.SYNTAX, Trouble.MISSING_PAGE}))


def _problems(case: Case, *troubles: Trouble) -> Iterator[Breach]:
    for problem in case.problems:
        if problem.trouble in troubles:
            yield Breach(problem.text, f"{problem.trouble} {problem.place.file}", place=problem.place)


@rule(
    "require-circle",
    Level.WARNING,
    title="No scripts require one another in a circle",
    expected="a script that is whole when another uses it: in a circle one of them gets what the other has exported so "
    "far, which may be nothing yet",
    document=MODULES,
    says="require gives what the other module exports",
    mend="Move what both need into a third script, or require inside the function that uses it.",
)
def require_circle(case: Case) -> Iterator[Breach]:
    for circle, place in case.code.circles() if case.code is not None else ():
        way = " → ".join((*circle, circle[0]))
        yield Breach(f"scripts require one another: {way}", " ".join(sorted(circle)), place=place)


@rule(
    "app-error",
    Level.ERROR,
    title="Nothing is thrown that nobody catches",
    expected="handlers that end without an error: what stands behind it, such as a track(), is not done",
    document=RUNNING,
    says="an error that nobody catches ends the handler and is told to App.onError",
    mend="Mend the line that throws.",
    follows=("syntax-error", "page-missing", "program-files", "launch-hook", "tracker-on-app", "app-stopped"),
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


RULES = (syntax_error, page_missing, program_files, require_circle, app_error, app_stopped)
