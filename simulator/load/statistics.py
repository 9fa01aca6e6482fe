"""What Locust is told of every attempt, so that its statistics, CSV files and web UI are right.

The name of a row is the event's name on the wire, never a URL. Earlier visits and lookups are no part of the load.
The response time counts from the intended instant, so a collector that stalls cannot hide behind requests that were
never sent.
"""

from __future__ import annotations

from typing import Any

from simulator.load.walk import Walk
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request


class LocustStatistics:
    """Fires Locust's request event for each attempt."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._request = environment.events.request
        self._troubles: dict[tuple[Outcome, Evidence, int], str] = {}

    def __call__(self, walk: Walk, answer: Answer, outcome: Outcome, sent_ns: int, done_ns: int) -> None:
        """An attempt is through."""
        request = walk.request
        if request.purpose is not Purpose.EVENT:
            return  # earlier visits and lookups count in no rate and no latency (CONTRACT section 1)
        method, name = request.method, row_name(request)
        response_ms = (done_ns - walk.intended_ns) / 1e6
        trouble = None if outcome is Outcome.ACKED else self._trouble(answer, outcome)
        handlers = self._request._handlers
        if len(handlers) == 1 and handlers[0].__module__ == "locust.runners":
            # Only Locust's own listener: what it does, without the cost of an event.
            statistics = self._environment.stats
            statistics.log_request(method, name, response_ms, len(answer.body))
            if trouble is not None:
                statistics.log_error(method, name, trouble)
            return
        self._request.fire(
            request_type=method,
            name=name,
            response_time=response_ms,
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
    if len(request.records) == 1:
        return request.records[0].event or "(no event)"
    return "batch" if request.records else "request"


def _seen(answer: Answer) -> str:
    if answer.evidence is Evidence.REPLY:
        return f"HTTP {answer.status}"
    return answer.evidence.name.lower().replace("_", " ")
