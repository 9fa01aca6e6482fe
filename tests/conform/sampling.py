"""Which rows of a table are tried every day; the others are proofs, each a collector of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def every_day_and_proofs(every_day: Sequence[tuple[Any, ...]], proofs: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The rows of both; the latter only with --proofs."""
    return [*every_day, *(pytest.param(*row, marks=pytest.mark.proof) for row in proofs)]


def some_every_day(names: Iterable[str], *every_day: str) -> list[Any]:
    """Each name; all but some only with --proofs."""
    names = list(names)
    assert set(every_day) <= set(names), every_day
    return [name if name in every_day else pytest.param(name, marks=pytest.mark.proof) for name in names]
