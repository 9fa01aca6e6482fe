"""What holds for all tests."""

import signal

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.browser")
from tests.browser import browser  # noqa: E402  after what makes its assertions speak

__all__ = ["browser"]

# How long an example takes says how busy the machine is, and nothing about the rule.
settings.register_profile("mpsim", deadline=None)
settings.load_profile("mpsim")

# A shell that runs tests in the background has them ignore Ctrl-C, and every process that they start as well: what a
# user's Ctrl-C does could not be tried then.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Scenarios here are made to be wrong, or are run by tests of their own; mpsim's pytest plugin must not collect them.
collect_ignore_glob = ["*.yaml", "*.yml"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--proofs", action="store_true", help="also the tests marked proof: before a release, not every day"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--proofs"):
        return
    left_out = [item for item in items if item.get_closest_marker("proof")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("proof")]
