"""Sightings of events of which copies were stored before the run: these are certain, whatever became of its sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from simulator.contract import Contract
from simulator.verify.listed import StoredIndex
from simulator.verify.sighting import NEVER, Sighting, rule_of

_NS = 1_000_000


def with_earlier(sightings: Iterable[Sighting], index: StoredIndex, contract: Contract) -> list[Sighting]:
    """The sightings with the copies that the list has of before the run, each of an event that has an id and a date.

    Where copies are recognised one was enough, else those of before and of the run add up.
    """
    return [_with_earlier(one, index, contract) for one in sightings]


def _with_earlier(sighting: Sighting, index: StoredIndex, contract: Contract) -> Sighting:
    record = sighting.record
    copies = [copy for copy in index.copies(record.external_id) if copy.cursor <= index.before]
    if not copies or record.bad:
        return sighting
    low, high = sighting.low, sighting.high
    rule = rule_of(record, contract.dedupe)
    if rule == "none":
        low, high = low + len(copies), high + len(copies)
    elif rule == "maybe":
        low, high = max(low, 1), high + len(copies)
    else:
        low = high = 1
    received = copies[0].received
    arrived, arrived_by = (0, NEVER) if received is None else (received * _NS, (received + 1) * _NS)
    return replace(sighting, low=low, high=high, arrived=arrived, arrived_by=arrived_by)
