"""How events leave the phone: where to, whether they arrive, once, in order, and in what a collector can read."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.inspect.capture import DMHUB, Capture, Meaning
from simulator.inspect.case import INTERRUPTED, Case, Seen, interrupted_how, told
from simulator.inspect.documents import MONITORING, NETWORK, OPEN_API
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.rules.launching import CAUSES
from simulator.runtime.address import Address
from simulator.runtime.trace import Moment
from simulator.times import SECOND, Ms, format_duration, iso_utc
from simulator.wechat import SUSPEND_AFTER
from simulator.wire import dmhub_fields as keys
from simulator.wire.request import Record

_DOMAIN = MONITORING.at("2.2, server domain name")
_CHECK = MONITORING.at("2.3 Check whether the SDK access is successful")
_CLOCK = Ms(SECOND)  # by which an event may be ahead of its request
_NONSENSE = frozenset({"undefined", "null", "NaN", "[object Object]", "[undefined]", "[null]", "Invalid Date"})


@rule(
    "status-200",
    Level.ERROR,
    title="Every event is answered with status 200",
    expected="status 200 for each request of the tracker",
    document=_CHECK,
    says="Is there a message in the Network of the console (https://cdn.convertlab.com/__utm), and the status is 200",
    mend="Look at the domain and the path that the tracker is configured with; they differ by cloud and tenant.",
)
def status_200(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        for capture in seen.captures:
            if capture.meaning is not Meaning.EVENTS:
                continue
            exchange = capture.exchange
            if exchange.reply is not None and exchange.reply.status != 200:
                path = exchange.address.path
                yield told(seen, capture, f"an event was answered with status {exchange.reply.status}", path)
            elif exchange.reply is None and exchange.failed and INTERRUPTED not in exchange.failed:
                yield told(seen, capture, f"an event was not answered: {exchange.failed}", exchange.failed)


@rule(
    "domain-https",
    Level.ERROR,
    title="Events are sent by https",
    expected="a URL that begins with https://; WeChat refuses any other on a phone",
    document=NETWORK.at("server domain name"),
    says="mini programs can only communicate with the specified domain names by HTTPS",
    mend="Configure the tracker with the https address of the collector.",
)
def domain_https(case: Case) -> Iterator[Breach]:
    for seen, capture in _of_the_tracker(case):
        scheme = capture.exchange.address.scheme
        if scheme != "https":
            yield told(seen, capture, f"an event was sent by {scheme or 'no scheme'}", scheme)


@rule(
    "domain-legal",
    Level.ERROR,
    title="Events go to a domain on the list of legal request domains",
    expected="the collector's host on the list under Development, Server domain name, request",
    document=_DOMAIN,
    says="add the server address to the request legal domain name of the server domain name",
    mend="Add the domain in the WeChat console and to the file that --domains names, or correct the tracker's.",
)
def domain_legal(case: Case) -> Iterator[Breach]:
    legal = case.facts.domains
    if legal is None:
        return
    for seen, capture in _of_the_tracker(case):
        host = _host(capture.exchange.address)
        if host not in legal:
            listed = ", ".join(sorted(legal)) or "nothing"
            yield told(seen, capture, f"an event was sent to {host}; the list has {listed}", host)


def _of_the_tracker(case: Case) -> Iterator[tuple[Seen, Capture]]:
    for seen in case.visitors:
        for capture in seen.captures:
            if capture.meaning is not Meaning.OTHER and not capture.exchange.address.why_not:
                yield seen, capture


def _host(address: Address) -> str:
    """The host, with its port where one is named, as WeChat's list has them."""
    return f"{address.host}:{address.port}" if address.port else address.host


