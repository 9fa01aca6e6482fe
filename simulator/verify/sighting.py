"""What the attempts of one event say about the copies of it that the collector holds.

An attempt is acked, refused, or unknown. So an event is stored at least and at most so many times, and its first copy
arrived within a window of time. What the outcomes mean for a total is bounds.py; where they come from is wire/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from simulator.contract import Contract, Dedupe
from simulator.immutable import immutable
from simulator.ledger.read import Fields, decode
from simulator.ledger.record import Attempt
from simulator.times import Ms
from simulator.wire.request import Outcome, Purpose, Record, Request

NEVER = 1 << 63  # an instant after every other, in ns and in ms: nothing says when it arrived, if ever
_NS = 1_000_000

AttemptsOf = Mapping[tuple[int, int], Sequence[Attempt]]  # by (visitor, Request.number)
RowsOf = Mapping[tuple[int, int], Fields]  # likewise
_NONE: RowsOf = MappingProxyType({})


@immutable(frozen=True, slots=True)
class Sighting:
    """One event: what it says, and the least and most stored copies of it."""

    record: Record
    low: int  # least stored copies; 1 or more: the event is certain
    high: int  # most stored copies; 0: it is certainly absent
    earliest: Ms  # of the instant that puts it into its cells
    latest: Ms  # the same instant as `earliest` where the collector goes by the date on the wire
    arrived: int  # ns; the first copy, if any, came not before
    arrived_by: int  # ns; nor after; NEVER: no reply says that it is stored
    dated: bool = True  # the collector goes by the date on the wire, not by arrival
    place: int = 0  # among the events of its request


def copies(acked: int, unknown: int, dedupe: Dedupe | Literal["by_content"]) -> tuple[int, int]:
    """Least and most stored copies after so many attempts with those outcomes.

    Exact: every number between is reachable. Refused attempts store nothing.
    Source: reference/verification-model.md, section 4.
    """
    if dedupe == "none":
        return acked, acked + unknown
    if dedupe == "maybe":
        return min(acked, 1), acked + unknown
    return min(acked, 1), min(acked + unknown, 1)


def sightings_of(
    requests: Iterable[Request], attempts_of: AttemptsOf, contract: Contract, acked: RowsOf = _NONE
) -> list[Sighting]:
    """What the ledger says about every event of the requests, in their order.

    A request without an attempt was never sent: its events are certainly absent. Where the collector need not
    recognise a copy, and its place among the others is that of its arrival, each attempt is a sighting of its own.

    Args:
        acked: requests that were sent once and acked, as the numbers of that attempt; they are not in `attempts_of`.
    """
    seen: list[Sighting] = []
    simple = contract.time == "event" and contract.max_age is None
    for request in requests:
        if not request.records:
            continue
        key = (request.visitor, request.number)
        row = acked.get(key)
        if row is None:
            attempts = attempts_of.get(key, ())
        elif simple:
            # The usual case, which the rest of this function would answer alike.
            sent, done = row[10:12]
            for place, record in enumerate(request.records):
                if record.date is not None:
                    seen.append(Sighting(record, 1, 1, record.date, record.date, sent, done, True, place))
                else:
                    seen.extend(_seen(record, place, (decode(row),), contract))
            continue
        else:
            attempts = (decode(row),)
        for place, record in enumerate(request.records):
            seen.extend(_seen(record, place, attempts, contract))
    return seen


def _seen(record: Record, place: int, attempts: Sequence[Attempt], contract: Contract) -> Iterator[Sighting]:
    dated = contract.time == "event" and record.date is not None
    if any(attempt.apart for attempt in attempts):
        attempts = [attempt.of_event(place) for attempt in attempts]
    rule = rule_of(record, contract.dedupe)
    apart = rule in ("none", "maybe") if contract.order == "arrival" else rule == "none" and not dated
    if apart and len(attempts) > 1:
        for attempt in attempts:
            yield _sighting(record, place, (attempt,), rule, dated, contract)
    else:
        yield _sighting(record, place, attempts, rule, dated, contract)


def rule_of(record: Record, dedupe: Dedupe) -> Dedupe | Literal["by_content"]:
    """How copies of this record are recognised: a promise by id needs an id, or at least a date, on the wire.

    Of malformed events nobody promises anything: a list of bad ones may have each copy.
    """
    if record.bad and dedupe != "none":
        return "maybe"
    if dedupe != "by_id" or record.external_id:
        return dedupe
    return "by_content" if record.date is not None else "none"


def _sighting(
    record: Record,
    place: int,
    attempts: Sequence[Attempt],
    rule: Dedupe | Literal["by_content"],
    dated: bool,
    contract: Contract,
) -> Sighting:
    kept = [attempt for attempt in attempts if attempt.outcome is not Outcome.REFUSED]
    acked = [attempt for attempt in kept if attempt.outcome is Outcome.ACKED]
    low, high = copies(len(acked), len(kept) - len(acked), rule)
    arrived = min((attempt.sent_ns for attempt in kept), default=0)
    arrived_by = min((attempt.done_ns for attempt in acked), default=NEVER)
    # Several copies may each count on their own, so what is certain of all is certain only with the last.
    certain_by = arrived_by if high <= 1 else max((attempt.done_ns for attempt in acked), default=NEVER)
    if dated and record.date is not None:
        earliest = latest = record.date
    else:
        possible_by = certain_by if high <= 1 or len(kept) == len(acked) else NEVER
        earliest, latest = _window(arrived, possible_by, contract.clock_bound)
    low, high = _of_age(record, low, high, _window(arrived, certain_by, contract.clock_bound), contract)
    return Sighting(record, low, high, earliest, latest, arrived, arrived_by, dated, place)


def _window(arrived: int, arrived_by: int, clock_bound: Ms) -> tuple[Ms, Ms]:
    latest = NEVER if arrived_by == NEVER else -(-arrived_by // _NS) + clock_bound
    return Ms(arrived // _NS - clock_bound), Ms(latest)


def _of_age(record: Record, low: int, high: int, arrived: tuple[Ms, Ms], contract: Contract) -> tuple[int, int]:
    """The same copies, less those that are too old when they come (exactly `max_age` is not too old)."""
    limit = contract.max_age
    if limit is None or record.date is None:
        return low, high
    if contract.age == "device":
        return (0, 0) if record.waited > limit else (low, high)
    first, last = arrived
    if first - record.date > limit:
        return 0, 0
    return (0, high) if last - record.date > limit else (low, high)


def planned_sightings(requests: Iterable[Request], contract: Contract, begin: Ms) -> list[Sighting]:
    """What every event of a plan leads to when each attempt of it is acked, in sending order.

    Planned duplicates are sent; planned retries are not, since nothing fails. An event that has no instant of its
    own lies before `begin` when it belongs to an earlier visit, else in the period.
    """
    seen: list[Sighting] = []
    for request in requests:
        for place, record in enumerate(request.records):
            rule = rule_of(record, contract.dedupe)
            low, high = copies(1 + request.duplicates, 0, rule)
            if contract.max_age is not None and contract.age == "device" and record.waited > contract.max_age:
                low = high = 0
            # Requests of one visitor leave one after another, also those of one instant.
            arrived = request.leaves * _NS + request.number
            if contract.time == "event" and record.date is not None:
                seen.append(Sighting(record, low, high, record.date, record.date, arrived, arrived, True, place))
            else:
                at = Ms(begin - 1) if record.setup else begin
                seen.append(Sighting(record, low, high, at, at, arrived, arrived, False, place))
    return seen


@immutable(frozen=True, slots=True)
class AttemptSummary:
    """Physical sends of judged events; sent = acked + refused + unknown. Planned duplicates and retries count."""

    sent: int = 0
    acked: int = 0
    refused: int = 0
    unknown: int = 0

    def __add__(self, other: AttemptSummary) -> AttemptSummary:
        return AttemptSummary(
            self.sent + other.sent,
            self.acked + other.acked,
            self.refused + other.refused,
            self.unknown + other.unknown,
        )

    @property
    def failed(self) -> int:
        """Sends of which no acknowledgement is known."""
        return self.refused + self.unknown


def attempt_summary(attempts: Iterable[Attempt]) -> AttemptSummary:
    """Count the attempts by outcome; lookups and earlier visits are not judged events and do not count."""
    count = {Outcome.ACKED: 0, Outcome.REFUSED: 0, Outcome.UNKNOWN: 0}
    for attempt in attempts:
        if attempt.purpose is Purpose.EVENT:
            count[attempt.outcome] += 1
    acked, refused, unknown = count.values()
    return AttemptSummary(acked + refused + unknown, acked, refused, unknown)
