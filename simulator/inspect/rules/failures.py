"""What a tracker does when the collector answers 500, answers late, or does not answer at all.

The documents promise nothing here, so these are warnings: the vendor's tracker of 2018 sends every event once, and
what was not stored is gone. They look at trials alone: runs against a collector that is in trouble for a while.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from simulator.inspect.capture import Capture, Meaning
from simulator.inspect.case import Case, Seen, Trouble, interrupted_how, lives, told
from simulator.inspect.documents import MONITORING, NETWORK
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.rules.launching import CAUSES
from simulator.runtime.trace import Moment
from simulator.times import MINUTE, Ms
from simulator.wechat import MAX_REQUESTS_AT_ONCE, REPLY_TIMEOUT
from simulator.wire.request import Action, Record

_CHECK = MONITORING.at("2.3 Check whether the SDK access is successful")
MOST_TRIES = 10  # of one event within a minute


def _key(record: Record, capture: Capture) -> object:
    """By what the copies of one event are known; where the wire says nothing, each request is an event."""
    if record.external_id:
        return record.external_id
    return capture.exchange.number if record.date is None else (record.event, record.date, record.page)


def _trials(case: Case, trouble: Trouble) -> Iterator[Seen]:
    return (trial.seen for trial in case.trials if trial.trouble is trouble)


def _never_stored(seen: Seen) -> Iterator[tuple[Capture, Record]]:
    """The first try of every event that the collector never answered with 200.

    One that the background ended was lost there, whatever the collector would have said.
    """
    tries: dict[object, tuple[Capture, Record]] = {}
    settled: set[object] = set()
    for capture, record in seen.events():
        key = _key(record, capture)
        tries.setdefault(key, (capture, record))
        reply = capture.exchange.reply
        if (reply is not None and reply.status == 200) or interrupted_how(capture.exchange):
            settled.add(key)
    return (first for key, first in tries.items() if key not in settled)


@rule(
    "after-500",
    Level.WARNING,
    title="An event that was answered with 500 is sent again",
    expected="a later copy of the event, the same in every field, once the collector is well again",
    document=_CHECK,
    says="the status is 200: any other means that the event was not taken",
    mend="Keep the event in storage, so that it survives a restart, and send it again with the same externalId.",
    follows=(*CAUSES, "open-on-launch", "retry-copy"),
)
def after_500(case: Case) -> Iterator[Breach]:
    for seen in _trials(case, Trouble.ERROR):
        for capture, record in _never_stored(seen):
            yield told(seen, capture, f"{record.event} was answered with 500 and never stored", "lost")


@rule(
    "when-silent",
    Level.WARNING,
    title="An event that was never answered is sent again",
    expected=f"a later copy of the event, the same in every field: wx.request fails after {REPLY_TIMEOUT // 1000} s",
    document=NETWORK.at("timeout"),
    says="default and longest timeout 60 s",
    mend="Treat fail like an answer that is not 200: keep the event and send it again, with the same externalId.",
    follows=(*CAUSES, "open-on-launch", "retry-copy"),
)
def when_silent(case: Case) -> Iterator[Breach]:
    for seen in _trials(case, Trouble.SILENT):
        for capture, record in _never_stored(seen):
            yield told(seen, capture, f"{record.event} got no answer and was never stored", "lost")


@rule(
    "when-slow",
    Level.WARNING,
    title="A slow collector does not make the tracker send more",
    expected="no copy of an event while its request is in progress, and at most "
    f"{MAX_REQUESTS_AT_ONCE} requests at a time",
    document=NETWORK.at("limits"),
    says=f"at most {MAX_REQUESTS_AT_ONCE} requests at the same time",
    mend="Wait for success or fail before a retry; a timer of one's own must abort the request first.",
    follows=CAUSES,
)
def when_slow(case: Case) -> Iterator[Breach]:
    for seen in _trials(case, Trouble.SLOW):
        running: list[tuple[Ms, set[object]]] = []  # when it is answered, and the events in it
        for capture in seen.captures:
            if capture.meaning is not Meaning.EVENTS:
                continue
            now = capture.exchange.at
            running = [one for one in running if one[0] > now]
            keys = {_key(record, capture) for record in capture.records}
            if any(keys & others for _, others in running):
                event = capture.records[0].event
                yield told(seen, capture, f"{event} was sent again while its first request was in progress", "again")
            reply = capture.exchange.reply
            running.append((reply.at if reply is not None else Ms(now + REPLY_TIMEOUT), keys))
            if len(running) > MAX_REQUESTS_AT_ONCE:
                yield told(seen, capture, f"{len(running)} requests were in progress at a time", "many")


@rule(
    "retry-copy",
    Level.ERROR,
    title="A retry is the same event",
    expected="externalId, date and everything else as in the first try, so that a collector knows the copy",
    document=MONITORING.at("4.1 Data overview"),
    says="the total number of visits; the total number of times the user has opened the applet",
    mend="Put date and externalId into the event when it happens, not when it is sent.",
    follows=(*CAUSES, "open-on-launch", "view-once"),
)
def retry_copy(case: Case) -> Iterator[Breach]:
    for trial in case.trials:
        seen = trial.seen
        launches = sum(1 for _ in lives(seen))
        shows = sum(mark.moment is Moment.PAGE_SHOW for mark in seen.trace.marks)
        distinct: dict[Action, set[object]] = defaultdict(set)
        last: dict[Action, tuple[Capture, Record]] = {}
        for capture, record in seen.events():
            if record.external_id or record.date is not None:
                distinct[record.action].add((record.external_id, record.date))
                last[record.action] = (capture, record)
        for action, most in ((Action.OPEN, launches), (Action.VIEW, shows)):
            if len(distinct[action]) > most:
                capture, record = last[action]
                text = f"{len(distinct[action])} different {record.event} of {most}: a retry became another event"
                yield told(seen, capture, text, action.value)


@rule(
    "retry-pause",
    Level.WARNING,
    title="Retries leave the collector time",
    expected=f"at most {MOST_TRIES} tries of one event within a minute, with growing pauses",
    document=NETWORK.at("limits"),
    says=f"at most {MAX_REQUESTS_AT_ONCE} requests at the same time",
    mend="Wait longer after each failed try, and stop trying while the program is in the background.",
    follows=CAUSES,
)
def retry_pause(case: Case) -> Iterator[Breach]:
    for trial in case.trials:
        tries: Counter[tuple[object, int]] = Counter()
        for capture, record in trial.seen.events():
            minute = (_key(record, capture), capture.exchange.at // MINUTE)
            tries[minute] += 1
            if tries[minute] == MOST_TRIES + 1:
                text = f"{record.event} was tried more than {MOST_TRIES} times within a minute"
                yield told(trial.seen, capture, text, trial.trouble.value)


RULES = (after_500, when_silent, when_slow, retry_copy, retry_pause)
