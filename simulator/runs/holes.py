"""What workers that were lost leave open, for the verdict.

Where a worker wrote its ledger into the run directory nothing is open: every attempt is on file. Where it kept it on
another machine and not all of it came, a visitor that it had leased may have been sent further than is known. Each
request that may have left has then attempts of unknown outcome, as many as the plan allows: the totals become intervals
that hold the truth, whatever the worker did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.finding import Finding, Verdict
from simulator.ledger.index import ByRequest
from simulator.ledger.leases import CourseName, Leases
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.record import Attempt
from simulator.ledger.write import SUFFIX
from simulator.report.words import plural
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.wire.request import Evidence, Outcome, Purpose, Request

_EXAMPLES = 5
_COURSES: tuple[CourseName, ...] = ("setup", "load")


def with_possible(requests: Sequence[Request], attempts: ByRequest, leases: Leases) -> ByRequest:
    """A visitor's attempts, and those that a lost worker may have made beside them.

    Sound: a worker writes an attempt before it sends, and what came of its ledger is a beginning of it in that order,
    so whatever is not on file lies behind the visitor's last attempt that is. Exact where that one was the last.

    Args:
        requests: of one visitor, in sending order.
        attempts: of the same visitor by request number, each in the order of attempt.
    """
    found = dict(attempts)
    for course in _COURSES:
        of_course = [one for one in requests if (one.purpose is Purpose.SETUP) is (course == "setup")]
        if not of_course or (hole := leases.hole_of(course, of_course[0].visitor)) is None:
            continue
        known = [place for place, one in enumerate(of_course) if attempts.get(one.number)]
        for request in of_course[known[-1] if known else 0 :]:
            sent = attempts.get(request.number, [])
            found[request.number] = [*sent, *_possible(request, sent, hole.since_ns)]
    return found


def _possible(request: Request, sent: Sequence[Attempt], since_ns: int) -> Iterator[Attempt]:
    retries, copies = request.retries, request.duplicates
    more = 1 + retries + copies
    for attempt in sent:
        # As load/walk.py goes on: again while it is not acked, then the planned copies, whatever is answered.
        retries = 0 if attempt.outcome is Outcome.ACKED else retries
        more = retries + copies
        if retries:
            retries -= 1
        elif copies:
            copies -= 1
    for number in range(more):
        yield Attempt(
            request.visitor,
            request.number,
            len(sent) + number,
            request.purpose,
            since_ns,
            since_ns,
            0,
            Outcome.UNKNOWN,
            Evidence.NONE,
            0,
        )


def lost_findings(leases: Leases) -> Iterator[Finding]:
    """What to know of each worker that was lost, and of each whose ledger has not come as a whole."""
    for worker in leases.workers:
        if worker.is_whole and not worker.lost:
            continue
        open_ones = [hole for holes in leases.holes.values() for hole in holes if hole.worker == worker.name]
        visitors = sorted({hole.first for hole in open_ones})[:_EXAMPLES]
        many = sum(hole.stop - hole.first for hole in leases.holes.get("load", ()) if hole.worker == worker.name)
        what = "its ledger is whole, so what it sent is known"
        if worker.returned:
            what += f"; {plural(worker.returned, 'visitor')} whom it had leased and not begun went to the others"
        if not worker.is_whole:
            what = (
                f"not all of its ledger came home, so {many:,} visitors whom it had leased may have been sent further "
                f"than is known; bring {worker.name}{SUFFIX} from there into {LEDGER_FOLDER}/, and verify again"
            )
        text = f"{worker.name} on {worker.host} was lost: {what}"
        yield Finding("worker_lost", Verdict.INCONCLUSIVE, text, 1, tuple(visitors))


def with_measured_clocks(opened: OpenedRun, leases: Leases) -> OpenedRun:
    """The run, with what the clocks of its workers may be off added to what the collector's may be."""
    bound = Ms(-(-leases.clock_bound_ns // 1_000_000))
    if not bound:
        return opened
    contract = replace(opened.contract, clock_bound=Ms(opened.contract.clock_bound + bound))
    return replace(opened, manifest=replace(opened.manifest, contract=contract))
