"""In which zone days begin: the local time of a few instants is asked for, until one zone is left.

Each question is a launch at an instant for which the zones that are left give different local dates (or hours, where
the reader has cells by hour). First the near past is asked about; zones that have been alike since then can only be
told apart by older instants, back to 1971, as far as the collector takes them. Zones alike ever since are one zone with
several names, of which the one that tzdata lists itself is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from importlib.resources import files
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.period import OLDEST
from simulator.runs.conform.discovering.probing import Bench, Probe, Visit
from simulator.times import DAY, HOUR, MINUTE, Ms, utc
from simulator.verify.readers.reading import Reading

_AT_ONCE = 8  # questions
_MOST_LOOKED_AT = 200  # instants, unless none of these tells zones apart
_APART = 4 * DAY  # between two of them, so that each has days of its own
_RECENT = 400 * DAY
# Of zones that are alike, those that people name first.
_KNOWN = (
    "Asia/Shanghai", "UTC", "Asia/Tokyo", "Asia/Singapore", "Asia/Kolkata", "Asia/Dubai", "Europe/London",
    "Europe/Paris", "Europe/Berlin", "Europe/Moscow", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo", "Australia/Sydney",
)  # fmt: skip


class Pool(Protocol):
    """Instants that may tell zones apart."""

    def __call__(self, left: Sequence[str], now: Ms, *, fine: bool) -> Iterator[Ms]: ...


Local = tuple[int, ...]  # what a zone says of an instant: its local day; or its local hour, and the offset


_NAMELESS = "the reader has no cells by day, and names hours as instants in UTC"


@dataclass(frozen=True, slots=True)
class Said:
    """What a collector said of one instant; None: it has no such cells, or several of them grew."""

    at: Ms
    day: str | None
    hour: str | None


Ask = Callable[[Sequence[Ms]], list[Said]]


def find_zone(bench: Bench, found: Found) -> None:
    """The zone of the collector's days."""
    by_day, by_hour = bench.reads("pv", "day"), bench.reads("pv", "hour")
    if not by_day and not by_hour:
        found.leave("day", "the reader has no cells by day and none by hour")
        return
    limit = bench.now - _RECENT if bench.oldest is None else bench.oldest
    left, said = narrow(partial(_ask, bench, by_day, by_hour), Ms(limit), bench.now, by_day, by_hour)
    if not left:
        told = "; ".join(f"{utc(one.at):%Y-%m-%dT%H:%MZ} in {one.hour or one.day}" for one in said[-3:])
        found.leave("day", f"no zone has its days and hours so: {told}" if told else _NAMELESS)
        return
    best = canonical(left)
    found.set("day", best)
    bench.use_zone(best)
    others = [name for name in left if name != best and not name.startswith("Etc/")]
    if others:
        found.remark(f"nothing that was asked tells {best} from {', '.join(others[:6])}: their days are alike")


