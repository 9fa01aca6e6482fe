"""Who answers a program under test: the application's backend, lookups, and a collector well or in trouble."""

from __future__ import annotations

import json

from simulator.inspect.capture import Recogniser
from simulator.inspect.case import Trouble
from simulator.inspect.network import Network, identities_told
from simulator.runtime.answering import Failure
from simulator.runtime.backend import Backend, Entry
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms
from tests.builders import only_visit, scenario
from tests.inspect.stories import COLLECTOR, OPTIONS

LOGIN = Entry("https://api.shop.example/login", body={"openid": "{applet-wechat}"})
STEPS = "- launch\n- wait: 1m\n- push: [applet-wechat]\n- hide: 45m\n- show\n- exit"


def asked(url: str, at: Ms = Ms(0), method: str = "GET") -> Exchange:
    return Exchange(0, at, method, url, (), b"")


def network() -> Network:
    return Network(lambda: Recogniser(OPTIONS), backend=Backend((LOGIN,)))


def answered(exchange: Exchange, trouble: Trouble | None = None) -> Reply:
    reply = network().answerer(None, trouble, Ms(1_000))(exchange)
    assert isinstance(reply, Reply)
    return reply


def test_an_event_is_answered_with_200_where_the_collector_has_the_path() -> None:
    query = "event=open_page&tenantId=1&utma=1"

    assert answered(asked(f"{COLLECTOR}?{query}")).status == 200
    assert answered(asked(f"https://cbe.convertlab.com/other?{query}")).status == 404


def test_what_is_no_url_is_nobodys() -> None:
    assert answered(asked("https://[object Object]/track")).status == 404


def test_a_backend_that_nobody_described_answers_an_empty_object_and_is_told() -> None:
    told: list[str] = []
    answer = Network(lambda: Recogniser(OPTIONS), unanswered=lambda exchange: told.append(exchange.url)).answerer(None)

    reply = answer(asked("https://api.shop.example/products"))

    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, told) == (200, b"{}", ["https://api.shop.example/products"])


def test_the_backend_knows_a_visitor_from_the_launch_on_in_which_the_journey_pushes() -> None:
    visit = only_visit(scenario(STEPS))
    (openid,) = [identity.value for identity in visit.identities]
    answer = network().answerer(visit)

    def openid_at(at: Ms) -> object:
        reply = answer(asked("https://api.shop.example/login", at, "POST"))
        assert isinstance(reply, Reply)
        return json.loads(reply.body).get("openid")

    assert openid_at(Ms(visit.arrival - 1)) is None
    assert openid_at(visit.arrival) == openid
    assert openid_at(Ms(visit.arrival + 3_600_000)) == openid


def test_a_journey_without_a_push_is_of_somebody_whom_the_backend_does_not_know() -> None:
    visit = only_visit(scenario("- launch\n- exit"))

    assert [dict(known) for _, known in identities_told(visit)] == [{}]


def test_a_code_is_looked_up_as_the_plan_has_it() -> None:
    source = 'poster: {code: p7, path: "pages/a?cl_sr=poster"}'
    visit = only_visit(scenario("- launch\n- exit", sources=source))
    answer = network().answerer(visit)

    found = answer(asked("https://cbe.convertlab.com/v1/source/links/p7"))
    unknown = answer(asked("https://cbe.convertlab.com/v1/source/links/p8"))

    assert isinstance(found, Reply)
    assert isinstance(unknown, Reply)
    assert (json.loads(found.body), unknown.status) == ({"url": "pages/a?cl_sr=poster"}, 404)


EVENT = f"{COLLECTOR}?event=open_page&tenantId=1&utma=1"


def test_a_collector_in_trouble_is_well_again_when_its_time_is_over() -> None:
    assert answered(asked(EVENT, Ms(999)), Trouble.ERROR).status == 500
    assert answered(asked(EVENT, Ms(1_000)), Trouble.ERROR).status == 200
    assert answered(asked(EVENT, Ms(999)), Trouble.SLOW).at == 20_999


def test_a_silent_collector_is_a_timeout_on_the_phone() -> None:
    silence = network().answerer(None, Trouble.SILENT, Ms(1_000))(asked(EVENT, Ms(0)))

    assert silence == Failure(Ms(60_000), "request:fail timeout", 5)
