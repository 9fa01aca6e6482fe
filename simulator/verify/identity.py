"""Who the user of a stored event is, and which events can share a user at all.

Three definitions (CONTRACT section 3): `device` is the anonymousId; `openid` the event's own openid, else the nearest
one of its device; `customer` the identities that ever occurred together. What is counted of users is metrics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.contract import Contract
from simulator.events import Identity
from simulator.verify.sighting import Sighting

Users = list[str | None]
_DEVICE = "\0"  # before an anonymousId that stands for a user, so that it equals no identity's value


def users(rows: Sequence[Sighting], contract: Contract) -> Users:
    """The user of each stored row, in order; None for a row that makes no user.

    Row by row the answer is a name that is equal for equal users. Every stored row helps to name its neighbours:
    custom events, and those before and after the period too.

    Order: O(n), for `customer` with the inverse Ackermann function.
    Source: CONTRACT section 3, user.
    """
    match contract.definitions.user:
        case "device":
            return [device_of(row) for row in rows]
        case "openid":
            own = [_own(row, contract.identity) for row in rows]
        case "customer":
            own = _components(rows)
    return _last(rows, own) if contract.stitch == "last" else _nearest(rows, own)


def device_of(row: Sighting) -> str | None:
    """The device as a user: its anonymousId; None where the wire carries none."""
    anonymous = row.record.anonymous_id
    return _DEVICE + anonymous if anonymous else None


def _own(row: Sighting, kind: str) -> str | None:
    for identity in row.record.identities:
        if identity.type == kind:
            return identity.value
    return None


def _nearest(rows: Sequence[Sighting], own: Users) -> Users:
    """Each row's own name, else the nearest earlier one of its device, else its first later one, else the device."""
    found: Users = list(own)
    current: dict[str, str] = {}
    waiting: dict[str, list[int]] = {}  # rows of devices of which no name is known yet
    for place, row in enumerate(rows):
        anonymous = row.record.anonymous_id
        if not anonymous:
            continue
        name = own[place]
        if name is None:
            known = current.get(anonymous)
            if known is None:
                waiting.setdefault(anonymous, []).append(place)
            else:
                found[place] = known
        else:
            if anonymous not in current:
                for earlier in waiting.pop(anonymous, ()):
                    found[earlier] = name
            current[anonymous] = name
    for anonymous, places in waiting.items():
        for place in places:
            found[place] = _DEVICE + anonymous
    return found


def _last(rows: Sequence[Sighting], own: Users) -> Users:
    """The last name that the row's device ever had, else the device; a row without a device has no user."""
    latest = {row.record.anonymous_id: name for row, name in zip(rows, own, strict=True) if name is not None}
    return [latest.get(row.record.anonymous_id, device_of(row)) if row.record.anonymous_id else None for row in rows]


def _components(rows: Sequence[Sighting]) -> Users:
    """The component of each row's own identities: those that occurred together in one row, whatever the order.

    An anonymousId joins none. Assumed: a pair that contradicts an earlier one is joined too.
    """
    components = Components()
    for row in rows:
        identities = row.record.identities
        for other in identities[1:]:
            components.join(_name(identities[0]), _name(other))
    return [components.root(_name(row.record.identities[0])) if row.record.identities else None for row in rows]


def _name(identity: Identity) -> str:
    return f"{identity.type}\0{identity.value}"


class Components:
    """Sets that grow together."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The name that stands for the whole set."""
        top = name
        while (parent := self._parent.get(top, top)) != top:
            top = parent
        while name != top:
            name, self._parent[name] = self._parent[name], top
        return top

    def join(self, one: str, other: str) -> None:
        """Make two sets one."""
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parent[second] = first


def linked(rows: Sequence[Sighting], contract: Contract) -> list[list[Sighting]]:
    """The rows in groups that share no device, no user and no session, whichever of them are stored.

    Each group keeps the order of the rows.
    """
    components = Components()
    names = [_links(row, contract) for row in rows]
    for own in names:
        for other in own[1:]:
            components.join(own[0], other)
    groups: dict[str | int, list[Sighting]] = {}
    for place, (row, own) in enumerate(zip(rows, names, strict=True)):
        groups.setdefault(components.root(own[0]) if own else place, []).append(row)
    return list(groups.values())


def _links(row: Sighting, contract: Contract) -> list[str]:
    record = row.record
    links = ["d\0" + record.anonymous_id] if record.anonymous_id else []
    match contract.definitions.user:
        case "openid":
            name = _own(row, contract.identity)
            links += [] if name is None else ["i\0" + name]
        case "customer":
            links += ["i\0" + _name(identity) for identity in record.identities]
        case "device":
            pass
    if contract.sessions == "given" and record.session:
        links.append("s\0" + record.session)
    if contract.views == "by_id" and record.view:
        links.append("v\0" + record.view)
    return links


def sole_user(rows: Sequence[Sighting], contract: Contract) -> Callable[[Sighting], str | None] | None:
    """How to name each row's user where the unknown outcomes cannot change it; None where they can.

    Under `device` the name is the row's own. Else every row with a user is one and the same user when the group
    has one device, or none, and one identity is common to all its identified rows: whichever of them are stored,
    they are connected, and so is what is anonymous on the device.
    """
    devices = {row.record.anonymous_id for row in rows}
    if contract.sessions == "given" and len(devices) > 1:
        return None  # a session belongs to the device of its first stored event
    if contract.definitions.user == "device":
        return device_of
    common: set[Identity] | None = None
    for row in rows:
        named = _naming(row, contract)
        if named:
            common = named if common is None else common & named
    if common is not None and not common:
        return None
    if len(devices) > 1 and not all(_naming(row, contract) for row in rows):
        return None
    return lambda row: "one" if has_user(row, contract) else None


def _naming(row: Sighting, contract: Contract) -> set[Identity]:
    """The identities by which the definition could know the row."""
    if contract.stitch == "last" and not row.record.anonymous_id:
        return set()
    if contract.definitions.user == "customer":
        return set(row.record.identities)
    name = _own(row, contract.identity)
    return set() if name is None else {Identity(contract.identity, name)}


def has_user(row: Sighting, contract: Contract) -> bool:
    """Whether the row has a user in every world: a device, or an identity that the definition knows."""
    return bool(row.record.anonymous_id) or (contract.definitions.user != "device" and bool(_naming(row, contract)))


def most_users(rows: Sequence[Sighting], contract: Contract) -> int:
    """No world of these rows has more users: each is named by an identity or by a device."""
    names = {identity for row in rows for identity in _naming(row, contract)}
    return len(names) + len({row.record.anonymous_id for row in rows if row.record.anonymous_id})