def narrow(ask: Ask, oldest: Ms, now: Ms, by_day: bool, by_hour: bool) -> tuple[list[str], list[Said]]:
    """The zones that are left when nothing more can be asked, and what was said; none where no zone fits.

    Args:
        ask: what the collector says of some instants, of which no two have a day in common.
        oldest: instant that may be asked about.
    """
    asking = _Asking(ask, oldest, now)
    if not by_day:
        asking.add([Ms(now // DAY * DAY - ago * DAY) for ago in (10, 100, 190)])
        if all(one.hour is None or one.hour.endswith(("Z", "+00:00")) for one in asking.said):
            return [], []  # instants in UTC, whatever the zone is
        return asking.narrow(names(), (_recent, _seasons, _transitions), fine=True), asking.said
    # First by dates alone: they tell whether hours are named by the local clock, or as instants in UTC.
    left = asking.narrow(names(), (_recent,), fine=False)
    fine = by_hour and any(all(_agrees_hour(name, one) for one in asking.said) for name in left)
    pools = (_recent, _seasons, _transitions)
    return asking.narrow(left, pools, fine=fine) or asking.narrow(left, pools, fine=False), asking.said


class _Asking:
    """The questions so far, and what was answered."""

    def __init__(self, ask: Ask, oldest: Ms, now: Ms) -> None:
        self._ask, self._oldest, self._now = ask, oldest, now
        self.said: list[Said] = []

    def add(self, asked: Sequence[Ms]) -> None:
        """Ask about some instants."""
        self.said += self._ask(asked) if asked else []

    def narrow(self, left: list[str], pools: Sequence[Pool], *, fine: bool) -> list[str]:
        """The zones that can have said all that was said, after as many questions as tell any apart."""
        left = self._agreeing(left, fine)
        for pool in pools:
            while len(left) > 1:
                instants = dict.fromkeys(pool(left, self._now, fine=fine))
                self.add(_questions([at for at in instants if at > self._oldest + DAY], left, fine))
                fewer = self._agreeing(left, fine)
                if len(fewer) == len(left):
                    break  # nothing more can be asked, or the answers tell nothing
                left = fewer
        return left

    def _agreeing(self, left: Sequence[str], fine: bool) -> list[str]:
        return [
            name
            for name in left
            if all(_agrees_day(name, one) and (not fine or _agrees_hour(name, one)) for one in self.said)
        ]


def _ask(bench: Bench, by_day: bool, by_hour: bool, asked: Sequence[Ms]) -> list[Said]:
    kinds = tuple(kind for kind, is_read in (("day", by_day), ("hour", by_hour)) if is_read)
    windows = [(Ms(at // DAY * DAY - DAY), Ms((at // DAY + 2) * DAY)) for at in asked]

    def look() -> list[Reading]:
        return [bench.readers.totals.read(*window, kinds=kinds) for window in windows]

    before = look()
    bench.send([Probe(f"a launch at {utc(at):%Y-%m-%dT%H:%MZ}", [Visit(at, ["launch", "exit"])]) for at in asked])

    def grown() -> list[Said]:
        return [
            Said(at, _grown(first, last, "day", by_day), _grown(first, last, "hour", by_hour))
            for at, first, last in zip(asked, before, look(), strict=True)
        ]

    said: list[Said] = bench.rest(grown, lambda now: all(one.day or one.hour for one in now))
    return said


@lru_cache(maxsize=1)
def names() -> list[str]:
    """The zones that tzdata lists as zones of their own since 1970, UTC, and those of fixed offsets."""
    fixed = [f"Etc/GMT{offset:+}" for offset in range(-14, 13) if offset]
    return [name for name in (*_table(), "UTC", *fixed) if name in available_timezones()]


def canonical(left: Sequence[str]) -> str:
    """Of zones that are alike the one that people would name."""
    return min(left, key=lambda name: (_KNOWN.index(name) if name in _KNOWN else len(_KNOWN), left.index(name)))


@lru_cache(maxsize=1)
def _table() -> dict[str, int]:
    text = files("tzdata").joinpath("zoneinfo/zone1970.tab").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {fields[2]: place for place, fields in enumerate(lines)}


# ---- questions ----------------------------------------------------------------------------------------------------


def _recent(left: Sequence[str], now: Ms, *, fine: bool) -> Iterator[Ms]:
    """Instants of the last year."""
    for ago in range(5 * DAY, _RECENT, 15 * DAY):
        yield from _around(left, Ms((now - ago) // DAY * DAY), fine=fine)


def _seasons(left: Sequence[str], now: Ms, *, fine: bool) -> Iterator[Ms]:
    """Instants of every month since 1971."""
    for at in range(OLDEST + DAY, now - 5 * DAY, 30 * DAY):
        yield from _around(left, Ms(at // DAY * DAY), fine=fine)


def _around(left: Sequence[str], midnight: Ms, *, fine: bool) -> Iterator[Ms]:
    """Instants of a day at which it is past midnight in some zones, and not yet in others."""
    if fine:
        yield Ms(midnight + 30 * MINUTE)
        return
    for offset in sorted({offset_of(name, midnight) for name in left}):
        yield Ms(midnight - offset + 5 * MINUTE)


def _transitions(left: Sequence[str], now: Ms, *, fine: bool) -> Iterator[Ms]:
    """Instants just around those at which the clock of one of the zones was put forward or back."""
    del fine
    for name in left[:40]:
        last, before = OLDEST, offset_of(name, OLDEST)
        for at in range(OLDEST, now - 5 * DAY, 7 * DAY):
            offset = offset_of(name, Ms(at))
            if offset != before:
                moment = _bisect(name, Ms(last), Ms(at))
                yield from (Ms(moment - 5 * MINUTE), Ms(moment + 5 * MINUTE), Ms(moment + 65 * MINUTE))
            last, before = Ms(at), offset


def _bisect(name: str, low: Ms, high: Ms) -> Ms:
    """The minute at which a zone's offset changes between two instants."""
    before = offset_of(name, low)
    while high - low > MINUTE:
        middle = Ms((low + high) // 2 // MINUTE * MINUTE)
        if middle in (low, high):
            break
        low, high = (middle, high) if offset_of(name, middle) == before else (low, middle)
    return high


def _questions(pool: Sequence[Ms], left: Sequence[str], fine: bool) -> list[Ms]:
    """A few instants that tell the zones apart best, each with days of its own; none where none tells any apart."""
    some = pool[:: max(1, len(pool) // _MOST_LOOKED_AT)]
    return _chosen(some, left, fine) or (_chosen(pool, left, fine) if len(some) < len(pool) else [])


def _chosen(pool: Sequence[Ms], left: Sequence[str], fine: bool) -> list[Ms]:
    classes: dict[tuple[Local, ...], list[str]] = {(): list(left)}
    chosen: list[Ms] = []
    said = {at: {name: local(name, at, fine) for name in left} for at in pool}
    while len(chosen) < _AT_ONCE and len(classes) < len(left):
        free = [at for at in pool if all(abs(at - one) >= _APART for one in chosen)]
        best = max(free, key=lambda at: _parts(classes, said[at]), default=None)
        if best is None or _parts(classes, said[best]) == len(classes):
            break
        chosen.append(best)
        finer: dict[tuple[Local, ...], list[str]] = {}
        for key, some in classes.items():
            for name in some:
                finer.setdefault((*key, said[best][name]), []).append(name)
        classes = finer
    return chosen


def _parts(classes: dict[tuple[Local, ...], list[str]], said: dict[str, Local]) -> int:
    return sum(len({said[name] for name in some}) for some in classes.values())


def local(name: str, at: Ms, fine: bool) -> Local:
    """What a zone's clock says at an instant, as finely as it can be asked for."""
    offset = offset_of(name, at)
    return ((at + offset) // HOUR, offset) if fine else ((at + offset) // DAY,)


def offset_of(name: str, at: Ms) -> int:
    """How far a zone's clock is ahead of UTC, in milliseconds."""
    offset = utc(at).astimezone(_zone(name)).utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


# ---- answers ------------------------------------------------------------------------------------------------------


def _grown(before: Reading, after: Reading, kind: str, is_read: bool) -> str | None:
    """The one cell that has a view more."""
    if not is_read or kind not in before.cells or kind not in after.cells:
        return None
    grown = [
        cell
        for cell, values in after.cells[kind].items()
        if (values.get("pv") or 0) - (before.cells[kind].get(cell, {}).get("pv") or 0) == 1
    ]
    return grown[0] if len(grown) == 1 else None


def _agrees_day(name: str, said: Said) -> bool:
    """Whether an instant is on that day in a zone."""
    return said.day is None or said.day[:10] == f"{_there(name, said.at):%Y-%m-%d}"


def _agrees_hour(name: str, said: Said) -> bool:
    """Whether an instant is in that hour by a zone's clock, with that offset where the cell has one."""
    try:
        moment = None if said.hour is None else datetime.fromisoformat(said.hour)
    except ValueError:
        moment = None  # a name of its own kind, which says nothing
    if moment is None:
        return True
    there = _there(name, said.at)
    if moment.tzinfo is not None and moment.utcoffset() != there.utcoffset():
        return False
    return moment.replace(tzinfo=None) == there.replace(tzinfo=None, minute=0, second=0, microsecond=0)


def _there(name: str, at: Ms) -> datetime:
    return utc(at).astimezone(_zone(name))
