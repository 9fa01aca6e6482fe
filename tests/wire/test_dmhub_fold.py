"""Properties of the fold: pure, stable under a longer history, and the prepared way equal to the plain one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.events import Call, Event, Json
from simulator.times import Ms
from simulator.wire.dmhub import DmHub
from simulator.wire.dmhub_calls import PROFILE, PROFILE_2018, Profile
from simulator.wire.query import parse
from simulator.wire.request import Adapter, Request, fold_by_steps, fold_of, without_bytes
from tests.wire.wire_builders import NOON, OPTIONS, PHONE, adapter, fold, launch, track
from tests.wire.wire_strategies import histories

NAMES = ["dmhub", "dmhub-2018"]


def steps(of: Adapter[Any], events: list[Event]) -> list[tuple[Request, ...]]:
    """What each event sends, and the flush at the end."""
    state, sent = of.boot(PHONE), []
    for event in events:
        state, requests = of.step(state, event)
        sent.append(requests)
    sent.append(of.flush(state, NOON)[1])
    return sent


@pytest.mark.parametrize("name", NAMES)
@given(history=histories(), waits=st.sampled_from([0, 500]))
def test_the_same_events_give_the_same_bytes(name: str, history: list[Event], waits: int) -> None:
    one, other = (adapter(name, device_info=Ms(waits)) for _ in range(2))

    assert steps(one, history) == steps(other, history) == steps(one, history)


@pytest.mark.parametrize("name", NAMES)
@given(history=histories(), length=st.integers(0, 8))
def test_what_comes_later_changes_nothing_before(name: str, history: list[Event], length: int) -> None:
    of = adapter(name, device_info=Ms(500))

    assert steps(of, history[:length])[:-1] == steps(of, history)[: min(length, len(history))]


@pytest.mark.parametrize("name", NAMES)
@given(history=histories())
def test_a_step_leaves_the_old_state_as_it_was(name: str, history: list[Event]) -> None:
    of = adapter(name)
    state = of.boot(PHONE)
    for event in history:
        first = of.step(state, event)

        # By their text, because a NaN that was pushed is not equal to itself.
        assert repr(of.step(state, event)) == repr(first)
        state = first[0]


class Plain(DmHub):
    """The tracker without prepared parts: every event merged into one object and read again."""

    _ordinary = DmHub._merged


@pytest.mark.parametrize("profile", [PROFILE, PROFILE_2018], ids=NAMES)
@given(history=histories())
def test_prepared_parts_give_what_merging_gives(profile: Profile, history: list[Event]) -> None:
    assert steps(DmHub(profile, OPTIONS), history) == steps(Plain(profile, OPTIONS), history)


@pytest.mark.parametrize("name", NAMES)
@given(history=histories())
def test_folding_many_events_is_one_step_after_another(name: str, history: list[Event]) -> None:
    """Numbers apart, which count what was sent so far."""
    of = adapter(name)
    begin = of.boot(PHONE)
    state, made = fold_of(of)(begin, history)
    last, plain = fold_by_steps(of, begin, history)

    assert repr(state) == repr(last)  # a NaN that was pushed is not equal to itself
    assert [number for number, _ in made] == [number for number, _ in plain]
    assert [request for _, request in made] == [request.numbered(place) for place, (_, request) in enumerate(plain)]


@pytest.mark.parametrize("name", NAMES)
@given(history=histories())
def test_without_bytes_requests_mean_the_same(name: str, history: list[Event]) -> None:
    of = adapter(name)
    spelled, meant = (
        [replace(request, target="") for sent in steps(one, history) for request in sent]
        for one in (of, without_bytes(of))
    )

    assert meant == spelled
    assert all(request.target for sent in steps(of, history) for request in sent)  # the one it was made from still does


@pytest.mark.parametrize("name", NAMES)
@given(history=histories())
def test_a_target_is_one_line_of_printable_ascii(name: str, history: list[Event]) -> None:
    for sent in steps(adapter(name), history):
        for request in sent:
            assert all("!" <= character <= "~" for character in request.target)


@given(history=histories())
def test_every_event_of_dmhub_has_time_id_and_device(history: list[Event]) -> None:
    good = [
        record for sent in steps(adapter(), history) for request in sent for record in request.records if not record.bad
    ]

    assert len({record.external_id for record in good}) == len(good)
    assert all(record.date is not None and record.anonymous_id == "anon-1" for record in good)


@pytest.mark.parametrize("order", [(1, True, 1.0), (True, 1.0, 1)])
def test_values_that_python_takes_for_equal_are_told_apart(order: tuple[Json, ...]) -> None:
    """What another visitor has sent before changes nothing: 1 and true are not the same on the wire."""
    of = adapter("dmhub")
    said = {
        repr(value): parse(fold(of, launch(), track(Call("c_paid", params=(("paid", value),)), 1))[-1].target)[0][
            "paid"
        ]
        for value in order
    }

    assert said == {"1": "1", "True": "true", "1.0": "1"}
