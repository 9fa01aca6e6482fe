"""What happened so far, as numbers: what a worker tells of itself, how several are one; progress.json and load.json.

load.json is written when the load is over, however it ended. A directory without one was cut short by a crash.

    finished          every visitor was sent to the end
    interrupted       stopped before that: by a signal, the web UI, a time limit, a lost worker, or `load.abort`
    reason            why it did not finish, in words; empty when it did
    self_check        of the transport (self_check.py): ok, what was wrong, or empty where it was not reached
    wanted_rate       visitors per wall second that the plan asks for; 0 where it asks for none (closed model, flood)
    offered_rate      visitors started per wall second
    seconds           from the start of the judged load to its end
    workers           that took part; workers_lost: of them those that were not heard of any more
    visitors          planned; visitors_started: whose first request left or had nothing to send
    punctual          part of the visitors planned so far that started within 1 s of their instant; null: not open model
    visitors_held     of those who started later: they waited while the collector let all requests in flight wait
    late_p99_ms       of the starts, after their instant; null: not open model
    attempts, setup   sent, acked, refused, unknown
    lookups           sent, failed, and examples of failures
    started_ns        wall instant, UTC, at which the judged load began; 0: it never did
    setup_done_ns     when the last setup visit was answered; 0: there was none
    first_sent_ns, last_done_ns   of judged events
    fleet             of a run with a master: each worker, with the host it is on, what it sent, how well its clock was
                      known (clock_bound_ms), and what became of it

progress.json has the same names as far as they are known, with `phase` (joining, setup, load, draining, over),
`elapsed`, and `left`: seconds until the last visitor is through, as far as that can be foreseen; else null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from simulator.finding import ExitCode
from simulator.journey.arrivals import due_by
from simulator.journey.plan import Plan, arrival_offset_us
from simulator.ledger.histogram import Histogram
from simulator.load.tally import Tally, Tried
from simulator.wire.request import Outcome

_MOST_NAMES = 1_000  # of one kind that a worker may tell
_MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Told:
    """Numbers of one process since its beginning, of a kind that can be put together by name.

    A name that one has and another lacks is as if it were zero, so whoever adds a name changes nothing here.
    """

    counts: Mapping[str, int] = field(default_factory=dict)  # add up
    firsts: Mapping[str, int] = field(default_factory=dict)  # the least above 0; 0: it never happened
    lasts: Mapping[str, int] = field(default_factory=dict)  # the largest
    histograms: Mapping[str, Histogram] = field(default_factory=dict)  # merged
    examples: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)  # the first few

    def count(self, name: str) -> int:
        return self.counts.get(name, 0)

    @property
    def sent(self) -> int:
        """Attempts of judged events that are through."""
        return sum(self.count(f"attempts.{outcome.name.lower()}") for outcome in Outcome)

    @property
    def failed(self) -> int:
        """Of them those that were not acked."""
        return self.count("attempts.refused") + self.count("attempts.unknown")

    @property
    def tried(self) -> Tried:
        """Of judged events and of earlier visits: a collector that is down is down for both."""
        setup = {outcome: self.count(f"setup.{outcome.name.lower()}") for outcome in Outcome}
        return Tried(self.sent + sum(setup.values()), self.failed + sum(setup.values()) - setup[Outcome.ACKED])

    def as_json(self) -> dict[str, Any]:
        """As it travels between processes."""
        return {
            "counts": dict(self.counts),
            "firsts": dict(self.firsts),
            "lasts": dict(self.lasts),
            "histograms": {name: one.as_json() for name, one in self.histograms.items()},
            "examples": {name: [dict(one) for one in some] for name, some in self.examples.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Told:
        """The inverse of `as_json`.

        Raises:
            ValueError, TypeError, KeyError: it is none, or has too many names.
        """
        if any(len(data[kind]) > _MOST_NAMES for kind in ("counts", "firsts", "lasts", "histograms", "examples")):
            raise ValueError(f"more than {_MOST_NAMES} names of one kind")
        return cls(
            counts={str(name): int(value) for name, value in data["counts"].items()},
            firsts={str(name): int(value) for name, value in data["firsts"].items()},
            lasts={str(name): int(value) for name, value in data["lasts"].items()},
            histograms={str(name): Histogram.from_json(one) for name, one in data["histograms"].items()},
            examples={
                str(name): tuple(dict(one) for one in some[:_MOST_EXAMPLES]) for name, some in data["examples"].items()
            },
        )


def together(told: Iterable[Told]) -> Told:
    """Several as one."""
    counts: dict[str, int] = {}
    firsts: dict[str, int] = {}
    lasts: dict[str, int] = {}
    histograms: dict[str, Histogram] = {}
    examples: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for one in told:
        for name, value in one.counts.items():
            counts[name] = counts.get(name, 0) + value
        for name, value in one.firsts.items():
            firsts[name] = min(filter(None, (firsts.get(name, 0), value)), default=0)
        for name, value in one.lasts.items():
            lasts[name] = max(lasts.get(name, 0), value)
        for name, histogram in one.histograms.items():
            histograms.setdefault(name, Histogram()).merge(histogram)
        for name, some in one.examples.items():
            examples[name] = (*examples.get(name, ()), *some)[:_MOST_EXAMPLES]
    return Told(counts, firsts, lasts, histograms, examples)


def told_by(tally: Tally, *, silent: int, finished: int, in_flight: int) -> Told:
    """A tally, and the visitors of the judged load who had nothing to send, were sent to the end, are being served."""
    counts = {f"attempts.{outcome.name.lower()}": n for outcome, n in tally.outcomes.items()}
    counts |= {f"setup.{outcome.name.lower()}": n for outcome, n in tally.setup.items()}
    counts |= {
        "visitors.started": tally.started,
        "visitors.punctual": tally.punctual,
        "visitors.held": tally.held,
        "visitors.silent": silent,
        "visitors.finished": finished,
        "in_flight": in_flight,
        "lookups": tally.lookups,
        "lookups.failed": tally.lookups_failed,
    }
    return Told(
        counts,
        {"sent": tally.first_sent_ns, "start": tally.first_start_ns},
        {"done": tally.last_done_ns, "start": tally.last_start_ns},
        {"late": tally.late},
        {"lookups": tuple(asdict(one) for one in tally.failed_lookups)},
    )


@dataclass(frozen=True, slots=True)
class Times:
    """Where a run is; wall instants in nanoseconds, 0 for what has not happened."""

    now_ns: int
    began_ns: int  # of everything
    setup_done_ns: int = 0
    started_ns: int = 0  # of the judged load
    stopped_ns: int = 0  # somebody wanted it to end
    ended_ns: int = 0


def numbers(plan: Plan, told: Told, times: Times, *, workers: int = 1, workers_lost: int = 0) -> dict[str, Any]:
    """The numbers that progress.json and load.json share."""
    until_ns = times.ended_ns or times.now_ns
    lasted_ns = max(0, until_ns - times.started_ns) if times.started_ns else 0
    started, silent = told.count("visitors.started"), told.count("visitors.silent")
    absent = min(silent, plan.count - plan.coming)  # those whom a replay leaves out
    late = told.histograms["late"].percentile(Fraction(99)) if _is_open(plan) and "late" in told.histograms else None
    # Where nobody has an instant of their own, a rate of starts says nothing: it is the run's throughput then.
    span_ns = told.lasts.get("start", 0) - told.firsts.get("start", 0) if _is_open(plan) else lasted_ns
    left = {} if times.ended_ns else {"left": _left(plan, told, times)}
    return {
        **left,
        "elapsed": round((until_ns - times.began_ns) / 1e9, 3),
        "wanted_rate": _wanted_rate(plan),
        "offered_rate": _rate(started, span_ns),
        "seconds": round(lasted_ns / 1e9, 3),
        "workers": workers,
        "workers_lost": workers_lost,
        "visitors": plan.coming,
        "visitors_started": started + silent - absent,
        "visitors_finished": max(0, told.count("visitors.finished") + silent - absent),
        "punctual": _punctual(plan, told, times),
        "visitors_held": told.count("visitors.held"),
        "late_p99_ms": None if late is None else late / 1_000,
        "attempts": _outcomes(told, "attempts"),
        "setup": _outcomes(told, "setup"),
        "lookups": {
            "sent": told.count("lookups"),
            "failed": told.count("lookups.failed"),
            "examples": [dict(one) for one in told.examples.get("lookups", ())],
        },
        "in_flight": told.count("in_flight"),
        "started_ns": times.started_ns,
        "setup_done_ns": times.setup_done_ns,
        "first_sent_ns": told.firsts.get("sent", 0),
        "last_done_ns": told.lasts.get("done", 0),
    }


def ending(run_id: str, exit_code: int, reason: str, self_checked: str) -> dict[str, Any]:
    """How a load ended; load.json has it before the numbers."""
    return {
        "version": 1,
        "run_id": run_id,
        "finished": exit_code == ExitCode.PASS,
        "interrupted": exit_code == ExitCode.INCOMPLETE,
        "reason": reason,
        "exit_code": exit_code,
        "self_check": self_checked,
    }


def _is_open(plan: Plan) -> bool:
    """Whether visitors have an instant of their own on the wall clock."""
    return plan.schedule is not None and not plan.flood


def _wanted_rate(plan: Plan) -> float:
    if not _is_open(plan):
        return 0.0
    first, last = arrival_offset_us(plan, 0), arrival_offset_us(plan, plan.count - 1)
    return _rate(plan.count, (last - first) * 1_000)


def _punctual(plan: Plan, told: Told, times: Times) -> float | None:
    """Of the visitors whose instant has come, those who started within a second of it."""
    if not _is_open(plan) or not times.started_ns:
        return None
    until_us = ((times.stopped_ns or times.ended_ns or times.now_ns) - times.started_ns) // 1_000
    assert plan.schedule is not None  # of the open model
    due = due_by(plan.schedule, until_us)
    punctual = told.count("visitors.punctual") + told.count("visitors.silent")
    return round(min(1.0, punctual / due), 6) if due else 1.0


def _left(plan: Plan, told: Told, times: Times) -> float | None:
    """Until the last visitor comes, of the open model; else by how fast visitors got through so far."""
    lasted = (times.now_ns - times.started_ns) / 1e9
    finished = told.count("visitors.finished") + told.count("visitors.silent")
    if not times.started_ns or times.stopped_ns or lasted <= 0:
        return None
    if _is_open(plan):
        until_last = arrival_offset_us(plan, plan.count - 1) / 1e6 - lasted
        return round(until_last, 1) if until_last > 0 else None  # then visitors are only on their way
    return round(lasted * (plan.coming - finished) / finished, 1) if 0 < finished <= plan.coming else None


def _outcomes(told: Told, what: str) -> dict[str, int]:
    each = {outcome.name.lower(): told.count(f"{what}.{outcome.name.lower()}") for outcome in Outcome}
    return {"sent": sum(each.values())} | each


def _rate(count: int, between_ns: int) -> float:
    """Of `count` instants, the first and last of which lie so far apart: n of them make n - 1 gaps."""
    return round((count - 1) * 1e9 / between_ns, 3) if count > 1 and between_ns > 0 else 0.0


def first_number(end: int, is_true: Callable[[int], bool]) -> int:
    """The first number below `end` for which a condition holds that, once true, stays so; `end` when none does."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        if is_true(middle):
            high = middle
        else:
            low = middle + 1
    return low
