"""Faults in keeping rows: acknowledged and lost, stored twice, taken for a duplicate, refused and kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import count
from zlib import crc32

from simulator.collector.faults.fault import register
from simulator.collector.faults.planting import ChangeRow, links, rows, shell
from simulator.collector.ingest import VIEWS, BadRow, EventRow
from simulator.collector.parts import Collector
from simulator.collector.web import Refused
from simulator.times import MINUTE

seed = partial(register, "storing")

_Rows = list[EventRow | BadRow]


def struck(row: EventRow | BadRow, one_in: int) -> bool:
    """Whether an event is one of the unlucky; its date decides, so the same event is so in every run."""
    return isinstance(row, EventRow) and crc32(str(row.at).encode()) % one_in == 0


# ---- lost ---------------------------------------------------------------------------------------------------------


def unlucky_ones_lost() -> ChangeRow:
    return lambda row: () if struck(row, 20) else (row,)


seed(
    "loses-one-in-20",
    "acknowledges every event and never stores one in 20",
    rows(unlucky_ones_lost),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
)


def every_12th_lost() -> ChangeRow:
    turns = count(1)
    return lambda row: () if next(turns) % 12 == 0 else (row,)


seed(
    "loses-every-12th",
    "acknowledges every event and never stores the 12th, the 24th and so on to arrive",
    rows(every_12th_lost),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
    one_visitor=False,
)


class Buffered:
    """Rows are stored 23 together once there are 30, and what is left at the end never is: 7 to 29 of them."""

    def __init__(self) -> None:
        self._held: list[EventRow] = []

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        self._held.append(row)
        if len(self._held) < 30:
            return ()
        full, self._held = self._held[:23], self._held[23:]
        return full


seed(
    "loses-batch-tail",
    "stores events in batches and never those that wait for a batch in the end",
    rows(Buffered),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
    one_visitor=False,
)


class CrashesOnce:
    """Rows are stored ten at a time; once 100 are, the first five in memory that hold a view are forgotten in a crash.

    What came before is known, stored or forgotten: copies of it are not kept, so what is forgotten stays lost.
    """

    def __init__(self) -> None:
        self._held: list[EventRow] = []
        self._known: set[str] = set()
        self._stored = 0
        self._crashed = False

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        if row.sameness is not None:
            if row.sameness in self._known:
                return ()
            self._known.add(row.sameness)
        self._held.append(row)
        if self._crashes():
            self._held, self._crashed = [], True
        # From the crash on each is stored at once, so nothing else is missing at the end.
        if not self._crashed and len(self._held) < 10:
            return ()
        full, self._held = self._held, []
        self._stored += len(full)
        return full

    def _crashes(self) -> bool:
        is_due = not self._crashed and self._stored >= 100 and len(self._held) == 5
        return is_due and any(one.name in VIEWS for one in self._held)


seed(
    "acknowledges-then-crashes",
    "acknowledges from memory and forgets five events, with a view among them, in a crash",
    rows(CrashesOnce),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
    one_visitor=False,
)


class Forgetful(Collector):
    """A collector that knows which events it failed on before."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._failed: set[str | None] = set()

    def failed_before(self, rows: _Rows) -> bool:
        """Whether these events came before; the next time they did."""
        ids = {row.sameness for row in rows if isinstance(row, EventRow)}
        before = ids <= self._failed
        self._failed |= ids
        return before


class LosesAfterAnError(Forgetful):
    """One event in 5 is answered 503 and not stored; when it comes again it passes for a duplicate."""

    async def take(self, rows: _Rows) -> None:
        if any(struck(row, 5) for row in rows):
            if self.failed_before(rows):
                return
            raise Refused(503, "overloaded, try again")
        await super().take(rows)


seed(
    "loses-what-failed-once",
    "answers 503 to one event in 5 without storing it, and takes the second try for a duplicate",
    shell(LosesAfterAnError),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
)


class LateOnesLost:
    """Nothing is stored that happened over ten minutes before the newest event of its device."""

    def __init__(self) -> None:
        self._newest: dict[str | None, int] = {}

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        newest = max(self._newest.get(row.anonymous_id, row.at), row.at)
        self._newest[row.anonymous_id] = newest
        return () if row.at < newest - 10 * MINUTE else (row,)


seed(
    "loses-late-events",
    "drops an event that comes over ten minutes after a later one of the same device",
    rows(LateOnesLost),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
)


def same_by_user() -> ChangeRow:
    return lambda row: (row._replace(sameness=f"{row.openid or row.anonymous_id} {row.name}"),)


seed(
    "dedupes-by-user",
    "takes the second event of one name by one user for a duplicate of the first",
    rows(same_by_user),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="lost",
)


def same_by_second() -> ChangeRow:
    return lambda row: (row._replace(sameness=f"{row.at // 1000} {row.anonymous_id} {row.name}"),)


seed(
    "dedupes-by-second",
    "takes two events of one name within one second for duplicates",
    rows(same_by_second),
    scenario="deliveries",
    moves="pv",
    finding="lost",
)


# ---- too many -----------------------------------------------------------------------------------------------------


def never_the_same() -> ChangeRow:
    return lambda row: (row._replace(sameness=None),)


seed(
    "counts-duplicates",
    "stores an event again when it is sent again",
    rows(never_the_same),
    scenario="deliveries",
    moves="pv opens",
    finding="duplicated",
)


class KeepsBothTries(Forgetful):
    """One event in 5 is stored, answered 503, and stored again when it comes again."""

    async def take(self, rows: _Rows) -> None:
        if any(struck(row, 5) for row in rows):
            await super().take([row._replace(sameness=None) if isinstance(row, EventRow) else row for row in rows])
            if not self.failed_before(rows):
                raise Refused(503, "overloaded, try again")
            return
        await super().take(rows)


seed(
    "counts-retries-twice",
    "stores one event in 5 although it answers 503, and again when it is tried again",
    shell(KeepsBothTries),
    scenario="deliveries",
    moves="pv",
    may_move="opens",
    finding="duplicated",
)


class KeepsWhatItRefused(Collector):
    """One event in 10 is answered 403, which promises that nothing is kept, and kept."""

    async def take(self, rows: _Rows) -> None:
        await super().take(rows)
        if any(struck(row, 10) for row in rows):
            raise Refused(403, "not welcome")


seed(
    "keeps-what-it-refused",
    "answers 403 to one event in 10 and stores it all the same",
    shell(KeepsWhatItRefused),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens new_users",
    finding="unexpected",
)


# ---- links --------------------------------------------------------------------------------------------------------


class ShortLinks(dict[str, str]):
    """URLs by their code, each cut at 128 characters."""

    def __setitem__(self, code: str, url: str) -> None:
        super().__setitem__(code, url[:128])


seed(
    "link-cut",
    "keeps only 128 characters of the complete URL behind a code",
    links(ShortLinks),
    scenario="sources",
    moves="",
    finding="lookup",
)
