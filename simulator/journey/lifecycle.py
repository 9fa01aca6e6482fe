"""What happens in a mini program: launch, show, hide, destruction, the page stack, the source.

A `Walk` is one visitor on the way through the acts of a script (script.py) and collects events; nothing here sends or
reads a clock.

Source: CONTRACT section 1; the order of hooks and the classes of scenes: wechat.md sections 1 to 3.
Assumed: the limit of ten pages is not simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from simulator.errors import ScenarioError
from simulator.events import NO_SOURCE, Call, Delivery, Event, Json, Kind, Source, Spoil
from simulator.journey.population import VARIABLE, Person, value_of
from simulator.rand import Stream
from simulator.scenario.model import Scenario
from simulator.times import Ms
from simulator.wechat import CLASS_A_SCENES, OTHER_SCENE, encode_path, parameters, split_path

_CODE_SAFE = "-_.!~*'()/?=&,"  # what the encoding of a path leaves alone
_ALWAYS_SENT = frozenset({Kind.LAUNCH, Kind.VIEW, Kind.TRACK, Kind.MALFORMED})


class Misbehaviour(NamedTuple):
    """How the requests of the current step leave."""

    duplicates: int = 0
    retries: int = 0
    late: Callable[[Walk], int] | None = None  # draws by how much


HONEST = Misbehaviour()


class Address(NamedTuple):
    """Where a path leads, percent-encoded, and the source that its parameters name."""

    route: str
    query: str
    source: Source = NO_SOURCE
    link: str = ""  # the whole path


@lru_cache(maxsize=16_384)
def written(path: str) -> Address:
    """Where a path as it is written leads: many visitors go to the same few."""
    link = encode_path(path)
    route, query = split_path(link)
    return Address(route, query, source_of(query), link)


def source_of(query: str) -> Source:
    """The source parameters of a percent-encoded query: cl_sr, cl_ctnm, cl_sourceN; values decoded once."""
    name = content = ""
    others: dict[str, str] = {}
    for key, value in parameters(query):
        if key == "cl_sr":
            name = value
        elif key == "cl_ctnm":
            content = value
        elif key.startswith("cl_source") and key[9:].isdecimal():
            others[f"source{key[9:]}"] = value
    return Source(name, content, tuple(others.items()))


class Walk:
    """The state of one visitor's mini program while the steps are taken.

    Args:
        shows: a warm show takes an instant, because the tracker sends an event for it.
        first: number of the first event; those before it are of the earlier visit.
        setup: the events are of the earlier visit.
    """

    __slots__ = ("_scenario", "_seed", "_setup", "_shows", "_values", "delivery", "device", "draw", "events", "first",
                 "hidden_at", "last", "launches", "now", "online_at", "running", "scene", "sending", "skew", "source",
                 "stack", "who")  # fmt: skip

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        who: Person,
        arrival: Ms,
        *,
        shows: bool,
        first: int = 0,
        setup: bool = False,
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._shows = shows
        self._setup = setup
        self._values: dict[str, str] = {}  # of variables
        self.who = who
        self.events: list[Event] = []
        self.first = first
        self.draw = Stream("steps", seed, who.visitor)
        self.now: int = arrival
        self.last: int = arrival - 1  # instant of the last event that took one
        self.hidden_at: int | None = None  # in the background since
        self.running = False  # launched and not destroyed
        self.launches = 0  # by launch steps: the second one takes the second device
        self.device = who.device
        self.stack: list[Address] = []  # the open pages, top last
        self.scene = OTHER_SCENE
        self.source = NO_SOURCE
        self.skew: int = 0
        self.online_at: int = 0  # no request leaves before the network is back
        self.sending = HONEST

    # ---- entering ---------------------------------------------------------------------------------------------

    def launch_step(self, where: Address | None, scene: int, code: str) -> None:
        """A launch that the journey asks for: from the second one on it is made on the second device."""
        if self.launches and self.who.second_device is not None:
            self.device = self.who.second_device
        self.launches += 1
        self.launch(where, scene, code)

    def launch(self, where: Address | None, scene: int, code: str) -> None:
        """A cold start: the page of its path, an open, one view. Without parameters the source is none."""
        if where is None:
            where = written(self._scenario.app.pages[0])
        self.running, self.hidden_at = True, None
        self.scene, self.source = scene, where.source
        shown = _by_code(where, code) if code else where
        self.stack = [shown]
        self.happen(Kind.LAUNCH, page=shown.route, query=shown.query, code=code, link=where.link if code else "")
        self.view()

    def enter_again(self, where: Address | None, scene: int, code: str) -> None:
        """Back from the background: a show while it is alive, from the destroy limit on a launch (at it too)."""
        hidden = self.now - self.hidden_at if self.hidden_at is not None else 0
        if not self.running or hidden >= self._scenario.app.destroy:
            self.launch(where, scene, code)
            return
        self.hidden_at, self.scene = None, scene
        where = where or Address("", "")
        if where.source.name or code:
            self.source = where.source
        shown = _by_code(where, code) if code else where
        if shown.route and scene not in CLASS_A_SCENES:
            self.stack = [shown]
        self.happen(Kind.SHOW, page=shown.route, query=shown.query, code=code, link=where.link if code else "")
        if self._scenario.app.view_on_return:
            self.view()

    # ---- pages, tracker, leaving ------------------------------------------------------------------------------

    def view(self, closes: int = 0) -> None:
        """The page on top is shown."""
        shown = self.stack[-1]
        self.happen(Kind.VIEW, shown.route, shown.query, closes=closes)

    def go(self, where: Address) -> None:
        """A page is opened on top."""
        self.stack.append(where)
        self.happen(Kind.VIEW, where.route, where.query)

    def back(self, pages: int) -> None:
        """So many pages are closed.

        Raises:
            ScenarioError: there is no page below.
        """
        if pages >= len(self.stack):
            text = f"back goes below the bottom page for visitor {self.who.visitor}; view a page before it"
            raise ScenarioError([self._scenario.complaint(f"journeys.{self.who.journey}", text)])
        del self.stack[-pages:]
        self.view(pages)

    def push(self, pushed: tuple[tuple[str, Json], ...]) -> None:
        """Properties are given to the tracker; an empty push does not happen."""
        if pushed:
            self.happen(Kind.PUSH, pushed=pushed)

    def hide(self) -> None:
        """To the background, unless it is there."""
        if self.hidden_at is None:
            self.happen(Kind.HIDE)
            self.hidden_at = self.now

    def leave(self) -> None:
        """Hidden and destroyed at once."""
        self.hide()
        self.running = False

    def time_out(self) -> None:
        """Hidden until it is destroyed."""
        self.hide()
        self.now += self._scenario.app.destroy
        self.running = False

    def lose(self, unsent: int) -> None:
        """The last so many events never leave the phone."""
        for index in range(len(self.events) - 1, -1, -1):
            if unsent == 0:
                break
            event = self.events[index]
            if self._takes_instant(event.kind):
                self.events[index] = replace(event, delivery=replace(event.delivery, lost=True))
                unsent -= 1

    # ---- what the network does on purpose ---------------------------------------------------------------------

    def offline(self, first: int, span: Callable[[], int]) -> None:
        """The network was away since event `first` of the list, and comes back so long from now."""
        online = max(self.now, self.last) + span()
        for index in range(first, len(self.events)):
            self._leaves(index, max(self.events[index].delivery.leaves, online))
        self.online_at = online

    def disorder(self, first: int, span: Callable[[], int]) -> None:
        """The requests since event `first` leave at drawn instants from now on."""
        end = max(self.now, self.last)
        for index in range(first, len(self.events)):
            self._leaves(index, end + span())

    def _leaves(self, index: int, at: int) -> None:
        event = self.events[index]
        self.events[index] = replace(event, delivery=replace(event.delivery, leaves=Ms(at)))

    # ---- events -----------------------------------------------------------------------------------------------

    def _takes_instant(self, kind: Kind) -> bool:
        return kind in _ALWAYS_SENT or (kind is Kind.SHOW and self._shows)

    def happen(
        self,
        kind: Kind,
        page: str = "",
        query: str = "",
        *,
        pushed: tuple[tuple[str, Json], ...] = (),
        call: Call | None = None,
        code: str = "",
        link: str = "",
        spoil: Spoil | None = None,
        handler: str = "",
        closes: int = 0,
    ) -> None:
        """Collect an event. One that is sent happens at the later of now and 1 ms after the last such event."""
        now = self.now
        if kind in _ALWAYS_SENT or (self._shows and kind is Kind.SHOW):
            if now <= self.last:
                now = self.last + 1
            self.now = self.last = now
        leaves = self.online_at if self.online_at > now else now
        sending = self.sending
        if sending is HONEST:
            delivery = Delivery(Ms(leaves), 0, 0, Ms(self.skew))
        else:
            duplicates, retries, late = sending
            if late is not None:
                leaves += late(self)
            delivery = Delivery(Ms(leaves), duplicates, retries, Ms(self.skew))
        events = self.events
        events.append(
            Event(
                self.who.visitor,
                self.first + len(events),
                Ms(now),
                kind,
                self.device,
                delivery,
                self.scene,
                self.source,
                page,
                query,
                pushed,
                call,
                code,
                link,
                spoil,
                handler,
                self._setup,
                closes,
            )
        )

    # ---- templates --------------------------------------------------------------------------------------------

    def value(self, name: str) -> str:
        """What a variable stands for: a function of the visitor, so it is looked up once."""
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = value_of(self._scenario, self._seed, self.who.visitor, name)
        return found

    def fill(self, text: str) -> str:
        """The text with its {variables} replaced."""
        if "{" not in text:
            return text
        return VARIABLE.sub(lambda match: self.value(match[1]), text)

    def fill_json(self, value: Json) -> Json:
        """The same in every text of a JSON value."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list):
            return [self.fill_json(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill_json(item) for key, item in value.items()}
        return value


@lru_cache(maxsize=4_096)
def _by_code(where: Address, code: str) -> Address:
    """The page that a launch by a code shows: of the complete path only the route, of the query only the code."""
    return Address(where.route, f"scene={quote(code, safe=_CODE_SAFE)}")
