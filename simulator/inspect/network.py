"""Who answers a program under test: the collector, well or in trouble; the lookups; the application's own backend.

The collector answers 200 to what it can read, and 404 to paths that it does not have. The backend is a table
(runtime/backend.py); it knows a visitor by what the journey pushes of them: a journey without a push is of somebody who
does not log in.

Not here: how long a request takes on a phone, and what the background does to it (runtime/).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import unquote

from simulator.events import Json, Kind, Visit
from simulator.immutable import immutable
from simulator.inspect.capture import DMHUB, Capture, Meaning, Recogniser
from simulator.inspect.case import Trouble
from simulator.runtime.answering import Answerer, Failure
from simulator.runtime.backend import Backend, answerer, entry_for
from simulator.runtime.trace import Exchange, Reply
from simulator.times import SECOND, Ms
from simulator.wechat import REPLY_TIMEOUT
from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.dmhub_fields import SLOTS

COLLECTOR_AFTER = Ms(20)  # of the collector and of lookups, while they are well
SLOW_AFTER = Ms(20 * SECOND)  # of a collector in that trouble
DMHUB_PATHS = frozenset({"/cbe/__utm", "/__utm"})  # that the collector of the source document has
_JSON = (("content-type", "application/json"),)


@immutable(frozen=True, slots=True)
class Network:
    """Everything that a program can reach."""

    recogniser: Callable[[], Recogniser]  # a fresh one, for one visitor
    paths: frozenset[str] = DMHUB_PATHS  # of the source document's events; empty: any
    backend: Backend = field(default_factory=Backend)
    unanswered: Callable[[Exchange], None] | None = None  # told of each request that only {} was the answer to

    def answerer(self, visit: Visit | None, trouble: Trouble | None = None, until: Ms = Ms(0)) -> Answerer:
        """Who answers the requests of one visit.

        Args:
            trouble: what the collector does until that instant.
        """
        recogniser = self.recogniser()
        lives = identities_told(visit) if visit is not None else ()
        begins = [begin for begin, _ in lives]
        visitor = visit.visitor if visit is not None else -1
        backends = [answerer(self.backend, known, visitor) for _, known in lives]
        stranger = answerer(self.backend, {}, visitor)
        links = {event.code: event.link for event in visit.events if event.code} if visit is not None else {}

        def answer(exchange: Exchange) -> Reply | Failure:
            capture = recogniser.read(exchange)
            if capture.meaning is Meaning.LOOKUP:
                return _link(exchange, links)
            if capture.meaning is Meaning.OTHER:
                life = bisect_right(begins, exchange.at) - 1
                if self.unanswered is not None and entry_for(self.backend, exchange) is None:
                    self.unanswered(exchange)
                return (backends[life] if life >= 0 else stranger)(exchange)
            if trouble is not None and exchange.at < until:
                return in_trouble(exchange, trouble)
            return Reply(Ms(exchange.at + COLLECTOR_AFTER), self._status(capture), _JSON, b"{}")

        return answer

    def _status(self, capture: Capture) -> int:
        path = capture.exchange.address.path
        is_there = capture.format != DMHUB or not self.paths or path in self.paths
        return 200 if capture.meaning is Meaning.EVENTS and is_there else 404


def _link(exchange: Exchange, links: Mapping[str, str]) -> Reply:
    """The complete URL behind a code, as the collector's interface tells it."""
    link = links.get(unquote(exchange.address.path.removeprefix(f"{LINKS_PATH}/")))
    body: Json = {"error": "no such code"} if link is None else {"url": link}
    return Reply(Ms(exchange.at + COLLECTOR_AFTER), 404 if link is None else 200, _JSON, _as_json(body))


def in_trouble(exchange: Exchange, trouble: Trouble) -> Reply | Failure:
    """What a collector in trouble answers."""
    if trouble is Trouble.ERROR:
        return Reply(Ms(exchange.at + COLLECTOR_AFTER), 500, (), b"Internal Server Error")
    if trouble is Trouble.SLOW:
        return Reply(Ms(exchange.at + SLOW_AFTER), 200, _JSON, b"{}")
    return Failure(Ms(exchange.at + REPLY_TIMEOUT), "request:fail timeout", 5)


def identities_told(visit: Visit) -> tuple[tuple[Ms, Mapping[str, str]], ...]:
    """Whom the backend knows: from each launch on, the identities by type that the journey has pushed by the end of it.

    On each device for itself: who logs in on one phone is not logged in on the other.
    """
    devices: dict[str, dict[str, str]] = {}
    lives: list[tuple[Ms, dict[str, str]]] = []
    for event in visit.events:
        known = devices.setdefault(event.device.anonymous_id, {})
        if event.kind is Kind.LAUNCH:
            lives.append((event.at, dict(known)))
        elif event.kind is Kind.PUSH:
            pushed = dict(event.pushed)
            for kind_key, value_key in SLOTS:
                kind, value = pushed.get(kind_key), pushed.get(value_key)
                if isinstance(kind, str) and isinstance(value, str):
                    known[kind] = value
                    lives[-1][1][kind] = value
    return tuple(lives)


def _as_json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
