"""From evidence to outcome: every row of the table, and the sentence for each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import BodyRule, Replies
from simulator.wire.outcome import classify, describe
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


def test_a_good_status_whose_body_said_no_in_words() -> None:
    """The ledger keeps the status and the outcome, not the body."""
    answer = Answer(Evidence.REPLY, 200)

    assert describe(answer, outcome=REFUSED) == "HTTP 200 OK, not confirmed by its body: the collector kept nothing"
    assert describe(answer, outcome=UNKNOWN).endswith("not confirmed by its body: the collector may have kept it")
    assert (
        describe(Answer(Evidence.REPLY, 429), outcome=REFUSED)
        == "HTTP 429 Too Many Requests: the collector kept nothing"
    )


def test_a_target_may_promise_more() -> None:
    replies = Replies(acked=(200, 204), refused=(429,))
    statuses = (204, 429, 400)

    assert [classify(Answer(Evidence.REPLY, status), replies) for status in statuses] == [ACKED, REFUSED, UNKNOWN]


CODE = BodyRule("code", acked=(0,), refused=(40001, None, "no"))
STRICT = BodyRule("ok", acked=(True, "yes"), other="refused")

BODIES = [
    # the rule, the body, what it tells
    (CODE, b'{"code": 0}', ACKED),
    (CODE, b'{"code": 0.0, "data": [1]}', ACKED),
    (CODE, b'\xef\xbb\xbf{"code":0}', ACKED),
    (CODE, b'{"code": "0"}', UNKNOWN),
    (CODE, b'{"code": false}', UNKNOWN),
    (CODE, b'{"code": 40001}', REFUSED),
    (CODE, b'{"code": null}', REFUSED),
    (CODE, b'{"code": "no"}', REFUSED),
    (CODE, b'{"code": 40002}', UNKNOWN),
    (CODE, b'{"code": [0]}', UNKNOWN),
    (CODE, b'{"Code": 0}', UNKNOWN),
    (CODE, b'{"data": {"code": 0}}', UNKNOWN),
    (CODE, b'[{"code": 0}]', UNKNOWN),
    (CODE, b"ok", UNKNOWN),
    (CODE, b"", UNKNOWN),
    (CODE, b'{"code": 0', UNKNOWN),
    (CODE, b'{"code": \xff}', UNKNOWN),
    (CODE, b"[" * 100_000, UNKNOWN),
    (CODE, b'{"code": ' + b"9" * 10_000 + b"}", UNKNOWN),
    (STRICT, b'{"ok": true}', ACKED),
    (STRICT, b'{"ok": "yes"}', ACKED),
    (STRICT, b'{"ok": 1}', REFUSED),
    (STRICT, b'{"ok": {}}', REFUSED),
    (STRICT, b"{}", UNKNOWN),
]


@pytest.mark.parametrize(("rule", "body", "expected"), BODIES)
def test_a_body_decides_where_the_contract_has_a_rule_for_it(rule: BodyRule, body: bytes, expected: Outcome) -> None:
    answer = Answer(Evidence.REPLY, 200, body)

    assert classify(answer, Replies(body=rule)) is expected
    assert classify(answer) is ACKED
    # Only a good status is in need of it.
    assert classify(Answer(Evidence.REPLY, 403, body), Replies(body=rule)) is REFUSED
    assert classify(Answer(Evidence.REPLY, 500, body), Replies(body=rule)) is UNKNOWN


NO_RULES = [
    ({"key": "", "acked": (0,)}, "names a key"),
    ({"key": "code", "acked": ()}, "at least one value"),
    ({"key": "code", "acked": (0,), "refused": (1, 0.0)}, "the value 0 of code cannot mean both"),
]


@pytest.mark.parametrize(("given", "said"), NO_RULES, ids=[row[1] for row in NO_RULES])
def test_what_is_no_rule_for_bodies(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BodyRule(**given)


def test_true_and_one_are_two_values_of_a_rule() -> None:
    assert BodyRule("ok", acked=(True,), refused=(1, "true")).acked == (True,)


NO_REPLIES = [
    ({"acked": ()}, "at least one status must mean acked"),
    ({"acked": (200, 403)}, "the status 403 cannot mean both"),
    ({"acked": (100,)}, "from 200 to 599"),
    ({"refused": (600,)}, "from 200 to 599"),
]


@pytest.mark.parametrize(("given", "said"), NO_REPLIES, ids=[row[1] for row in NO_REPLIES])
def test_what_is_no_table_of_replies(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Replies(**given)


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
def test_the_adapters_use_the_table(name: str) -> None:
    answers = [Answer(Evidence.REPLY, 200, b'{"code": 1}'), Answer(Evidence.REPLY, 400), Answer(Evidence.REPLY, 500)]
    given = adapter(name, replies=Replies(body=BodyRule("code", acked=(0,), other="refused")))

    assert [adapter(name).outcome(answer) for answer in answers] == [ACKED, REFUSED, UNKNOWN]
    assert [given.outcome(answer) for answer in answers] == [REFUSED, REFUSED, UNKNOWN]


@given(st.sampled_from(list(Evidence)), st.integers(), st.binary())
def test_every_answer_has_an_outcome_and_one_line(evidence: Evidence, status: int, body: bytes) -> None:
    answer = Answer(evidence, status, body)

    assert classify(answer) in Outcome
    assert len(describe(answer).splitlines()) == 1
