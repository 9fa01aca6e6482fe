"""The client id: hash, and how the fields move from event to event."""

from __future__ import annotations

import pytest

from simulator.events import Json
from simulator.wire.utma import Utma, advance, fnv1a, identity_hash, utma_text

# Computed by the vendor's own tracker and checked in JavaScript.
HASHES = [
    ("the text 0 of every anonymous visitor", "0", 890_022_063),
    ("one letter", "a", 3_826_002_220),
    ("an openid", "oI_M5xC_YlVhrGe5kcYhkzEQM6wM", 2_981_042_707),
    ("another openid", "o7QvZ1TT5oo1F8rNJvchn1GGv5t8", 2_994_415_054),
    ("the openid of the recording", "oTEST_openid_0001", 555_403_308),
    ("Chinese", "中文", 1_362_277_805),
    ("a character of two code units", "😀", 3_409_036_472),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in HASHES], ids=[row[0] for row in HASHES])
def test_hash(text: str, expected: int) -> None:
    assert fnv1a(text) == expected


IDENTITIES: list[tuple[str, Json, int]] = [
    ("an openid", "oTEST_openid_0001", 555_403_308),
    ("nothing pushed", None, 890_022_063),
    ("empty text is no identity", "", 890_022_063),
    ("zero is no identity", 0, 890_022_063),
    ("a number has no characters", 42, 2_166_136_261),
    ("true has none either", True, 2_166_136_261),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in IDENTITIES], ids=[row[0] for row in IDENTITIES])
def test_hash_of_slot_one(value: Json, expected: int) -> None:
    assert identity_hash(value) == expected


STEPS = [
    ("the first event ever", None, 100, Utma("7", 100, 100, 1)),
    ("a later event", Utma("7", 90, 95, 4), 100, Utma("7", 95, 100, 5)),
    ("two in one second", Utma("7", 95, 100, 4), 100, Utma("7", 100, 100, 5)),
    ("a clock that went back is not corrected", Utma("7", 90, 95, 4), 50, Utma("7", 95, 50, 5)),
    ("a new tenant moves nothing else", Utma("8", 90, 95, 4), 100, Utma("7", 90, 95, 4)),
]


@pytest.mark.parametrize(("before", "now", "after"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_advance(before: Utma | None, now: int, after: Utma) -> None:
    assert advance(before, "7", now) == after


def test_text() -> None:
    utma = Utma("740843171", 1795444968, 1795444970, 3)

    assert utma_text(utma, 555403308, utma.tenant) == "0.555403308.740843171.1795444968.1795444970.3"
