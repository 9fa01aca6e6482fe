"""What an instant may have become on its way into a row: another unit, another zone, a clock that is off."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.times import Ms, format_duration


def what_became(changes: Iterable[tuple[str, str]]) -> str:
    """How every stored instant came from the planned one; empty where no one way explains all.

    Args:
        changes: planned and stored, in milliseconds since 1970; a stored one may be no number.
    """
    texts = list(changes)
    if not texts or not all(text.isdecimal() for pair in texts for text in pair):
        return ""
    pairs = [(int(planned), int(stored)) for planned, stored in texts]
    if all(stored == planned * 1_000 for planned, stored in pairs):
        return "1,000 times as many milliseconds since 1970: another unit of time"
    if all(stored == planned // 1_000 for planned, stored in pairs):
        return "a 1,000th as many milliseconds since 1970: another unit of time"
    shifts = {stored - planned for planned, stored in pairs}
    if len(shifts) > 1:
        return ""
    (shift,) = shifts
    return f"{format_duration(Ms(abs(shift)))} {'later' if shift > 0 else 'earlier'}"
