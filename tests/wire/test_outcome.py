"""From evidence to outcome: every row of the table, and the sentence for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.wire.outcome import Replies, classify, describe
from simulator.wire.request import Answer, Evidence, Outcome
from tests.wire.wire_builders import adapter

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN

STATUSES = [
    (200, ACKED),
    (201, UNKNOWN),
    (204, UNKNOWN),
    (100, UNKNOWN),
    (301, UNKNOWN),
    (302, UNKNOWN),
    (304, UNKNOWN),
    (307, UNKNOWN),
    (400, REFUSED),
    (401, REFUSED),
    (403, REFUSED),
    (404, REFUSED),
    (405, REFUSED),
    (408, UNKNOWN),
    (409, UNKNOWN),
    (413, REFUSED),
    (415, REFUSED),
    (422, REFUSED),
    (429, UNKNOWN),
    (500, UNKNOWN),
    (502, UNKNOWN),
    (503, UNKNOWN),
    (504, UNKNOWN),
    (0, UNKNOWN),
    (999, UNKNOWN),
    (-200, UNKNOWN),
]


@pytest.mark.parametrize(("status", "expected"), STATUSES)
def test_a_reply_is_judged_by_its_status(status: int, expected: Outcome) -> None:
    assert classify(Answer(Evidence.REPLY, status)) is expected


EVIDENCE = [
    (Evidence.NONE, UNKNOWN, "no answer was recorded: the request may be on its way, or its worker died"),
    (Evidence.NO_CONNECTION, REFUSED, "no connection: no byte of the request left"),
    (Evidence.TIMEOUT, UNKNOWN, "sent, and no complete reply in time"),
    (Evidence.RESET, UNKNOWN, "reset after the request was sent"),
    (Evidence.CLOSED, UNKNOWN, "closed without a reply"),
    (Evidence.TRUNCATED, UNKNOWN, "closed inside a reply"),
    (Evidence.GARBAGE, UNKNOWN, "a reply that is not HTTP"),
    (Evidence.OVERSIZED, UNKNOWN, "a reply larger than the bound"),
    (Evidence.STOPPED, UNKNOWN, "sent, and the run ended before a reply"),
]


@pytest.mark.parametrize(("evidence", "expected", "text"), EVIDENCE, ids=[row[0].name for row in EVIDENCE])
def test_evidence_without_a_reply(evidence: Evidence, expected: Outcome, text: str) -> None:
    assert (classify(Answer(evidence)), describe(Answer(evidence))) == (expected, text)


def test_every_kind_of_evidence_is_tested() -> None:
    assert {row[0] for row in EVIDENCE} | {Evidence.REPLY} == set(Evidence)


@pytest.mark.parametrize(("evidence", "expected"), [row[:2] for row in EVIDENCE])
def test_a_status_counts_only_in_a_complete_reply(evidence: Evidence, expected: Outcome) -> None:
    assert classify(Answer(evidence, 200)) is expected


TEXTS = [
    (200, "HTTP 200 OK: the collector has it"),
    (403, "HTTP 403 Forbidden: the collector kept nothing"),
    (503, "HTTP 503 Service Unavailable: the collector may have kept it"),
    (799, "HTTP 799: the collector may have kept it"),
]


@pytest.mark.parametrize(("status", "text"), TEXTS)
def test_a_reply_in_words(status: int, text: str) -> None:
    assert describe(Answer(Evidence.REPLY, status)) == text


def test_a_target_may_promise_more() -> None:
    replies = Replies(acked=frozenset({200, 204}), refused=frozenset({429}))
    statuses = (204, 429, 400)

    assert [classify(Answer(Evidence.REPLY, status), replies) for status in statuses] == [ACKED, REFUSED, UNKNOWN]


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
def test_the_adapters_use_the_table(name: str) -> None:
    answers = [Answer(Evidence.REPLY, 200), Answer(Evidence.REPLY, 400), Answer(Evidence.REPLY, 500)]

    assert [adapter(name).outcome(answer) for answer in answers] == [ACKED, REFUSED, UNKNOWN]


@given(st.sampled_from(list(Evidence)), st.integers(), st.binary())
def test_every_answer_has_an_outcome_and_one_line(evidence: Evidence, status: int, body: bytes) -> None:
    answer = Answer(evidence, status, body)

    assert classify(answer) in Outcome
    assert len(describe(answer).splitlines()) == 1
