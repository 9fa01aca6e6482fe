"""A plan's visitors, each on a phone with the user's own mini program: visits in, traces out.

The plan says what visitors do (launch, view, tap, hide …); what the app tells its tracker (push, track) is the app's
own business, so these events of the plan are left out and the trace shows what really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.events import Visit
from simulator.journey.plan import Plan
from simulator.runtime.answering import Answerer
from simulator.runtime.phone import Bounds, Watch
from simulator.runtime.program import Program
from simulator.runtime.trace import Trace


def drive(
    plan: Plan,
    program: Program,
    answer_for: Callable[[Visit], Answerer],
    *,
    watch: Watch = Watch(),  # noqa: B008
    bounds: Bounds = Bounds(),  # noqa: B008
) -> Iterator[Trace]:
    """One trace a visitor, by visitor number, the earlier visits of known visitors included.

    Args:
        answer_for: who answers the requests of a visit; called once a visit, in the order of the visits.
    """
    raise NotImplementedError
