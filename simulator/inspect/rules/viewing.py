"""Page views: one for each time that a page is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from simulator.inspect.capture import DMHUB
from simulator.inspect.case import Case, Life, lives
from simulator.inspect.documents import MONITORING
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.rules.launching import CAUSES
from simulator.runtime.trace import Moment
from simulator.wire.dmhub_fields import VIEW_EVENT
from simulator.wire.request import Action


@rule(
    "view-once",
    Level.ERROR,
    title="Every time a page is shown sends one page view",
    expected=f"one {VIEW_EVENT} (or open_page) in each Page.onShow: on opening, on going back to it, on return",
    document=MONITORING.at("4.1 Data overview"),
    says="PV: the total number of visits to all pages of the Mini SourceCode",
    mend="Let the tracker send views by itself (autoTrack) or call track() in onShow of each page, not both, "
    "and not in onLoad.",
    follows=(*CAUSES, "page-missing"),
)
def view_once(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        if not any(capture.records for capture in seen.captures):
            continue
        for life in lives(seen):
            shown, sent = _shown(life, case.facts.view_on_return), _sent(life)
            by_page = any(capture.format == DMHUB for capture in life.captures)
            for page, text in _differences(shown, sent, by_page=by_page):
                yield Breach(text, page, seen.visitor, life.launch.at, page)


def _shown(life: Life, view_on_return: bool) -> Counter[str]:
    shown: Counter[str] = Counter()
    returning = False
    for mark in life.marks:
        if mark.moment is Moment.APP_SHOW:
            returning = mark.at > life.launch.at
        elif mark.moment is Moment.PAGE_SHOW:
            if view_on_return or not returning:
                shown[mark.page] += 1
            returning = False
    return shown


def _sent(life: Life) -> Counter[str]:
    """The views by page; copies of one are one."""
    views = {
        (record.page, record.external_id or record.date or number)
        for number, capture in enumerate(life.captures)
        for record in capture.records
        if record.action is Action.VIEW
    }
    return Counter(page for page, _ in views)


def _differences(shown: Counter[str], sent: Counter[str], *, by_page: bool) -> Iterator[tuple[str, str]]:
    if not by_page:
        shown, sent = Counter({"": shown.total()}), Counter({"": sent.total()})
    for page in sorted(shown.keys() | sent.keys()):
        if shown[page] != sent[page]:
            where = page or "a page"
            yield page, f"{where} was shown {_times(shown[page])} and sent {sent[page] or 'no'} views"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


RULES = (view_once,)
