"""The nearest right word, for "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6
_SHOWN = 20
_LONGEST = 64  # a longer word is no slip of the finger


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word of `words` most like `word`, upper and lower case alike; None when none is near."""
    if len(word) > _LONGEST:
        return None
    by_lower = {candidate.lower(): candidate for candidate in reversed(list(words))}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=_CUTOFF)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The text "; did you mean view?" where a word is near, else what is there to choose from."""
    known = list(words)
    near = nearest(word, known)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; expected {one_of(known)}" if known else ""


def one_of(words: Iterable[str]) -> str:
    """The text "a, b or c", cut short when there are many."""
    known = list(words)
    if len(known) > _SHOWN:
        return ", ".join(known[:_SHOWN]) + " …"
    return f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else "".join(known)
