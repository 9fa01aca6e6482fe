"""What other products publish beside the four numbers: how long opens lasted, how many were left at once, …

Each is a sum over opens (opening.py), so an open belongs wholly to the cell or period in which it begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.contract import Contract
from simulator.times import Ms
from simulator.verify.opening import Open


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over a set of opens."""

    opens: int = 0
    events: int = 0
    views: int = 0
    bounces: int = 0  # opens with one view
    most_views: int = 0  # in one open
    length: Ms = Ms(0)
    new_opens: int = 0  # first opens of their user
    new_views: int = 0  # views in these


def figures(opens: Iterable[Open], contract: Contract) -> Figures:
    """The sums over some opens."""
    found = list(opens)
    new = [one for one in found if one.new]
    return Figures(
        opens=len(found),
        events=sum(one.events for one in found),
        views=sum(one.views for one in found),
        bounces=sum(one.views == 1 for one in found),
        most_views=max((one.views for one in found), default=0),
        length=Ms(sum(length_of(one, contract) for one in found)),
        new_opens=len(new),
        new_views=sum(one.views for one in new),
    )


def length_of(one: Open, contract: Contract) -> Ms:
    """How long an open lasted: last minus first event, or what its events report.

    An open with one event lasted 0, one with more `length_extra` longer than the span.
    """
    if contract.length == "reported":
        return one.reported
    return Ms(one.end - one.start + (contract.length_extra if one.events > 1 else 0))
