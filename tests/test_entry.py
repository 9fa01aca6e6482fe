"""The one table from an error to an exit code, read both ways."""

from __future__ import annotations

import pytest

from simulator.entry import error_of, exit_code_of
from simulator.errors import ConnectionFailed, EngineError, MpsimError, UsageError

CODES: list[tuple[int, type[MpsimError]]] = [(5, UsageError), (6, ConnectionFailed), (7, EngineError)]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_and_its_error(code: int, kind: type[MpsimError]) -> None:
    assert error_of(code) is kind
    assert exit_code_of(kind("why")) == code


@pytest.mark.parametrize("code", [-9, 1, 70])
def test_any_other_end_of_a_process_of_ours_is_our_own_fault(code: int) -> None:
    assert error_of(code) is EngineError
