"""Where the capture server listens, and who may see its page."""

from __future__ import annotations

import pytest

from simulator.errors import UsageError
from simulator.inspect.listening.address import Address, address_in_the_network, is_named, read_address

ADDRESSES = [
    ("127.0.0.1:8001", "127.0.0.1", 8001, True),
    ("0", "127.0.0.1", 0, True),
    ("9000", "127.0.0.1", 9000, True),
    (":9000", "127.0.0.1", 9000, True),
    ("localhost", "localhost", 8001, True),
    ("0.0.0.0:80", "0.0.0.0", 80, False),
    ("192.168.1.5", "192.168.1.5", 8001, False),
    ("[::1]:9000", "::1", 9000, True),
    ("[::]", "::", 8001, False),
    ("::1", "::1", 8001, True),
    ("my-mac.local:9000", "my-mac.local", 9000, False),
]


@pytest.mark.parametrize(("text", "host", "port", "loopback"), ADDRESSES, ids=[case[0] for case in ADDRESSES])
def test_an_address(text: str, host: str, port: int, loopback: bool) -> None:
    address = read_address(text)

    assert (address, address.is_loopback) == (Address(host, port), loopback)


@pytest.mark.parametrize("text", ["", "http://127.0.0.1:1", "a:b", "1.2.3.4:99999", "a b", "[::1", "127.0.0.1:", "x/y"])
def test_no_address(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected an address such as 127\.0\.0\.1:8001"):
        read_address(text)


NAMES = [
    # Host                    listening on     may see the page
    ("127.0.0.1:8001", "127.0.0.1", True),
    ("localhost:8001", "127.0.0.1", True),
    ("[::1]:8001", "127.0.0.1", True),
    ("evil.example:8001", "127.0.0.1", False),
    ("", "127.0.0.1", False),
    ("192.168.1.5:8001", "127.0.0.1", False),
    ("192.168.1.5:8001", "0.0.0.0", True),
    ("localhost", "0.0.0.0", True),
    ("evil.example", "0.0.0.0", False),
    ("My-Mac.local:8001", "my-mac.local", True),
]


@pytest.mark.parametrize(("header", "host", "expected"), NAMES, ids=[f"{case[0]} on {case[1]}" for case in NAMES])
def test_who_may_see_the_page(header: str, host: str, expected: bool) -> None:
    assert is_named(header, Address(host, 8001)) is expected


def test_a_phone_is_told_the_address_that_was_given() -> None:
    assert address_in_the_network(Address("192.168.1.5", 80)) == "192.168.1.5"
