"""Where visitors come from: the parameters of the path, within its limit or behind a code, and on every event."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from simulator.events import Source
from simulator.inspect.capture import DMHUB, Capture, Meaning
from simulator.inspect.case import Case, Seen, Stay, query_of, stays, told
from simulator.inspect.documents import MONITORING
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.rules.launching import CAUSES
from simulator.runtime.trace import Mark, Moment
from simulator.wechat import MAX_CODE_LENGTH, MAX_PATH_BYTES, encode_path
from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.request import Record

_ADVERTISING = MONITORING.at("4.2 Ad monitor")
_OTHERS = re.compile(r"source[0-9]+")
_SOURCE_KEY = re.compile(r"[?&]cl_(?:sr|ctnm|source[0-9]+)=")


@rule(
    "source-on-events",
    Level.ERROR,
    title="The source of the launch is on every event of the open",
    expected="source and contentName (and sourceN) as the path of the last entry that names a source says them: kept "
    "over a return without parameters, replaced as a whole by one with them, gone with a new launch",
    document=_ADVERTISING,
    says="When the applet is launched, the path with parameters can be used to track data from different sources",
    mend="Take cl_sr, cl_ctnm and cl_sourceN from the options of onLaunch and onShow, and pass those of onShow on to "
    "onAppShow(params).",
    follows=(*CAUSES, "event-time", "show-hook", "show-parameters", "source-lookup"),
)
def source_on_events(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        entries = stays(seen, case.facts)
        begins = [stay.begin for stay in entries]
        for capture, record in seen.events():
            if capture.format != DMHUB:
                continue  # other trackers take sources from parameters of their own
            at = capture.exchange.at if record.date is None else record.date
            place = bisect_right(begins, at) - 1
            if place >= 0:
                yield from _wrong_source(seen, capture, record, entries[place])


def _wrong_source(seen: Seen, capture: Capture, record: Record, stay: Stay) -> Iterator[Breach]:
    expected = stay.source
    others = tuple(sorted(expected.others))
    got_others = tuple(sorted((k, v) for k, v in capture.fields.items() if _OTHERS.fullmatch(k)))
    if (record.source, record.content, got_others) == (expected.name, expected.content, others):
        return
    got = Source(record.source, record.content, got_others)
    entry = "launch" if stay.entry.moment is Moment.APP_LAUNCH else "return"
    lost = "lost" if not record.source else "other"
    text = f"{record.event} says {_said(got)}; the {entry} before it gives {_said(expected)}"
    yield told(seen, capture, text, f"{entry} {lost}")


def _said(source: Source) -> str:
    given = (("source", source.name), ("contentName", source.content), *source.others)
    return ", ".join(f"{key}={value}" for key, value in given if value) or "no source"


@rule(
    "source-lookup",
    Level.ERROR,
    title="The complete URL behind a code is looked up before the first event",
    expected="for a launch or return with a code: one call for its complete URL, before the first event is sent",
    document=_ADVERTISING,
    says="Method 2: if it exceeds 128 bits, this method needs to call OpenAPI to obtain the complete URL for "
    "parameter analysis",
    mend=f"Ask GET {LINKS_PATH}/{{code}} (or what the target names in its place) when query.scene holds a code, and "
    "hold events back until it is answered.",
    follows=CAUSES,
)
def source_lookup(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        entries = stays(seen, case.facts)
        for place, stay in enumerate(entries):
            if not stay.code:
                continue
            end = entries[place + 1].begin if place + 1 < len(entries) else None
            yield from _not_looked_up(seen, stay, [one for one in seen.captures if _is_within(one, stay, end)])


def _is_within(capture: Capture, stay: Stay, end: int | None) -> bool:
    return capture.exchange.at >= stay.begin and (end is None or capture.exchange.at < end)


def _not_looked_up(seen: Seen, stay: Stay, captures: list[Capture]) -> Iterator[Breach]:
    lookups = [one for one in captures if one.meaning is Meaning.LOOKUP]
    first = next((one for one in captures if one.meaning is Meaning.EVENTS), None)
    if not lookups:
        text = f"an entry with the code {stay.code!r} looked nothing up"
        yield Breach(text, "none", seen.visitor, stay.begin, stay.entry.page)
        return
    reply = lookups[0].exchange.reply
    if reply is None or reply.status != 200:
        what = f"status {reply.status}" if reply is not None else lookups[0].exchange.failed or "nothing"
        yield told(seen, lookups[0], f"the lookup of the code {stay.code!r} was answered with {what}", "failed")
    elif first is not None and first.exchange.number < lookups[0].exchange.number:
        text = f"{first.records[0].event} was sent before the code {stay.code!r} was looked up"
        yield told(seen, first, text, "late")


@rule(
    "path-size",
    Level.ERROR,
    title=f"A path with source parameters has at most {MAX_PATH_BYTES} bytes, a code {MAX_CODE_LENGTH} characters",
    expected=f"at most {MAX_PATH_BYTES} bytes once percent-encoded (method 1); with more, a code of at most "
    f"{MAX_CODE_LENGTH} characters in scene (method 2)",
    document=_ADVERTISING,
    says="Method 1: fewer parameters and no more than 128 bits. Method 2: many parameters, exceeding 128 bits",
    mend="Shorten the parameters, or register the complete URL and put its code into scene.",
)
def path_size(case: Case) -> Iterator[Breach]:
    for script in case.code.own_scripts if case.code is not None else ():
        for text, place in script.texts():
            size = len(encode_path(text.encode(errors="replace").decode()))
            if _SOURCE_KEY.search(text) and size > MAX_PATH_BYTES:
                route = text.partition("?")[0]
                yield Breach(f"a path of {size} bytes with source parameters", route, place=place)
    for seen in case.visitors:
        for mark in seen.trace.marks:
            path = mark.data.get("path") if mark.moment is Moment.SHARE and isinstance(mark.data, dict) else None
            if isinstance(path, str) and _SOURCE_KEY.search(path):
                size = len(encode_path(path.encode(errors="replace").decode()))
                if size > MAX_PATH_BYTES:
                    text = f"{mark.page} is shared with a path of {size} bytes"
                    yield Breach(text, path.partition("?")[0], seen.visitor, mark.at, mark.page)
            if mark.moment in (Moment.APP_LAUNCH, Moment.APP_SHOW):
                yield from _long_code(seen, mark)


def _long_code(seen: Seen, mark: Mark) -> Iterator[Breach]:
    code = query_of(mark).get("scene", "")
    if len(code) > MAX_CODE_LENGTH:
        yield Breach(f"a code of {len(code)} characters", "code", seen.visitor, mark.at, mark.page)


RULES = (source_on_events, source_lookup, path_size)
