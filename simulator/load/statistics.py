"""What Locust is told of every attempt, so that its statistics, CSV files and web UI are right.

The name of a row is the event's name on the wire, never a URL. Earlier visits and lookups are no part of the load.
The response time counts from the intended instant, so a collector that stalls cannot hide behind requests that were
never sent.

Where nobody but Locust itself listens, the numbers of half a second are told at once: telling each by itself costs as
much as sending it. Listeners of users get every event as it comes.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from gevent.hub import get_hub

from simulator.load.walk import Walk
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request

_SECOND_NS = 1_000_000_000
_FLUSH = 0.5  # seconds that a number may wait

Row = tuple[str, str]  # name and method, as Locust's entries are found


class _Batch:
    """The attempts of one row since the last flush."""

    __slots__ = ("bytes", "milliseconds", "troubles")

    def __init__(self) -> None:
        self.milliseconds: list[float] = []  # from the intended instant
        self.bytes = 0
        self.troubles: list[str] = []  # one for each that failed


class LocustStatistics:
    """Tells Locust's statistics, or fires its request event where users listen too."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._request = environment.events.request
        self._troubles: dict[tuple[Outcome, Evidence, int], str] = {}
        self._batches: dict[Row, _Batch] = {}
        self._second = 0  # Unix second of the attempts in the batches
        self._last_ns = 0
        self._timer: Any = None
        self._locusts: Any = None  # Locust's own listener
        # Of Locust's module of statistics, which is not imported here: that would replace sockets and threads.
        self._entry_class: Any = type(environment.stats.total)

    def __call__(self, walk: Walk, answer: Answer, outcome: Outcome, sent_ns: int, done_ns: int) -> None:
        """An attempt is through."""
        request = walk.request
        if request.purpose is not Purpose.EVENT:
            return  # earlier visits and lookups count in no rate and no latency (CONTRACT section 1)
        trouble = None if outcome is Outcome.ACKED else self._trouble(answer, outcome)
        handlers = self._request._handlers
        if len(handlers) == 1 and (handlers[0] is self._locusts or self._is_locusts(handlers[0])):
            self._add(walk, len(answer.body), trouble, done_ns)
        else:
            self._fire(walk, answer, trouble, sent_ns, done_ns)

    def _is_locusts(self, listener: Any) -> bool:
        if listener.__module__ != "locust.runners":
            return False
        self._locusts = listener
        return True

    def flush(self) -> None:
        """Tell Locust what waits; call it when the load is over."""
        batches, self._batches = self._batches, {}
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        for (name, method), batch in batches.items():
            told = self._entry(name, method, batch)
            all_rows = self._environment.stats
            all_rows.total.extend(told)
            all_rows.entries[name, method].extend(told)
            for trouble in batch.troubles:
                all_rows.log_error(method, name, trouble)

    def _add(self, walk: Walk, length: int, trouble: str | None, done_ns: int) -> None:
        second = done_ns // _SECOND_NS
        if second != self._second:
            self.flush()  # Locust counts requests by the second in which they ended
            self._second = second
        request = walk.request
        row = (row_name(request), request.method)
        batch = self._batches.get(row)
        if batch is None:
            batch = self._batches[row] = _Batch()
            if self._timer is None:
                self._timer = get_hub().loop.timer(_FLUSH)
                self._timer.start(self.flush)
        batch.milliseconds.append((done_ns - walk.intended_ns) / 1e6)
        batch.bytes += length
        self._last_ns = done_ns
        if trouble is not None:
            batch.troubles.append(trouble)

    @property
    def _bucket(self) -> Any:
        """How Locust rounds response times; a user may have put another function in its place."""
        return vars(sys.modules[self._entry_class.__module__])["bucket_response_time"]

    def _entry(self, name: str, method: str, batch: _Batch) -> Any:
        """A batch as Locust keeps it."""
        entry = self._entry_class(self._environment.stats, name, method)
        entry.num_requests = len(batch.milliseconds)
        entry.num_reqs_per_sec[self._second] = entry.num_requests
        entry.last_request_timestamp = self._last_ns / 1e9
        entry.total_response_time = sum(batch.milliseconds)
        entry.min_response_time = min(batch.milliseconds)
        entry.max_response_time = max(batch.milliseconds)
        entry.total_content_length = batch.bytes
        # Locust rounds to whole milliseconds below a hundred; by the built-in it is four times as fast.
        plain = entry.max_response_time < 100 and self._bucket.__module__ == self._entry_class.__module__
        entry.response_times.update(Counter(map(round if plain else self._bucket, batch.milliseconds)))
        return entry

    def _fire(self, walk: Walk, answer: Answer, trouble: str | None, sent_ns: int, done_ns: int) -> None:
        request = walk.request
        self._request.fire(
            request_type=request.method,
            name=row_name(request),
            response_time=(done_ns - walk.intended_ns) / 1e6,
            response_length=len(answer.body),
            exception=trouble,
            context={},
            start_time=sent_ns / 1e9,
            url=request.target,
            response=None,
        )

    def _trouble(self, answer: Answer, outcome: Outcome) -> str:
        key = (outcome, answer.evidence, answer.status)
        trouble = self._troubles.get(key)
        if trouble is None:
            trouble = f"{outcome.name.lower()}: {_seen(answer)}"
            self._troubles[key] = trouble
        return trouble


def row_name(request: Request) -> str:
    """The row of a request: few names, whatever the number of visitors."""
    records = request.records
    if len(records) == 1:
        return records[0].event or "(no event)"
    return "batch" if records else "request"


def _seen(answer: Answer) -> str:
    if answer.evidence is Evidence.REPLY:
        return f"HTTP {answer.status}"
    return answer.evidence.name.lower().replace("_", " ")
