"""The plan: what every visitor of a run does, as a pure function of (scenario, seed, namespace, start, visitor).

Here: the settings of a plan, its period, and the entry points. Who a visitor is: population.py; when they arrive:
arrivals.py; what their steps mean for the mini program: lifecycle.py. No clock, file or socket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from simulator.errors import ScenarioError, UsageError
from simulator.events import Event, Visit
from simulator.journey.arrivals import (
    Arrivals,
    closed_start,
    event_offset,
    make_listed,
    make_schedule,
    offset_us,
)
from simulator.journey.length import longest_visit
from simulator.journey.lifecycle import Walk
from simulator.journey.population import PAIR, Person, Population, person, population_of
from simulator.journey.script import Script, script_of, take
from simulator.rand import Stream
from simulator.scenario.model import InstantsFile, Phase, Scenario
from simulator.times import DAY, HOUR, SECOND, Ms, next_full_hour, zone_offset
from simulator.wechat import RETURN_SCENE, encode_path

_BETWEEN_VISITS = SECOND  # on one device, from the end of one visitor to the arrival of the next
_EARLIEST_BEFORE, _LATEST_BEFORE = Ms(30 * DAY), DAY  # of the earlier visit before the start


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line and the target may replace in a scenario; None keeps the scenario's value."""

    seed: int = 1
    namespace: str = ""
    visitors: int | None = None
    users: int | None = None  # closed model instead of the scenario's load
    rate: str | None = None  # open model at this constant rate, such as "20/s"
    speed: float | None = None  # event time per wall time; also the factor of a flood
    flood: bool = False  # drops only the waiting
    start: Ms | None = None  # instead of the scenario's; what `recent` was resolved to
    day: str = "Asia/Shanghai"  # zone of the period's full hours
    foreground_event: bool = False  # the adapter sends c_mp_show on warm shows (opens: every-foreground)
    max_age: Ms | None = None  # the contract's age limit of events, caps the earlier visits
    real_looking: bool = True  # False: mobiles and openids that belong to nobody
    only: tuple[int, ...] = ()  # a replay: the blocks of these visitors; empty: everybody


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario with everything resolved that its visitors' events depend on."""

    scenario: Scenario
    settings: Settings
    start: Ms  # of the period, inclusive
    end: Ms  # exclusive: the first full hour after everything that is planned
    count: int  # of visitors
    speed: Fraction  # event time per wall time
    flood: bool  # nobody waits
    schedule: Arrivals | None  # of the open model
    users: int | None  # of the closed model
    each: Ms  # closed model: event time between two visitors of one user
    population: Population
    scripts: Mapping[str, Script]  # by journey

    @property
    def block(self) -> int:
        """Visitors of one block: numbers b·block … share devices and mobiles."""
        return self.population.block

    @property
    def blocks(self) -> Sequence[int]:
        """The block numbers whose visitors come, ascending: all of them, but for a replay."""
        if self.settings.only:
            return sorted({visitor // self.block for visitor in self.settings.only})
        return range(-(-self.count // self.block))

    @property
    def coming(self) -> int:
        """How many visitors come: `count`, but for a replay."""
        if not self.settings.only:
            return self.count
        return sum(min((block + 1) * self.block, self.count) - block * self.block for block in self.blocks)


def make_plan(scenario: Scenario, settings: Settings, now: Ms) -> Plan:
    """Resolve a scenario. `now` matters for `start: recent` only.

    Raises:
        ScenarioError: arrivals that cannot reach `count`, an earlier visit that no age limit admits, a closed model
            without `count`, a start that is not `recent` where the contract limits the age.
        UsageError: a replay of visitors that the plan does not have.
    """
    speed, flood = _clock(scenario, settings)
    count = settings.visitors if settings.visitors is not None else scenario.visitors.count
    users = settings.users if settings.users is not None else (None if settings.rate else scenario.load.users)
    each = scenario.load.each if scenario.load.each is not None else longest_visit(scenario)
    phases = _phases(scenario, settings, count)
    length = _length(scenario, phases, count, users, each, speed)
    start = _start(scenario, settings, now, length)
    schedule = None
    if users is None:
        schedule = _schedule(scenario, settings, phases, count, start, speed)
        count = schedule.count
    assert count is not None  # the closed model demands it, a schedule always has one
    _check_only(settings.only, count)
    plan = Plan(
        scenario,
        settings,
        start,
        next_full_hour(Ms(start + length), settings.day),
        count,
        speed,
        flood,
        schedule,
        users,
        each,
        population_of(scenario, settings.seed, settings.namespace, count, settings.real_looking),
        {name: script_of(scenario, journey.steps) for name, journey in scenario.journeys.items()},
    )
    if scenario.visitors.returning:
        _earliest_setup(plan)
    return plan


def visits_of_block(plan: Plan, block: int) -> tuple[Visit, ...]:
    """The visits of one block of visitor numbers, by number: they may share a device, so they are planned together."""
    first = block * plan.block
    people = [person(plan.population, visitor) for visitor in range(first, min(first + plan.block, plan.count))]
    arrivals = [arrival_of(plan, who.visitor) for who in people]
    visits: dict[int, Visit] = {}
    free: dict[str, int] = {}  # when a shared device may be used again
    for arrival, who in sorted(zip(arrivals, people, strict=True), key=lambda pair: pair[0]):
        if not who.shares_device:
            visits[who.visitor] = _visit(plan, who, arrival)
            continue
        device = who.device.anonymous_id
        visit = visits[who.visitor] = _visit(plan, who, Ms(max(arrival, free.get(device, arrival))))
        free[device] = visit.events[-1].at + _BETWEEN_VISITS
    return tuple([visits[who.visitor] for who in people])


def visits(plan: Plan) -> Iterator[Visit]:
    """Every visit of the plan, by visitor number."""
    for block in plan.blocks:
        yield from visits_of_block(plan, block)


def visit_of(plan: Plan, visitor: int) -> Visit:
    """One visitor's visit; the rest of its block is planned with it."""
    return visits_of_block(plan, visitor // plan.block)[visitor % plan.block]


def arrival_of(plan: Plan, visitor: int) -> Ms:
    """The event-time instant at which a visitor is due, before a shared device delays it."""
    if plan.schedule is None:
        assert plan.users is not None
        return Ms(plan.start + closed_start(visitor, users=plan.users, each=plan.each, seed=plan.settings.seed))
    return Ms(plan.start + event_offset(plan.schedule, visitor, plan.speed))


def arrival_offset_us(plan: Plan, visitor: int) -> int:
    """Wall microseconds after the run's start at which a visitor of the open model is due.

    Raises:
        ValueError: the plan is of the closed model, or the visitor is not in it.
    """
    if plan.schedule is None:
        raise ValueError("visitors of the closed model come when a user is free")
    return offset_us(plan.schedule, visitor)


def _visit(plan: Plan, who: Person, begin: Ms) -> Visit:
    events: list[Event] = []
    if who.returning:
        events = _earlier_visit(plan, who)
    shows = plan.settings.foreground_event
    walk = Walk(plan.scenario, plan.settings.seed, who, begin, shows=shows, first=len(events))
    take(walk, plan.scripts[who.journey])
    return Visit(who.visitor, who.journey, who.source, begin, (*events, *walk.events), who.identities)


def _earlier_visit(plan: Plan, who: Person) -> list[Event]:
    """What made a visitor known: launch without source on the first device, then exit; no push."""
    walk = Walk(plan.scenario, plan.settings.seed, who, _setup_instant(plan, who), shows=False, setup=True)
    walk.launch(None, RETURN_SCENE, "")
    walk.leave()
    return walk.events


def _setup_instant(plan: Plan, who: Person) -> Ms:
    """A function of the visitor alone; partners on one phone fall on different halves of ten seconds."""
    earliest = _earliest_setup(plan)
    slot = 10 * SECOND
    slots = max((plan.start - _LATEST_BEFORE - earliest) // slot, 1)
    drawn = Stream("earlier", plan.settings.seed, who.visitor).below(slots)
    return Ms(earliest + drawn * slot + who.visitor % PAIR * 5 * SECOND)


def _earliest_setup(plan: Plan) -> Ms:
    """The earliest instant that an earlier visit may have.

    Raises:
        ScenarioError: the contract's age limit leaves no day before the start.
    """
    before = _EARLIEST_BEFORE
    if plan.settings.max_age is not None:
        # A recent start lies at most the period and an hour before the run begins; sending the earlier visits of
        # everybody is given an hour more.
        before = Ms(min(before, plan.settings.max_age - (plan.end - plan.start) - 2 * HOUR))
        if before < _LATEST_BEFORE:
            text = "the collector's age limit leaves no room for an earlier visit, which is 1 to 30 days old"
            raise _complaint(plan.scenario, "visitors.returning", text)
    return Ms(plan.start - before)


def _clock(scenario: Scenario, settings: Settings) -> tuple[Fraction, bool]:
    """(event time per wall time, whether nobody waits). A flood leaves event times as they are."""
    given = scenario.load.clock.speed
    speed = Fraction(1) if given == "flood" else Fraction(str(given))
    if settings.speed is not None:
        return Fraction(str(settings.speed)), settings.flood
    return speed, settings.flood or given == "flood"


def _phases(scenario: Scenario, settings: Settings, count: int | None) -> list[Phase] | None:
    """The phases of the open model; None where a file lists the arrivals."""
    if settings.rate is not None:
        if count is None:
            raise _complaint(scenario, "visitors", "--rate needs visitors.count or --visitors")
        try:
            phase = Phase.model_validate({"rate": settings.rate, "for": "1s"})
        except ValueError:
            text = f'--rate {settings.rate}: expected a rate with a unit, such as "20/s" or "600/m"'
            raise UsageError(text) from None
        if phase.rate.low <= 0 or phase.rate.low != phase.rate.high:
            raise _complaint(scenario, "load", f"--rate needs one rate above zero, not {settings.rate}")
        # Long enough for the last of `count` visitors, whose instant lies strictly before the end.
        length = Ms(-int(-(count * 1000 / phase.rate.low) // 1))
        return [phase.model_copy(update={"for_": length})]
    arrivals = scenario.load.arrivals
    return None if isinstance(arrivals, InstantsFile) else list(arrivals or [])


def _length(
    scenario: Scenario, phases: list[Phase] | None, count: int | None, users: int | None, each: Ms, speed: Fraction
) -> Ms:
    """Event time from the start to the end of the last visit that can be planned."""
    sharers = PAIR if scenario.visitors.share_device else 1
    tail = longest_visit(scenario) * sharers + (sharers - 1) * _BETWEEN_VISITS
    if users is None and phases is None:
        return Ms(scenario.instants[: count or None][-1] + tail)
    if users is None:
        assert phases is not None
        wall_us = sum(phase.for_ for phase in phases) * 1000
        return Ms(-int(-(wall_us * speed) // 1000) + tail)
    if count is None:
        raise _complaint(scenario, "visitors", "the closed model (load.users) needs visitors.count")
    return Ms(-(-count // users) * each + tail)


def _schedule(
    scenario: Scenario, settings: Settings, phases: list[Phase] | None, count: int | None, start: Ms, speed: Fraction
) -> Arrivals:
    """When the visitors of the open model arrive."""
    load = scenario.load
    try:
        if phases is None:
            name = load.arrivals.name if isinstance(load.arrivals, InstantsFile) else ""
            schedule: Arrivals = make_listed(scenario.instants, count=count, speed=speed, name=name)
        else:
            schedule = make_schedule(
                phases,
                count=count,
                poisson=load.spacing == "poisson",
                seed=settings.seed,
                start=start,
                speed=speed,
                zone=settings.day,
            )
    except ValueError as short:
        raise _complaint(scenario, "load.arrivals", str(short)) from short
    if schedule.count == 0:
        raise _complaint(scenario, "load.arrivals", "nobody arrives: every rate is zero")
    return schedule


def _check_only(only: Sequence[int], count: int) -> None:
    strangers = [visitor for visitor in only if not 0 <= visitor < count]
    if strangers:
        raise UsageError(f"no visitor {strangers[0]}: the run has visitors 0 to {count - 1}")


def _start(scenario: Scenario, settings: Settings, now: Ms, length: Ms) -> Ms:
    given = settings.start if settings.start is not None else scenario.load.clock.start
    if given == "recent":
        full_hour = now - (now + zone_offset(now, settings.day)) % HOUR
        return Ms(full_hour - -(-length // HOUR) * HOUR)
    if settings.max_age is not None and scenario.load.clock.start != "recent":
        text = "the collector takes no old events, so the clock needs `start: recent`"
        raise _complaint(scenario, "load.clock.start", text)
    return Ms(int(given))


def _complaint(scenario: Scenario, path: str, text: str) -> ScenarioError:
    return ScenarioError([scenario.complaint(path, text)])


def complete_links(scenario: Scenario) -> dict[str, str]:
    """The complete URL behind each code of method 2, percent-encoded; registered with the collector before a run."""
    return {
        source.code: encode_path(source.path or scenario.app.pages[0])
        for source in scenario.sources.values()
        if source.code is not None
    }
