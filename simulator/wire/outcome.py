"""What one answer tells about the collector: the table from evidence to outcome, and the sentence that says so.

When in doubt UNKNOWN: calling a kept event refused raises false alarms, calling a refused one unknown only widens an
expected total.

Source: verification model, section 3 (ok, fail, info are acked, refused, unknown here).
"""

from __future__ import annotations

import json
from http import HTTPStatus

from simulator.contract import BodyRule, Replies, same_value
from simulator.wire.request import Answer, Evidence, Outcome

DEFAULT_REPLIES = Replies()

# Evidence that speaks for itself. A REPLY is judged by its status, and its body where the contract has a rule for it;
# whatever is not in a table is UNKNOWN.
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
            return Outcome.ACKED if replies.body is None else _by_body(answer.body, replies.body)
        return Outcome.REFUSED if answer.status in replies.refused else Outcome.UNKNOWN
    return _WITHOUT_REPLY.get(answer.evidence, Outcome.UNKNOWN)


def _by_body(body: bytes, rule: BodyRule) -> Outcome:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Outcome.UNKNOWN
    if not isinstance(document, dict) or rule.key not in document:
        return Outcome.UNKNOWN
    return by_value(document[rule.key], rule)


def by_value(value: object, rule: BodyRule) -> Outcome:
    """What a value in a reply tells by a rule."""
    if any(same_value(value, one) for one in rule.acked):
        return Outcome.ACKED
    if rule.other == "refused" or any(same_value(value, one) for one in rule.refused):
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def describe(answer: Answer, replies: Replies = DEFAULT_REPLIES, outcome: Outcome | None = None) -> str:
    """The evidence of one attempt in one line, such as "reset after the request was sent". Never raises.

    Args:
        outcome: as it was told when the body was still there; None: by the answer itself.
    """
    if answer.evidence == Evidence.REPLY:
        told = classify(answer, replies) if outcome is None else outcome
        said = ", not confirmed by its body" if answer.status in replies.acked and told is not Outcome.ACKED else ""
        return f"HTTP {answer.status}{_phrase(answer.status)}{said}: {_PROMISES[told]}"
    return _SENTENCES.get(answer.evidence, "evidence of an unknown kind")


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
