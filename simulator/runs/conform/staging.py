"""A case made ready for one target: its visitors, the requests that they send, and the cells that are looked at.

A case is alone wherever it can be: identities, devices, ids, sources, contents and pages of its own, and local days of
its own. So it can run beside others, and on a collector that holds data already. Texts and durations of a case that
depend on the target are filled in here:

    <own>            what no other case and no other run has, such as mpsim-4f9c2a.07
    <timeout>        the contract's timeout of an open, 30 minutes without one; <timeout+1ms> and <timeout-1ms>
    <short>, <long>  surely below that, and surely above it (and above the time after which WeChat destroys)
    <minutes>        five minutes, or just below a timeout that is shorter

Sending is exchanging.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from simulator.contract import NO_CELL, Contract
from simulator.events import Device, Identity, Visit
from simulator.journey.devices import draw_device
from simulator.journey.lifecycle import Walk
from simulator.journey.population import Person, identity_value
from simulator.journey.script import script_of, take
from simulator.ledger.manifest import Options
from simulator.rand import Stream
from simulator.runs.conform.expecting import Cell
from simulator.runs.conform.shapes import reshaped
from simulator.scenario.case_file import CaseSection, CaseSource, CaseVisit
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
from simulator.scenario.target import Target
from simulator.times import DAY, HOUR, MINUTE, SECOND, Ms, format_duration, hour_cell, instant, zone_offset
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_visits
from simulator.wechat import DESTROY_AFTER, encode_path, split_path
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.request import Adapter, Request

QUARTER = 15 * MINUTE  # offsets of zones change on quarter hours at the finest
_SEED = 1
_USUAL_TIMEOUT = Ms(30 * MINUTE)
_FILLED = re.compile(r"<(own|short|minutes|long|timeout)([+-]\d{1,9}ms)?>")


@dataclass(frozen=True, slots=True)
class Ground:
    """One target, as far as a case depends on it."""

    target: Target
    url: str
    contract: Contract
    namespace: str  # of this run; what is <own> to a case begins with it and a dot
    real_looking: bool = True  # False: identities that belong to nobody


@dataclass(frozen=True, slots=True)
class Staged:
    """A case ready to be sent."""

    case: CaseSection
    own: str
    scenario: Scenario
    adapter: Adapter[Any]
    requests: tuple[Request, ...]  # in the order in which they leave
    begin: Ms  # of the stretch of time that is its own
    end: Ms
    first: date  # its first local day
    zone: str
    begins: tuple[Ms, ...]  # of its visits, in the case's order
    sources: Mapping[str, str]  # by the case's name of a source, what it is on the wire
    coarse: bool = False  # the wire tells of other instants than those at which things happened

    def cell(self, cell: Cell) -> Cell:
        """A cell as the collector calls it."""
        metric, by, name = cell
        if by == "all" and len(carried := self.carried) == 1 and "" not in carried:
            return metric, "source", next(iter(carried))
        return metric, by, self._named(by, name)

    @property
    def carried(self) -> frozenset[str]:
        """The sources that its good events carry."""
        return frozenset(record.source for one in self.requests for record in one.records if not record.bad)

    @property
    def nameless(self) -> bool:
        """Whether a good event says nothing of whose it is, neither a device nor an identity."""
        records = [record for one in self.requests for record in one.records if not record.bad]
        return any(not record.anonymous_id and not record.identities for record in records)

    def tells(self, by: str) -> bool:
        """Whether the wire carries every text of this kind that the case looks for."""
        records = [record for one in self.requests for record in one.records if not record.bad]
        carried = {getattr(record, by) for record in records}
        named = getattr(self.case.expect, by)
        return all(self._named(by, name) in carried for name in named if name != NO_CELL)

    def _named(self, by: str, name: str) -> str:
        if by == "source" and name != NO_CELL:
            return self.sources[name]
        if by in ("content", "page") and name != NO_CELL:
            text = name.replace("<own>", self.own)
            return encode_path(text) if by == "page" else text
        if by == "day":
            return (self.first + timedelta(int(name) - 1)).isoformat()
        if by == "hour":
            day, _, hour = name.rpartition(" ")
            if day == "visit":
                return hour_cell(self.begins[int(hour)], self.zone)
            at = local_instant(self.first, (int(day or 1), int(hour) * HOUR), self.zone)
            return hour_cell(at, self.zone)
        return name


def timeout_of(contract: Contract) -> Ms:
    """The timeout that a case's durations are measured by."""
    return contract.definitions.opens.timeout or _USUAL_TIMEOUT


