"""One attempt, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import replace

from simulator.immutable import immutable
from simulator.wire.request import Evidence, Outcome, Purpose


@immutable(frozen=True, slots=True)
class Attempt:
    """One physical send of one request. Instants are nanoseconds of the sender's wall clock since 1970, UTC."""

    visitor: int
    request: int  # Request.number
    attempt: int  # 0-based: duplicates and retries count on
    purpose: Purpose
    intended_ns: int  # when it should have left
    sent_ns: int  # when the first byte was written
    done_ns: int  # when the outcome was known; 0: never
    outcome: Outcome  # UNKNOWN while open
    evidence: Evidence
    status: int  # HTTP status; 0 without a reply
    began_ns: int = 0  # when the intent was written, before anything was connected; 0: as `sent_ns`
    apart: tuple[tuple[int, Outcome], ...] = ()  # (place in the request, outcome) of events that fared differently

    def of_event(self, place: int) -> Attempt:
        """The same attempt as it is to one event of its request."""
        outcome = dict(self.apart).get(place, self.outcome)
        return self if outcome is self.outcome else replace(self, outcome=outcome)
