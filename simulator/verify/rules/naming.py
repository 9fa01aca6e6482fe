"""Other names for the users of stored rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from simulator.contract import Contract
from simulator.verify.identity import Components, Users, device_of, users
from simulator.verify.opening import beginnings
from simulator.verify.sighting import Sighting

_PRIORITY = ("mobile", "wechat-unionid", "applet-wechat")


def own_names(rows: Sequence[Sighting], contract: Contract) -> Users:
    """The name that each row carries itself, by the definition in force."""
    if contract.definitions.user == "customer":
        named = users(rows, contract)
        return [name if row.record.identities else None for name, row in zip(named, rows, strict=True)]
    return [value(row, contract.identity) for row in rows]


def value(row: Sighting, kind: str) -> str | None:
    return next((one.value for one in row.record.identities if one.type == kind), None)


def best(row: Sighting) -> str | None:
    """The identity of the row that names a customer first."""
    ranked = sorted(
        row.record.identities,
        key=lambda one: _PRIORITY.index(one.type) if one.type in _PRIORITY else len(_PRIORITY),
    )
    return f"{ranked[0].type}\0{ranked[0].value}" if ranked else None


def or_device(rows: Sequence[Sighting], own: Users) -> Users:
    return [name or device_of(row) for row, name in zip(rows, own, strict=True)]


def stitched(rows: Sequence[Sighting], own: Users, *, backwards: bool = True) -> Users:
    """Anonymous rows have the name before them on their device; `backwards`: else the first one after them."""
    current: dict[str, str] = {}
    first: dict[str, str] = {}
    for row, name in zip(rows, own, strict=True):
        if name is not None:
            first.setdefault(row.record.anonymous_id, name)
    found: Users = []
    for row, name in zip(rows, own, strict=True):
        device = row.record.anonymous_id
        if name is not None:
            current[device] = name
        found.append(name or current.get(device) or (first.get(device) if backwards else None) or device_of(row))
    return found


def one_a_device(rows: Sequence[Sighting], own: Users, choose: Callable[[list[str]], str]) -> Users:
    names: dict[str, list[str]] = {}
    for row, name in zip(rows, own, strict=True):
        if name is not None:
            names.setdefault(row.record.anonymous_id, []).append(name)
    chosen = {device: choose(found) for device, found in names.items()}
    return [chosen.get(row.record.anonymous_id) or device_of(row) for row in rows]


def first(names: list[str]) -> str:
    return names[0]


def last(names: list[str]) -> str:
    return names[-1]


def joined_from_then_on(rows: Sequence[Sighting], *, by_time: bool = False) -> Users:
    """Each set of identities has the customer's name of the moment at which it came first.

    Args:
        by_time: it came first where an event of it happened first, whenever that arrived.
    """
    components, names = Components(), dict[tuple[str, ...], str]()
    best: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row.earliest if by_time else 0, row.arrived)):
        own = _identities(row)
        if not own or own in names:
            continue
        ranked = min([*own, *(best[root] for one in own if (root := components.root(one)) in best)], key=_rank)
        for other in own[1:]:
            components.join(own[0], other)
        best[components.root(own[0])] = names[own] = ranked
    return [names.get(_identities(row)) for row in rows]


def _rank(name: str) -> tuple[int, str]:
    kind = name.partition("\0")[0]
    return (_PRIORITY.index(kind) if kind in _PRIORITY else len(_PRIORITY), name)


def _identities(row: Sighting) -> tuple[str, ...]:
    return tuple(f"{one.type}\0{one.value}" for one in row.record.identities)


def joined_by_device(rows: Sequence[Sighting]) -> Users:
    components = Components()
    names = [[*_identities(row), *([device_of(row)] if row.record.anonymous_id else [])] for row in rows]
    for own in names:
        for one, other in pairwise(own):
            components.join(str(one), str(other))
    return [components.root(str(own[0])) if own else None for own in names]


def named_with(more: Callable[[Sighting], str]) -> Callable[[Sequence[Sighting], Contract], Users]:
    def naming(rows: Sequence[Sighting], contract: Contract) -> Users:
        return [
            None if name is None else f"{name}\0{more(row)}"
            for row, name in zip(rows, users(rows, contract), strict=True)
        ]

    return naming


def named_with_opens(rows: Sequence[Sighting], contract: Contract) -> Users:
    """A user and how many opens of theirs have begun."""
    begun = dict(beginnings(rows, contract))
    opens: dict[str, int] = {}
    found: Users = []
    for place, name in enumerate(users(rows, contract)):
        if name is not None and place in begun:
            opens[name] = opens.get(name, 0) + begun[place]
        found.append(None if name is None else f"{name}\0{opens.get(name, 0)}")
    return found
