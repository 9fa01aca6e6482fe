"""What the isolate says of a program's life, as the marks and exchanges of a trace.

The sayings are the records of js/record.js and js/network.js; texts from the program may hold halves of surrogate
pairs, which JavaScript knows and UTF-8 does not, and become U+FFFD.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.events import Json
from simulator.runtime.answering import Failure
from simulator.runtime.bodies import body_bytes
from simulator.runtime.places import place_in
from simulator.runtime.program import Program
from simulator.runtime.trace import Exchange, Mark, Moment, Place, Reply, Trace
from simulator.times import Ms

_OF_THE_PROGRAM = frozenset({Moment.CALL, Moment.API, Moment.MISSING_API, Moment.CONSOLE, Moment.ERROR})


class Recording:
    """One visitor's trace in the making, over all cold starts."""

    def __init__(self, program: Program, visitor: int) -> None:
        self._program = program
        self._visitor = visitor
        self._entries: list[Mark | Exchange] = []
        self._places: dict[int, int] = {}  # of requests without outcome: number to place in the entries
        self.requests = 0  # the number of the next one
        self.page = ""  # route on top
        self.doing = "launch"  # what the program was last called for

    def trace(self) -> Trace:
        """Everything so far."""
        return Trace(self._visitor, tuple(self._entries))

    def mark(self, at: Ms, moment: Moment, detail: str) -> None:
        """A moment that the phone knows of, not the program."""
        self._entries.append(Mark(at, moment, self.page, detail))

    def end_life(self) -> None:
        """The program is gone: what waits for an answer stays without."""
        self._places.clear()
        self.page = ""

    def take_mark(self, said: dict[str, Any]) -> None:
        """A mark as the isolate tells it."""
        moment = Moment(said["m"])
        self.page = _clean(said["page"])
        if moment not in _OF_THE_PROGRAM:
            self.doing = moment.value
        detail, data, place = _clean(said["detail"]), _clean_json(said["data"]), self._place(said["stack"])
        self._entries.append(Mark(Ms(said["at"]), moment, self.page, detail, data, place))

    def _place(self, stack: str) -> Place | None:
        place = place_in(stack)
        if place is None:
            return None
        module = self._program.modules.get(place.file)
        # The columns of an ES module moved when it was turned into CommonJS; its lines did not.
        return Place(place.file, place.line) if module is not None and module.is_esm else place

    def take_request(self, said: dict[str, Any], user_agent: str) -> None:
        """A `wx.request`, with the headers that WeChat sets."""
        number = int(said["n"])
        self.requests = number + 1
        self.page = _clean(said["page"])
        fixed = (
            ("Referer", f"https://servicewechat.com/{self._program.appid}/1/page-frame.html"),
            ("User-Agent", user_agent),
            ("Accept-Encoding", "gzip,compress,br,deflate"),
        )
        headers = tuple([(_clean(name), _clean(value)) for name, value in said["headers"]])
        exchange = Exchange(
            number,
            Ms(said["at"]),
            _clean(said["method"]),
            _clean(said["url"]),
            (*headers, *fixed),
            body_bytes(said["body"], said["binary"]),
            page=self.page,
            after_hide=Ms(said["after"]) if said["after"] >= 0 else None,
            place=self._place(said["stack"]),
        )
        self._places[number] = len(self._entries)
        self._entries.append(exchange)

    def waiting(self, number: int) -> Exchange | None:
        """The request while it has no outcome; None when it has one, or its life has ended."""
        place = self._places.get(number)
        exchange = None if place is None else self._entries[place]
        return exchange if isinstance(exchange, Exchange) else None

    def finish(self, number: int, at: Ms, answer: Reply | Failure | None, why: str) -> None:
        """What became of a request; the first word counts."""
        exchange = self.waiting(number)
        if exchange is not None:
            reply = replace(answer, at=at) if isinstance(answer, Reply) else None
            self._entries[self._places.pop(number)] = replace(exchange, reply=reply, failed=_clean(why))


def _clean(text: str) -> str:
    """The text without halves of surrogate pairs, which JavaScript knows and UTF-8 does not."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _clean_json(value: Json) -> Json:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_clean_json(one) for one in value]
    if isinstance(value, dict):
        return {_clean(key): _clean_json(one) for key, one in value.items()}
    return value
