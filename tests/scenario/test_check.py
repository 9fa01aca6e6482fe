"""Rules over more than one value, each at its boundary; the wording is in errors/."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from tests.scenario.scenario_samples import scenario_of

HEAD = "pages/a/a?cl_sr=ad&x="  # 21 bytes

LENGTHS = [
    ("127 bytes", f"{HEAD}{'春' * 11}{'b' * 7}", True),
    ("128 bytes", f"{HEAD}{'春' * 11}{'b' * 8}", True),
    ("129 bytes", f"{HEAD}{'春' * 11}{'b' * 9}", False),
    ("128 bytes, encoded already", f"{HEAD}{'%E6%98%A5' * 11}{'b' * 8}", True),
    ("a variable of ten to one hundred and seven", f"{HEAD}{{short}}{{long}}", True),
    ("and one more", f"{HEAD}{{short}}{{long}}b", False),
]
VARS = f"{{count: 4, vars: {{short: [a, {'a' * 7}], long: [b, {'b' * 100}]}}}}"


@pytest.mark.parametrize(("path", "fits"), [case[1:] for case in LENGTHS], ids=[case[0] for case in LENGTHS])
@pytest.mark.parametrize("where", ["a source", "a launch", "a show"])
def test_bytes_of_a_path(where: str, path: str, fits: bool) -> None:
    def load() -> None:
        if where == "a source":
            scenario_of("launch", visitors=VARS, sources=f"{{ad: {{path: '{path}'}}}}")
        elif where == "a launch":
            scenario_of(f"launch: {{path: '{path}'}}", visitors=VARS)
        else:
            scenario_of("launch", "hide: 1s", f"show: {{path: '{path}'}}", visitors=VARS)

    if fits:
        load()
    else:
        with pytest.raises(ScenarioError, match="the path has 129 bytes"):
            load()


def test_a_code_lifts_the_limit_of_its_path() -> None:
    scenario_of("launch", sources=f"{{ad: {{code: p7, path: '{HEAD}{'b' * 900}'}}}}")


def test_a_view_has_no_limit() -> None:
    scenario_of("launch", f"view: pages/a/a?x={'b' * 900}")


def test_one_code_may_serve_two_sources_with_one_path() -> None:
    scenario_of("launch", sources="{a: {code: p7, path: pages/a/a}, b: {code: p7, path: pages/a/a}}")


COUNTS = [
    ("exactly what the arrivals bring", 5, "[{rate: 2/s..3/s, for: 2s}]", True),
    ("one more", 6, "[{rate: 2/s..3/s, for: 2s}]", False),
    ("a visitor stands for the rest of a fraction", 3, "[{rate: 5/m, for: 25s}]", True),
    ("and no further one", 4, "[{rate: 5/m, for: 25s}]", False),
    ("two phases", 11, "[{rate: 1/s, for: 5s}, {rate: 0/s..2/s, for: 6s}]", True),
    ("hours are for the schedule to say", 1000, f"[{{rate: 1/s, for: 5s, hours: [{', '.join('9' * 24)}]}}]", True),
]


@pytest.mark.parametrize(
    ("count", "arrivals", "reached"), [case[1:] for case in COUNTS], ids=[case[0] for case in COUNTS]
)
def test_arrivals_that_reach_the_count(count: int, arrivals: str, reached: bool) -> None:
    if reached:
        scenario_of("launch", visitors=f"{{count: {count}}}", load=f"{{arrivals: {arrivals}}}")
    else:
        with pytest.raises(ScenarioError, match=f"the arrivals bring {count - 1} visitors"):
            scenario_of("launch", visitors=f"{{count: {count}}}", load=f"{{arrivals: {arrivals}}}")


def test_arrivals_need_no_count() -> None:
    scenario_of("launch", visitors="{}", load="{arrivals: [{rate: 1/s, for: 5s}]}")


def test_a_rate_of_zero_throughout_brings_nobody() -> None:
    with pytest.raises(ScenarioError, match="nobody arrives"):
        scenario_of("launch", visitors="{}", load="{arrivals: [{rate: 0/s, for: 5s}]}")


ROUTES = [
    ("a variable whose values are pages", "pages/{page}/{page}", "{page: [a]}", True),
    ("one of them is none", "pages/{page}/a", "{page: [a, c]}", False),
    ("a leading slash", "/pages/b/b", "{}", True),
]


@pytest.mark.parametrize(("path", "given", "known"), [case[1:] for case in ROUTES], ids=[case[0] for case in ROUTES])
def test_pages_of_a_path(path: str, given: str, known: bool) -> None:
    visitors = f"{{count: 4, vars: {given}}}"
    if known:
        scenario_of("launch", f"view: '{path}'", visitors=visitors)
    else:
        with pytest.raises(ScenarioError, match="unreachable page pages/c/a"):
            scenario_of("launch", f"view: '{path}'", visitors=visitors)


def test_braces_that_are_no_variable_stay() -> None:
    scenario_of("launch", "track: {event: c_x, params: {json: '{\"a\": 1}', empty: '{}'}}")


def test_a_custom_identity_type_is_declared_or_begins_with_c() -> None:
    scenario_of("launch", "push: [c_own, customer_identity1]", app="identity_types: [customer_identity1]")
    with pytest.raises(ScenarioError, match="unknown identity type customer_identity1"):
        scenario_of("launch", "push: [c_own, customer_identity1]")
