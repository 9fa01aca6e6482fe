"""A plan's visitors, each on a phone with the user's own mini program: visits in, traces out.

The plan says what visitors do (launch, view, tap, hide …). What the app tells its tracker (push, track) is the app's
own business, so these events of the plan are left out and the trace shows what really happened; so is how a request
leaves (duplicates, retries, lateness), which is the tracker's and the network's.

Assumed: a visit whose last step is no exit is closed 5 s after its last event; closing gives the 5 s of every
background, then the program is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.events import Device, Event, Kind, Visit
from simulator.immutable import immutable
from simulator.journey.plan import Plan, visits_of_block
from simulator.runtime.answering import Answerer
from simulator.runtime.engine import Engine
from simulator.runtime.phone import Bounds, Phone, Storage, Watch
from simulator.runtime.program import Program
from simulator.runtime.trace import Trace
from simulator.times import SECOND, Ms

_STAYS = Ms(5 * SECOND)  # after the last event of a visit that has no exit


@immutable(frozen=True, slots=True)
class Life:
    """What a visitor does in one life of the program: a launch, and everything up to the next."""

    visitor: int
    device: Device
    events: tuple[Event, ...]  # the launch first

    @property
    def begin(self) -> Ms:
        return self.events[0].at


def lives(visit: Visit) -> tuple[Life, ...]:
    """A visit by cold starts, oldest first; that of the earlier visit too."""
    found: list[list[Event]] = []
    for event in visit.events:
        if event.kind is Kind.LAUNCH or not found:
            found.append([])
        found[-1].append(event)
    return tuple([Life(visit.visitor, events[0].device, tuple(events)) for events in found])


def drive(
    plan: Plan,
    program: Program,
    answer_for: Callable[[Visit], Answerer],
    *,
    watch: Watch = Watch(),  # noqa: B008
    bounds: Bounds = Bounds(),  # noqa: B008
    most_stopped: int = 3,
) -> Iterator[Trace]:
    """One trace a visitor, by visitor number, the earlier visits of known visitors included.

    Args:
        answer_for: who answers the requests of a visit; called once a visit, in the order of the visits.
        most_stopped: visitors whose program the runtime had to end; after so many the rest is not driven, because each
            of them would take as long again.
    """
    stopped = 0
    with Engine() as engine:
        for block in plan.blocks:
            phones = _drive_block(plan, program, visits_of_block(plan, block), answer_for, watch, bounds, engine)
            for phone in phones:
                stopped += phone.stopped
                yield phone.trace()
            if stopped >= most_stopped:
                return


def _drive_block(
    plan: Plan,
    program: Program,
    visits: tuple[Visit, ...],
    answer_for: Callable[[Visit], Answerer],
    watch: Watch,
    bounds: Bounds,
    engine: Engine,
) -> list[Phone]:
    """The visitors of a block, who may share a phone: every life in its turn, so that storages are as left behind."""
    phones = {
        visit.visitor: Phone(
            program,
            answer_for(visit),
            now=visit.events[0].at,
            visitor=visit.visitor,
            seed=plan.settings.seed,
            destroy_after=plan.scenario.app.destroy,
            watch=watch,
            bounds=bounds,
            engine=engine,
        )
        for visit in visits
    }
    coming = sorted([life for visit in visits for life in lives(visit)], key=lambda life: life.begin)
    storages: dict[str, Storage] = {}
    for number, life in enumerate(coming):
        phone = phones[life.visitor]
        if phone.stopped:
            continue
        device = life.device.anonymous_id
        phone.use(life.device, storages.setdefault(device, Storage()))
        after = next((later.begin for later in coming[number + 1 :] if _ends(life, later)), None)
        live(phone, life.events, after, view_on_return=plan.scenario.app.view_on_return)
    return list(phones.values())


def _ends(life: Life, later: Life) -> bool:
    """Whether a later life is the end of this one: on the same phone, or the same visitor's on another."""
    return later.device.anonymous_id == life.device.anonymous_id or later.visitor == life.visitor


def live(phone: Phone, events: tuple[Event, ...], after: Ms | None, *, view_on_return: bool = True) -> None:
    """One life of the program, from its launch until it is destroyed.

    Args:
        after: when the program is entered next on this phone, or by this visitor; None: never again.
        view_on_return: the plan has a view behind every show, which the phone makes by itself.
    """
    implied = False  # the next view of the plan belongs to the entry
    for event in events:
        path = f"{event.page}?{event.query}" if event.query else event.page
        match event.kind:
            case Kind.LAUNCH:
                phone.launch(event.at, path, event.scene)
                implied = True
                continue
            case Kind.SHOW:
                phone.show(event.at, path, event.scene)
                implied = view_on_return
                continue
            case Kind.VIEW if not implied:
                if event.closes:
                    phone.back(event.at, event.closes)
                else:
                    phone.view(event.at, path)
            case Kind.TAP:
                phone.tap(event.at, event.handler)
            case Kind.SHARE:
                phone.share(event.at)
            case Kind.HIDE:
                phone.hide(event.at)
            case _:  # the app's own business
                phone.advance(event.at)
        implied = False
    last = events[-1]
    limit = Ms(last.at + phone.destroy_after)
    if last.kind is Kind.HIDE and after is not None and after >= limit:
        phone.advance(limit)  # a timeout, or a hide beyond the limit
        return
    leaves = last.at if last.kind is Kind.HIDE else Ms(last.at + _STAYS)
    phone.leave(leaves if after is None else Ms(min(leaves, after)), after)
