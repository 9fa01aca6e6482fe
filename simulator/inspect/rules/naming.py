"""What events are called."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.inspect.case import Case, told
from simulator.inspect.documents import MONITORING, OPEN_API
from simulator.inspect.rule import Breach, Level, rule
from simulator.runtime.trace import Place
from simulator.wechat import CUSTOM_PREFIX, MAX_EVENT_NAME, TRACKER_EVENTS
from simulator.wire.dmhub_fields import SHOW_EVENT

_EXAMPLES = MONITORING.at("3 Examples of recording events")


def _in_source(case: Case) -> Iterator[tuple[str, Place]]:
    """The names that the program gives to track(), where they are written out."""
    for called in case.code.tracker_calls("track") if case.code is not None and case.is_dmhub() else ():
        first = called.values()[:1]
        if first and isinstance(first[0], str):
            yield first[0], called.place


@rule(
    "event-prefix",
    Level.ERROR,
    title=f"Custom events begin with {CUSTOM_PREFIX}",
    expected=f"{', '.join(sorted(TRACKER_EVENTS))}, or a name that begins with {CUSTOM_PREFIX}",
    document=_EXAMPLES,
    says=f"custom events start with {CUSTOM_PREFIX} and are added in the system first",
    mend=f"Call it {CUSTOM_PREFIX}…, and register it under that name.",
)
def event_prefix(case: Case) -> Iterator[Breach]:
    for name, place in _in_source(case):
        if _lacks_prefix(name):
            yield Breach(f"track({name!r}): neither the tracker's own event nor {CUSTOM_PREFIX}…", name, place=place)
    for seen, capture, record in case.dmhub_events():
        if _lacks_prefix(record.event):
            text = f"the event {record.event} is neither the tracker's own nor {CUSTOM_PREFIX}…"
            yield told(seen, capture, text, record.event)


def _lacks_prefix(name: str) -> bool:
    return bool(name) and name not in TRACKER_EVENTS and not name.startswith(CUSTOM_PREFIX)


@rule(
    "event-registered",
    Level.ERROR,
    title="Custom events are registered in the system",
    expected="each custom event under app.events of the scenario, as it is registered in the system",
    document=_EXAMPLES,
    says="If you need to record custom events, please add them in the system first",
    mend="Register the event in the system (and add it to app.events), or correct its name.",
)
def event_registered(case: Case) -> Iterator[Breach]:
    registered = case.facts.events
    for name, place in _in_source(case):
        if _is_unregistered(name, registered):
            yield Breach(f"track({name!r}): the event is not registered", name, place=place)
    for seen, capture, record in case.dmhub_events():
        if _is_unregistered(record.event, registered):
            yield told(seen, capture, f"the event {record.event} is not registered", record.event)


def _is_unregistered(name: str, registered: frozenset[str]) -> bool:
    return (
        name.startswith(CUSTOM_PREFIX) and name not in registered and name != SHOW_EVENT and len(name) <= MAX_EVENT_NAME
    )


@rule(
    "event-size",
    Level.ERROR,
    title=f"Names of events have at most {MAX_EVENT_NAME} characters",
    expected=f"at most {MAX_EVENT_NAME} characters; a longer one is a bad event, which counts nowhere",
    document=OPEN_API.at("event"),
    says=f"event: at most {MAX_EVENT_NAME} characters",
    mend="Find a shorter name, and put what differs into a property.",
)
def event_size(case: Case) -> Iterator[Breach]:
    for name, place in _in_source(case):
        if len(name) > MAX_EVENT_NAME:
            yield Breach(f"track({name[:64]!r}): a name of {len(name)} characters", name, place=place)
    for seen, capture, record in case.dmhub_events():
        if len(record.event) > MAX_EVENT_NAME:
            text = f"the event {record.event[:64]} has a name of {len(record.event)} characters"
            yield told(seen, capture, text, record.event)


RULES = (event_prefix, event_registered, event_size)