def days_of(case: CaseSection, contract: Contract) -> int:
    """Local days that a case needs, with those over which its durations may reach."""
    said = json.dumps(case.model_dump(mode="json")["visits"])
    reach = said.count("<timeout") * timeout_of(contract) + said.count("<long") * _long(contract)
    if not reach:
        return case.days
    day, of_day = max(visit.at for visit in case.visits)
    return max(case.days, day + (of_day + reach + HOUR) // DAY)


def stage(
    ground: Ground, case: CaseSection, own: str, first: date | None, now: Ms, begins: Sequence[Ms] = ()
) -> Staged:
    """Plan the visits of a case and encode them.

    Args:
        first: its first local day; None where the collector counts by arrival, and everything happens now.
        begins: of its visits, where they are not as the case says.

    Raises:
        ScenarioError: the wire has no form for something in it; with why.
    """
    zone = ground.contract.definitions.day
    filled = _filler(ground.contract, own)
    document = filled(case.model_dump(mode="json", by_alias=True))
    sources = {name: _full_name(ground, one) for name, one in _sources(case, filled).items()}
    scenario = _scenario(ground, case, document, own, filled)
    options = Options(foreground_event=case.shows or ground.contract.definitions.opens.rule == "every-foreground")
    adapter = adapter_of(
        ground.target.adapter,
        str(ground.target.options.get("path") or DEFAULT_PATH),
        scenario,
        own,
        options,
        ground.contract.replies,
        ground.target.options if ground.target.document else None,
    )
    day = first or datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).date()
    if not begins:
        begins = [begin_of(case, visit, day, zone) if first is not None else now for visit in case.visits]
    everybody = [(number, visit) for number, visit in enumerate(case.visits) for _ in range(visit.people)]
    people = _people(ground, own, everybody)
    visits = [
        _visit(scenario, people[visitor], begins[number], visitor, shows=options.foreground_event)
        for visitor, (number, _) in enumerate(everybody)
    ]
    by_visitor = requests_of_visits(visits, adapter)
    sent = [
        request
        for visitor, (_, visit) in enumerate(everybody)
        for request in reshaped(by_visitor[visitor], visit.sent_as, adapter.name)
    ]
    sent.sort(key=lambda request: (request.leaves, request.visitor, request.number))
    begin = local_instant(day, (1, 0), zone)
    end = local_instant(day + timedelta(days_of(case, ground.contract)), (1, 0), zone)
    if first is None:
        begin, end = Ms(now - 3_600_000), Ms(now + ground.contract.deadline + 3_600_000)
    instants = {event.at + event.delivery.skew for visit in visits for event in visit.events}
    coarse = any(record.date not in instants for one in sent for record in one.records if record.date is not None)
    return Staged(case, own, scenario, adapter, tuple(sent), begin, end, day, zone, tuple(begins), sources, coarse)


