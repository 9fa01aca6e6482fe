"""Adapters by name, what each promises, and options that cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.times import Ms
from simulator.wire.registry import adapter_names, make_adapter
from tests.wire.wire_builders import OPTIONS, adapter


def test_names() -> None:
    assert {"dmhub", "dmhub-2018"} <= set(adapter_names())
    assert list(adapter_names()) == sorted(adapter_names())


@pytest.mark.parametrize("name", adapter_names())
def test_an_adapter_knows_its_name(name: str) -> None:
    assert make_adapter(name, OPTIONS).name == name


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
