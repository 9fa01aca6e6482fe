"""What a run's totals must be by what was attempted so far: the oracle, block by block, while the ledger grows.

A block is counted anew when there is news of one of its visitors, and only then; users and devices never cross a block,
so the sums over all blocks are what one oracle would say of them. Files and threads are following.py's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain

from simulator.finding import Interval
from simulator.ledger.index import by_request
from simulator.ledger.read import Fields
from simulator.ledger.tail import Place
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.oracle import Key, Oracle
from simulator.verify.sighting import sightings_of
from simulator.wire.request import without_bytes

_KINDS = ("all", "source")
_MAX_UNKNOWN = 4  # events of a linked group whose worlds are counted one by one
_NOTHING = Interval(0, 0)


class SoFar:
    """The expectations of a run that is being sent, in total and by source.

    Args:
        begin, end: the judged period.
    """

    def __init__(self, opened: OpenedRun, begin: Ms, end: Ms) -> None:
        self.unknowable: dict[str, str] = {}  # metric → why nobody can know it
        self._opened = opened
        self._adapter = without_bytes(opened.adapter)
        self._period = begin, end
        self._attempts: dict[int, dict[Place, Fields]] = {}  # by visitor
        self._counted: dict[int, dict[Key, Interval]] = {}  # what each block comes to
        self._sums: dict[Key, Interval] = {}
        self._waiting: dict[int, None] = {}  # blocks of which there is news, the oldest first
        self.attempts = 0  # taken

    @property
    def behind(self) -> int:
        """Blocks of which there is news that is not counted."""
        return len(self._waiting)

    def take(self, news: Iterable[tuple[Place, Fields]]) -> None:
        """Note attempts; one that is told of again has ended."""
        for place, fields in news:
            of_visitor = self._attempts.setdefault(fields[2], {})
            self.attempts += place not in of_visitor
            of_visitor[place] = fields
            self._waiting[fields[2] // self._opened.plan.block] = None

    def count(self, seconds: float) -> None:
        """Count what waits, for so long at most; at least one block."""
        until = time.monotonic() + seconds
        while self._waiting:
            block = next(iter(self._waiting))
            del self._waiting[block]
            self._replace(block, self._count(block))
            if time.monotonic() >= until:
                return

    def forget(self) -> None:
        """Let go of the attempts; what is counted stays, and nothing more can be."""
        self._attempts.clear()
        self._counted.clear()
        self._waiting.clear()

    def expected(self) -> dict[Key, Interval]:
        """Every total that can be above zero, by what is counted."""
        return dict(self._sums)

    def _count(self, block: int) -> dict[Key, Interval]:
        opened = self._opened
        requests = requests_of_block(opened.plan, self._adapter, block)
        attempts = {
            (visitor, number): found
            for visitor in requests
            for number, found in by_request(list(self._attempts.get(visitor, {}).values())).items()
        }
        carries = opened.adapter.carries_anonymous_id
        oracle = Oracle(opened.contract, *self._period, carries_anonymous_id=carries, max_unknown=_MAX_UNKNOWN)
        oracle.add_block(sightings_of(list(chain.from_iterable(requests.values())), attempts, opened.contract))
        said = oracle.finish()
        self.unknowable.update({key[0]: why for key, why in said.unknowable.items() if key[1:] in ((), ("all", ""))})
        return {key: interval for key, interval in said.intervals.items() if key[1] in _KINDS}

    def _replace(self, block: int, now: dict[Key, Interval]) -> None:
        before = self._counted.get(block, {})
        self._counted[block] = now
        for key in before.keys() | now.keys():
            total, out, into = self._sums.get(key, _NOTHING), before.get(key, _NOTHING), now.get(key, _NOTHING)
            self._sums[key] = Interval(total.low - out.low + into.low, total.high - out.high + into.high)
