"""Adapters by name, what each promises, and options that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.scenario.contracts import resolve_contract
from simulator.scenario.load import load_scenario
from simulator.times import Ms
from simulator.traffic.target_files import contract_of_adapter, known_adapters
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import adapter_names, format_of, make_adapter, path_of
from tests.wire.wire_builders import OPTIONS, adapter, fold, launch, view

FIRST = Path(__file__).parents[2] / "scenarios" / "first_open.yaml"


def test_names() -> None:
    assert {"dmhub", "dmhub-2018"} <= set(adapter_names())
    assert list(adapter_names()) == sorted(adapter_names())


@pytest.mark.parametrize("name", adapter_names())
def test_an_adapter_knows_its_name(name: str) -> None:
    own = {"body": {"json": "{event}"}} if name == "generic" else {}

    assert make_adapter(name, OPTIONS, own).name == name


@pytest.mark.parametrize("name", adapter_names())
def test_the_contract_of_a_format_is_one_and_its_options_have_a_model(name: str) -> None:
    contract = contract_of_adapter(name)

    assert contract.name == name
    assert resolve_contract(None, load_scenario(FIRST), contract).name == name
    assert known_adapters()[name].options is format_of(name).options


def test_events_go_where_the_options_say_else_where_the_run_says_else_where_the_format_has_them() -> None:
    def path(name: str, **own: Any) -> str:
        target = fold(make_adapter(name, replace(OPTIONS, path=run), own), launch())[0].target
        return target.partition("?")[0]

    run = DEFAULT_PATH
    assert [path("sensors"), path("sensors", path="/sa2"), path("dmhub"), path("growingio", project="p")] == [
        "/sa", "/sa2", "/cbe/__utm", "/v3/projects/p/collect",
    ]  # fmt: skip
    run = "/mine"
    assert [path("sensors"), path("sensors", path="/sa2"), path("dmhub")] == ["/mine", "/sa2", "/mine"]


@pytest.mark.parametrize(
    ("name", "own", "path"),
    [
        ("sensors", {}, "/sa"),
        ("sensors", {"path": ""}, "/sa"),
        ("sensors", {"path": "/sa2"}, "/sa2"),
        ("growingio", {"project": "p"}, "/v3/projects/p/collect"),
        ("posthog", {"single": True}, "/i/v0/e/"),
        ("thinkingdata", {"server": True}, "/sync_server"),
        ("generic", {"body": {"json": "{event}"}}, "/collect"),
        ("generic", {"body": {"json": "{event}"}, "path": "/c"}, "/c"),
        ("dmhub", {}, "/cbe/__utm"),
    ],
)
def test_where_events_go_is_known_without_an_adapter(name: str, own: dict[str, Any], path: str) -> None:
    sent = fold(make_adapter(name, OPTIONS, own), launch())[0].target

    assert path_of(name, own) == path == sent.partition("?")[0]


def test_an_option_that_does_not_fit_is_named() -> None:
    for own, complaint in (
        ({"batch": 0}, "the adapter sensors: batch: Input should be greater than or equal to 1"),
        ({"batsh": 1}, "the adapter sensors: batsh: Extra inputs are not permitted"),
        ({"every": 5}, "the adapter sensors: every: expected a duration"),
        ({"path": "sa"}, "the adapter sensors: path: "),
    ):
        with pytest.raises(UsageError) as error:
            make_adapter("sensors", OPTIONS, own)
        assert str(error.value).startswith(complaint)


# ---- of other packages --------------------------------------------------------------------------------------------

ACME = """
from simulator.scenario.adapter_options import PathOptions, Size
from simulator.wire.formats import Format
from simulator.wire.request import Action
from simulator.wire.tracker import Tracker
from simulator.wire.vendor import Carried, Vendor, said


class AcmeOptions(PathOptions):
    times: Size = 1


class Acme(Vendor):
    name = "acme"
    carries = frozenset({"action", "event"})

    def says(self, moment, memory):
        return [{"e": str(moment.action)}], memory

    def request(self, messages, sending):
        return Carried("GET", f"{self.options.path}?e={messages[0]['e']}", ())

    def read(self, captured):
        return [{"e": captured.target.partition("=")[2]}]

    def record(self, message):
        return said(Action(message["e"]), message["e"], None)


