"""Where a request goes: the parts of a URL, and nothing that a program can send ends the inspection."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.runtime.address import Address, address_of


def test_the_parts_of_a_url() -> None:
    found = address_of("https://Collect.Example:8443/cbe/__utm?a=1&b=%2F")

    assert found == Address("https", "Collect.Example:8443", "collect.example", 8443, "/cbe/__utm", "a=1&b=%2F")
    assert found.target == "/cbe/__utm?a=1&b=%2F"
    assert address_of("https://c.example").target == "/"


def test_of_what_is_no_url_every_part_is_empty() -> None:
    found = address_of("https://[object Object]/track?a=1")

    assert (found.scheme, found.netloc, found.host, found.path, found.query) == ("", "", "", "", "")
    assert found.why_not


@given(st.one_of(st.text(), st.text(alphabet="https:/[]@?#.%0123456789℀\x1b").map("https://".__add__)))
def test_nothing_raises(url: str) -> None:
    found = address_of(url)

    if found.why_not:
        with pytest.raises(ValueError):  # noqa: PT011  whatever the library says
            _ = urlsplit(url).port
    else:
        parts = urlsplit(url)
        assert (found.scheme, found.netloc, found.path, found.query) == parts[:4]
