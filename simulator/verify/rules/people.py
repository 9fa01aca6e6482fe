"""Other users, and other debuts of users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from simulator.contract import Contract, Definitions
from simulator.times import DAY, HOUR, MINUTE, Ms, day_cell, format_duration
from simulator.verify.identity import Users, device_of
from simulator.verify.rules.changes import as_views, without
from simulator.verify.rules.naming import (
    best,
    first,
    joined_by_device,
    joined_from_then_on,
    last,
    named_with,
    named_with_opens,
    one_a_device,
    or_device,
    own_names,
    stitched,
    value,
)
from simulator.verify.rules.rule import Rule, Scene, alternative
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action


@alternative("uv", "new_users")
def another_user(scene: Scene) -> Iterator[Rule]:
    kinds: tuple[tuple[str, Definitions], ...] = (
        ("counted devices as users", replace(scene.contract.definitions, user="device")),
        ("counted openids as users", replace(scene.contract.definitions, user="openid")),
        ("joined identities to customers", replace(scene.contract.definitions, user="customer")),
    )
    for text, definitions in kinds:
        if definitions != scene.contract.definitions:
            yield Rule(text, contract=replace(scene.contract, definitions=definitions))


@alternative("uv", "new_users")
def anonymous_events(scene: Scene) -> Iterator[Rule]:
    if scene.contract.definitions.user == "device":
        return
    yield Rule(
        "took what is anonymous before the first identification for another user",
        naming=lambda rows, contract: stitched(rows, own_names(rows, contract), backwards=False),
    )
    yield Rule(
        "took every anonymous event of an identified visitor for another user",
        naming=lambda rows, contract: or_device(rows, own_names(rows, contract)),
    )
    yield Rule("counted no anonymous event for a user", naming=own_names)


@alternative("uv", "new_users")
def one_user_a_device(scene: Scene) -> Iterator[Rule]:
    if scene.contract.definitions.user == "device":
        return
    for word, choose in (("last", last), ("first", first), ("highest", max)):
        yield Rule(
            f"gave all events of a device to its {word} user",
            naming=partial(_of_one_user, choose=choose),
        )


@alternative("uv", "new_users")
def joins(scene: Scene) -> Iterator[Rule]:
    if scene.contract.definitions.user != "customer":
        return
    yield Rule(
        "joined no identities: the best one that an event carries named its customer",
        naming=lambda rows, _: stitched(rows, [best(row) for row in rows]),
    )
    yield Rule(
        "joined only what carries no openid: a shared mobile joined nobody",
        naming=lambda rows, contract: stitched(rows, [value(row, contract.identity) or best(row) for row in rows]),
    )
    yield Rule(
        "joined two identities from then on, and left what came before to another customer",
        naming=lambda rows, _: stitched(rows, joined_from_then_on(rows)),
    )
    yield Rule("took customers with one phone for one", naming=lambda rows, _: joined_by_device(rows))


@alternative("uv", "new_users")
def joins_by_time(scene: Scene) -> Iterator[Rule]:
    # Apart from the same by arrival: where that one fits a metric by chance, this one may fit them all.
    if scene.contract.definitions.user == "customer":
        yield Rule(
            "joined two identities from then on by the events' time, and left what was before to another customer",
            naming=lambda rows, _: stitched(rows, joined_from_then_on(rows, by_time=True)),
        )


@alternative("uv")
def users_again(scene: Scene) -> Iterator[Rule]:
    zone = scene.contract.definitions.day
    for kinds in (("all",), ("all", "source", "content", "hour", "day", "page")):
        yield Rule("added up the users of each source", kinds=kinds, naming=named_with(lambda row: row.record.source))
        yield Rule("added up the users of each day", kinds=kinds, naming=named_with(lambda row: _day(row, zone)))
    yield Rule("counted a user again with each open", naming=named_with_opens)
    yield Rule("counted views and not users", counts_as="pv")


@alternative("uv", "new_users")
def who_makes_a_user(scene: Scene) -> Iterator[Rule]:  # noqa: ARG001
    yield Rule(
        "counted whoever sent any event", rows=lambda rows: as_views(rows, (Action.CUSTOM, Action.SHOW), page=False)
    )
    yield Rule("counted only users with a page view", rows=lambda rows: without(rows, Action.OPEN))
    yield Rule("counted only users with an open", rows=lambda rows: without(rows, Action.VIEW))


@alternative("uv")
def users_of_no_page(scene: Scene) -> Iterator[Rule]:  # noqa: ARG001
    for actions in ((Action.SHOW,), (Action.CUSTOM,), (Action.CUSTOM, Action.SHOW), (Action.OPEN,)):
        words = " and ".join(_ACTIONS[action] for action in actions)
        yield Rule(f"counted {words} as page views", kinds=("page",), rows=partial(as_views, actions=actions))


_ACTIONS = {Action.SHOW: "returns to the foreground", Action.CUSTOM: "custom events", Action.OPEN: "opens"}


@alternative("new_users")
def new_again(scene: Scene) -> Iterator[Rule]:
    zone, contract = scene.contract.definitions.day, scene.contract
    yield Rule("took everybody who comes for new", counts_as="uv")
    yield Rule(
        "had forgotten who was there before the period",
        rows=lambda rows: (row for row in rows if row.earliest >= scene.begin),
    )
    yield Rule("took a user for new on each day", naming=named_with(lambda row: _day(row, zone)))
    yield Rule("took a user for new with each source", naming=named_with(lambda row: row.record.source))
    yield Rule("took a user for new on each device", naming=lambda rows, _: [device_of(row) for row in rows])
    yield Rule("took a user for new with each open", naming=named_with_opens)
    for memory in (MINUTE, Ms(30 * MINUTE), HOUR, DAY, Ms(7 * DAY)):
        text = f"took a user for new after {format_duration(memory)} without a visit"
        yield Rule(text, contract=replace(contract, memory=memory))


@alternative("new_users")
def first_by_arrival(scene: Scene) -> Iterator[Rule]:
    yield Rule(
        "counted a new user in the cell of the visit that arrived first, not of the one that was first",
        "attribution",
        contract=replace(scene.contract, order="arrival"),
    )


def _day(row: Sighting, zone: str) -> str:
    return day_cell(row.earliest, zone)


def _of_one_user(rows: Sequence[Sighting], contract: Contract, choose: Callable[[list[str]], str]) -> Users:
    return one_a_device(rows, own_names(rows, contract), choose)
