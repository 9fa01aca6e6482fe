"""What one answer tells about the collector: the table from evidence to outcome, and the sentence that says so.

When in doubt UNKNOWN: calling a kept event refused raises false alarms, calling a refused one unknown only widens an
expected total.

Source: verification model, section 3 (ok, fail, info are acked, refused, unknown here).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from simulator.wire.request import Answer, Evidence, Outcome


@dataclass(frozen=True, slots=True)
class Replies:
    """Which statuses of a complete reply promise something; any other status is UNKNOWN."""

    acked: frozenset[int] = frozenset({200})  # everything in the request is stored
    refused: frozenset[int] = frozenset({400, 401, 403, 404, 405, 413, 415, 422})  # nothing of it is stored


DEFAULT_REPLIES = Replies()

# Evidence that speaks for itself. A REPLY is judged by its status; whatever is not in a table is UNKNOWN.
_WITHOUT_REPLY = {Evidence.NO_CONNECTION: Outcome.REFUSED}

_SENTENCES = {
    Evidence.NONE: "no answer was recorded: the request may be on its way, or its worker died",
    Evidence.NO_CONNECTION: "no connection: no byte of the request left",
    Evidence.TIMEOUT: "sent, and no complete reply in time",
    Evidence.RESET: "reset after the request was sent",
    Evidence.CLOSED: "closed without a reply",
    Evidence.TRUNCATED: "closed inside a reply",
    Evidence.GARBAGE: "a reply that is not HTTP",
    Evidence.OVERSIZED: "a reply larger than the bound",
    Evidence.STOPPED: "sent, and the run ended before a reply",
}

_PROMISES = {
    Outcome.ACKED: "the collector has it",
    Outcome.REFUSED: "the collector kept nothing",
    Outcome.UNKNOWN: "the collector may have kept it",
}


def classify(answer: Answer, replies: Replies = DEFAULT_REPLIES) -> Outcome:
    """The outcome of one attempt. Never raises; what it does not recognise is UNKNOWN."""
    if answer.evidence == Evidence.REPLY:
        if answer.status in replies.acked:
            return Outcome.ACKED
        return Outcome.REFUSED if answer.status in replies.refused else Outcome.UNKNOWN
    return _WITHOUT_REPLY.get(answer.evidence, Outcome.UNKNOWN)


def describe(answer: Answer, replies: Replies = DEFAULT_REPLIES) -> str:
    """The evidence of one attempt in one line, such as "reset after the request was sent". Never raises."""
    if answer.evidence == Evidence.REPLY:
        return f"HTTP {answer.status}{_phrase(answer.status)}: {_PROMISES[classify(answer, replies)]}"
    return _SENTENCES.get(answer.evidence, "evidence of an unknown kind")


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