def begin_of(case: CaseSection, visit: CaseVisit, first: date, zone: str) -> Ms:
    """When a visit begins; around a clock that is put back, time passes whatever the clock shows."""
    if case.around == "midnight":
        return local_instant(first, visit.at, zone)
    at = put_back(first, zone) or local_instant(first, (1, 2 * HOUR), zone)
    day, of_day = visit.at
    return Ms(at + (day - 1) * DAY + of_day - DAY // 2)


def put_back(day: date, zone: str) -> Ms | None:
    """The first instant of a local day at which the zone's clock has been put back; None where it is not."""
    begin, end = local_instant(day, (1, 0), zone), local_instant(day, (2, 0), zone)
    for at in range(begin, end, QUARTER):
        if zone_offset(Ms(at + QUARTER), zone) < zone_offset(Ms(at), zone):
            return Ms(at + QUARTER)
    return None


def local_instant(first: date, at: tuple[int, int], zone: str) -> Ms:
    """The instant of a local time, given by day of the case and milliseconds of that day's clock."""
    day, of_day = at
    local = datetime.combine(first + timedelta(day - 1), time(), ZoneInfo(zone)) + timedelta(milliseconds=of_day)
    return instant(local)


# ---- filling in ---------------------------------------------------------------------------------------------------


def _filler(contract: Contract, own: str) -> Any:
    timeout = timeout_of(contract)
    spans = {"timeout": timeout, "short": Ms(min(2 * SECOND, timeout // 2)), "long": _long(contract)}
    spans["minutes"] = Ms(min(5 * MINUTE, timeout - 1))

    def value_of(found: re.Match[str]) -> str:
        if found[1] == "own":
            return own
        return format_duration(Ms(spans[found[1]] + int((found[2] or "0ms").removesuffix("ms"))))

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _FILLED.sub(value_of, value)
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return value

    return filled


def _long(contract: Contract) -> Ms:
    return Ms(max(DESTROY_AFTER + 15 * MINUTE, timeout_of(contract) + MINUTE))


def _sources(case: CaseSection, filled: Any) -> dict[str, CaseSource]:
    given = {"own": CaseSource(), **case.sources}
    return {name: CaseSource.model_validate(filled(one.model_dump())) for name, one in given.items()}


def _full_name(ground: Ground, source: CaseSource) -> str:
    """What a source is called on the wire: within the scope of the target."""
    return f"{ground.target.file.scope.source or ''}{source.name}" if source.name else ""


def _scenario(ground: Ground, case: CaseSection, document: dict[str, Any], own: str, filled: Any) -> Scenario:
    home = f"pages/{own}/index"
    scope = ground.target.file.scope
    pages = list(dict.fromkeys([home, *map(_route, _paths(document["visits"])), *_pages(case, filled)]))
    app: dict[str, Any] = {"name": "mpsim", "pages": pages, **case.app}
    app |= {name: value for name, value in (("appid", scope.appid), ("tenant", scope.tenant)) if value is not None}
    sources = {name: _source(ground, one, home) for name, one in _sources(case, filled).items()}
    text = json.dumps(
        {
            "scenario": case.case,
            "app": app,
            "visitors": {
                "count": 1,
                "identities": {kind: "100%" for visit in case.visits for kind in visit.has},
            },
            "sources": sources,
            "journeys": {f"visit-{number}": {"steps": one["steps"]} for number, one in enumerate(document["visits"])},
            "load": {"users": 1},
        },
        ensure_ascii=False,
    )
    return load_scenario_text(text, f"case {case.case}", Path())


def _source(ground: Ground, source: CaseSource, home: str) -> dict[str, Any]:
    pairs = (("cl_sr", _full_name(ground, source)), ("cl_ctnm", source.content))
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs if value)
    route = source.page or home
    section: dict[str, Any] = {"scene": source.scene, "path": f"{route}?{query}" if query else route}
    return section if source.code is None else {**section, "code": source.code}


def _pages(case: CaseSection, filled: Any) -> Iterator[str]:
    yield from (one.page for one in _sources(case, filled).values() if one.page)


def _paths(value: object) -> Iterator[str]:
    """The paths that stand in steps."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in ("view", "path") and isinstance(one, str):
                yield one
            else:
                yield from _paths(one)
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one)


def _route(path: str) -> str:
    return split_path(path)[0]


# ---- people -------------------------------------------------------------------------------------------------------


def _people(ground: Ground, own: str, everybody: Sequence[tuple[int, CaseVisit]]) -> list[Person]:
    """Everybody of a case, by number of the visit; whoever names no phone has one of their own."""
    names = list(dict.fromkeys(name for _, visit in everybody for name in visit.has.values()))
    phones = [visit.device or f" {visitor}" for visitor, (_, visit) in enumerate(everybody)]  # no name begins so
    devices = {phone: _device(own, place) for place, phone in enumerate(dict.fromkeys(phones))}
    people = []
    for visitor, (number, visit) in enumerate(everybody):
        has = {
            kind: identity_value(kind, _SEED, own, names.index(name), ground.real_looking)
            for kind, name in visit.has.items()
        }
        people.append(
            Person(
                visitor,
                f"visit-{number}",
                visit.source,
                returning=False,
                device=devices[phones[visitor]],
                second_device=None,
                shares_device=False,
                identities=tuple(Identity(kind, value) for kind, value in has.items()),
                identities_by_type=has,
            )
        )
    return people


def _device(own: str, place: int) -> Device:
    """A phone, with an id as in a run: sixteen hex digits of the case, sixteen of its own."""
    case = blake2b(own.encode(), digest_size=8).hexdigest()
    return draw_device(f"{case}{place:016x}", Stream("device", own, place), None)


def _visit(scenario: Scenario, who: Person, begin: Ms, number: int, *, shows: bool) -> Visit:
    walk = Walk(scenario, _SEED, who, begin, shows=shows)
    take(walk, script_of(scenario, scenario.journeys[who.journey].steps))
    return Visit(number, who.journey, who.source, begin, tuple(walk.events), who.identities)