def build(options, own):
    return Tracker(Acme(options, batch=own.times, every=5_000))


FORMAT = Format("acme", AcmeOptions, build, path="/acme")
NOT_A_FORMAT = 5
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of somebody else's, as pip leaves it."""
    (tmp_path / "acme_adapter.py").write_text(ACME, encoding="utf-8")
    info = tmp_path / "acme_adapter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-adapter\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[mpsim.adapters]\nacme = acme_adapter:FORMAT\nbroken = acme_adapter:NOT_A_FORMAT\n"
        "missing = no_such_module:FORMAT\ndmhub = acme_adapter:FORMAT\nother = acme_adapter:FORMAT\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_adapter", None)


@pytest.mark.usefixtures("installed")
def test_an_adapter_of_another_package_is_one_of_ours() -> None:
    of = make_adapter("acme", OPTIONS, {"times": 2})
    (request,) = fold(of, launch(), view(1))

    assert {"acme", "dmhub"} <= set(adapter_names())
    assert (request.target, of.max_batch) == ("/acme?e=open", 2)
    assert of.decode("GET", request.target, {}, b"")[0].event == "open"


@pytest.mark.usefixtures("installed")
def test_a_package_that_cannot_be_used_is_no_matter_to_whoever_does_not_ask_for_it() -> None:
    known = known_adapters()

    assert {"acme", "missing", "sensors"} <= set(known)
    assert known["acme"].options.__name__ == "AcmeOptions"
    with pytest.raises(UsageError, match="missing of acme-adapter"):
        known["missing"]
    with pytest.raises(KeyError):
        known["acmee"]


@pytest.mark.usefixtures("installed")
def test_no_package_takes_a_name_of_ours() -> None:
    assert type(make_adapter("dmhub", OPTIONS)).__name__ == "DmHub"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing", "the adapter missing of acme-adapter cannot be imported: No module named 'no_such_module'"),
        ("broken", "the adapter broken of acme-adapter: acme_adapter:NOT_A_FORMAT is no simulator.wire.formats.Format"),
        ("other", "the adapter other of acme-adapter: acme_adapter:FORMAT is no simulator.wire.formats.Format of that"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(name: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        make_adapter(name, OPTIONS)

    assert str(error.value).startswith(complaint)


@pytest.mark.parametrize(("name", "carries"), [("dmhub", True), ("dmhub-2018", False)])
def test_what_an_adapter_carries(name: str, carries: bool) -> None:
    of = adapter(name)

    assert {of.carries_time, of.carries_id, of.carries_anonymous_id, of.carries_source} == {carries}


def test_an_unknown_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as error:
        make_adapter("dmhub-2081", OPTIONS)

    assert str(error.value).startswith("no adapter 'dmhub-2081'; expected one of ")
    assert str(error.value).endswith("; did you mean dmhub-2018?")


OPTION_ERRORS: list[tuple[str, dict[str, Any], str]] = [
    ("a path without a slash", {"path": "cbe"}, "the path of the event request is 'cbe'"),
    ("a path with a query", {"path": "/a?b"}, "the path of the event request"),
    ("a path that ends the line", {"path": "/a\r\nX: 1"}, "the path of the event request"),
    ("an appid that ends the header", {"appid": "wx\r\nX: 1"}, "the appid is"),
    ("no appid", {"appid": ""}, "the appid is ''"),
    ("a namespace that fills the id", {"namespace": "n" * 129}, "the namespace has 129 characters; at most 128"),
    ("nothing is sent of a text", {"max_string": 0}, "max_string is 0"),
    ("an answer before the question", {"device_info": Ms(-1)}, "device_info is -1 ms"),
    ("half of a pair", {"tenant": "\ud800"}, "the tenant holds half of a surrogate pair"),
]


@pytest.mark.parametrize(
    ("options", "complaint"), [row[1:] for row in OPTION_ERRORS], ids=[row[0] for row in OPTION_ERRORS]
)
def test_options_that_cannot_be(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        replace(OPTIONS, **options)

    assert complaint in str(error.value)


def test_a_namespace_of_128_characters_fits() -> None:
    assert replace(OPTIONS, namespace="n" * 128).namespace == "n" * 128