@rule(
    "unknown-encoding",
    Level.WARNING,
    title="What goes to the collector can be read",
    expected="requests in a format that one of the adapters reads; others are counted by nobody here",
    document=MONITORING.at("3 Examples of recording events"),
    says="the interface and identity model of the applet SDK should be consistent with the JS SDK",
    mend="Name the format with --target FILE (its adapter), or switch packing off in the tracker.",
)
def unknown_encoding(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        for capture in seen.captures:
            if capture.meaning is Meaning.UNKNOWN:
                path = capture.exchange.address.path
                yield told(seen, capture, f"nobody here reads {capture.why}", f"{capture.exchange.method} {path}")


@rule(
    "lost-at-hide",
    Level.ERROR,
    title="No event is lost when the program goes to the background",
    expected=f"requests begun in time: those that are not finished {format_duration(SUSPEND_AFTER)} after the hide "
    "fail, and none can be begun until the return; what failed is sent again then",
    document=NETWORK.at("use in the background"),
    says="requests unfinished 5 s after going to the background fail with fail interrupted",
    mend="Send at once instead of from a timer, flush in onHide, and keep what failed in storage to send it on return.",
    follows=CAUSES,
)
def lost_at_hide(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        arrived = {_name_of(record) for capture, record in seen.events() if _is_stored(capture)}
        for capture in seen.captures:
            how = interrupted_how(capture.exchange) or _destroyed_how(seen, capture)
            for record in capture.records if how else ():
                if _name_of(record) not in arrived:
                    yield told(seen, capture, f"{record.event} was lost at the hide: {how}", record.event)


def _destroyed_how(seen: Seen, capture: Capture) -> str:
    """That a request had no end when the program had one; empty where it had, or where nobody saw the program."""
    is_open = capture.exchange.reply is None and not capture.exchange.failed
    return "unfinished when the program was destroyed" if is_open and seen.trace.marks else ""


@rule(
    "sent-twice",
    Level.ERROR,
    title="No event is sent twice",
    expected="one request for each event; another copy only where the first was not answered with 200",
    document=OPEN_API.at("duplicates"),
    says="with externalId duplicates are recognised by it; without, same date, customer and event is the same event",
    mend="Look for a tracker that is set up twice, a handler that is bound twice, or a retry after success.",
)
def sent_twice(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        stored: dict[object, str] = {}
        for capture, record in seen.events():
            # On other wires an event's name may stand for several at one instant, such as a profile's parts.
            by_moment = _moment_of(record) if capture.format == DMHUB else None
            names = {_name_of(record) if record.external_id else None, by_moment} - {None}
            again = next((name for name in names if name in stored), None)
            if again is not None:
                yield told(seen, capture, f"{record.event} was sent again after it was answered with 200", record.event)
            elif _is_stored(capture):
                stored.update(dict.fromkeys(names, record.event))


def _is_stored(capture: Capture) -> bool:
    reply = capture.exchange.reply
    return reply is not None and reply.status == 200


def _name_of(record: Record) -> object:
    """By what a copy of an event is known; None where the wire says nothing to know it by."""
    return ("id", record.external_id) if record.external_id else _moment_of(record)


def _moment_of(record: Record) -> object:
    """What happened when and to whom: two such events are one."""
    if record.date is None:
        return None
    return (record.event, record.date, record.anonymous_id, record.page, record.session)


@rule(
    "order-kept",
    Level.WARNING,
    title="Events leave in the order in which they happened",
    expected="each event's date at or after that of the event sent before it",
    document=OPEN_API.at("date"),
    says="date is when it happened; the first of a user's events tells of whom the others are",
    mend="Send from one queue, and the next event only when the last one was answered or given up.",
)
def order_kept(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        last: dict[str, tuple[Ms, str]] = {}
        known: set[object] = set()
        for capture, record in seen.events():
            if record.date is None or _name_of(record) in known:
                continue
            known.add(_name_of(record))
            before = last.get(record.anonymous_id)
            if before is not None and record.date < before[0]:
                text = f"{record.event} of {iso_utc(record.date)} was sent after {before[1]} of {iso_utc(before[0])}"
                yield told(seen, capture, text, record.event)
            else:
                last[record.anonymous_id] = (record.date, record.event)


@rule(
    "event-time",
    Level.ERROR,
    title="The time of an event is plausible",
    expected="a date in ISO 8601 with an offset, in milliseconds, between the launch and the sending",
    document=OPEN_API.at("date"),
    says="date in UTC, such as 2017-06-01T12:12:12Z",
    mend="Send new Date().toISOString(); not local time without its offset, and not seconds.",
)
def event_time(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        begin = next((mark.at for mark in seen.trace.marks if mark.moment is Moment.APP_LAUNCH), None)
        for capture, record in seen.events():
            if record.bad == keys.BAD_DATE:
                said = capture.fields.get("date", "")
                yield told(seen, capture, f"the date of {record.event} cannot be read: {said[:64]!r}", "unreadable")
            elif record.date is not None and seen.visitor >= 0:
                off = _off(record.date, begin, capture.exchange.at)
                if off:
                    yield told(seen, capture, f"{record.event} is dated {iso_utc(record.date)}, {off}", "off")


def _off(date: Ms, begin: Ms | None, sent: Ms) -> str:
    """How far a date is from what is plausible; empty for one that is."""
    if date > sent + _CLOCK:
        return f"{format_duration(Ms(date - sent))} after it was sent"
    if begin is not None and date < begin - _CLOCK:
        return f"{format_duration(Ms(begin - date))} before the first launch"
    return ""


@rule(
    "event-bad",
    Level.ERROR,
    title="Every event has what a collector needs to take it",
    expected="event, the tenant's own tenantId, and text in UTF-8",
    document=MONITORING.at("2.1 Download SDK"),
    says="Different clouds and tenants have different SDK configuration information",
    mend="Download the SDK of this tenant again, and pass the event's name to track() first.",
)
def event_bad(case: Case) -> Iterator[Breach]:
    for seen, capture, record in case.dmhub_events():
        if record.bad in (keys.NO_EVENT, keys.OTHER_TENANT, keys.NO_UTF8):
            yield told(
                seen, capture, f"a collector does not take {record.event or 'the event'}: {record.bad}", record.bad
            )


@rule(
    "value-size",
    Level.WARNING,
    title=f"Values have at most {keys.LONGEST_VALUE} characters",
    expected=f"at most {keys.LONGEST_VALUE} characters; the tracker or the collector cuts the rest off",
    document=OPEN_API.at("targetId, targetName, tag"),
    says=f"targetName: at most {keys.LONGEST_VALUE} characters",
    mend="Shorten the value, or send an id in its place.",
)
def value_size(case: Case) -> Iterator[Breach]:
    for seen, capture, record in case.dmhub_events():
        for key, value in capture.fields.items():
            if len(value) > keys.LONGEST_VALUE and key not in keys.SLOT_KEYS and key != "event":
                yield told(
                    seen, capture, f"{key} of {record.event} has {len(value)} characters", f"{record.event} {key}"
                )
    for seen in case.visitors:
        for mark in seen.trace.marks:
            if mark.moment is Moment.CALL and mark.detail == "track":
                for key, value in _given(mark.data):
                    if len(value) > keys.LONGEST_VALUE:
                        event = _event_of(mark.data)
                        text = f"{key} of {event} was given with {len(value)} characters"
                        yield Breach(text, f"{event} {key}", seen.visitor, mark.at, mark.page, place=mark.place)


def _given(arguments: object) -> Iterator[tuple[str, str]]:
    for one in arguments if isinstance(arguments, list) else ():
        if isinstance(one, dict):
            yield from ((key, value) for key, value in one.items() if isinstance(value, str))


def _event_of(arguments: object) -> str:
    first = arguments[0] if isinstance(arguments, list) and arguments else ""
    return first if isinstance(first, str) else ""


@rule(
    "value-literal",
    Level.WARNING,
    title="No value is the text of something that was not there",
    expected="values that say something; one that is not known is left out",
    document=MONITORING.at("3 Examples of recording events"),
    says="other parameters, which may be left out",
    mend="Leave the property out while its value is not there, and send the parts of an object one by one.",
)
def value_literal(case: Case) -> Iterator[Breach]:
    for seen, capture, record in case.dmhub_events():
        for key, value in capture.fields.items():
            if value in _NONSENSE and key not in keys.SLOT_KEYS:
                yield told(seen, capture, f"{key} of {record.event} is the text {value!r}", f"{record.event} {key}")


RULES = (
    status_200, domain_https, domain_legal, unknown_encoding, lost_at_hide, sent_twice, order_kept, event_time,
    event_bad, value_size, value_literal,
)  # fmt: skip
