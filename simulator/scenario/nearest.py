"""The nearest right word, for "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

_CUTOFF = 0.6
_STRICT = 0.7  # below it short words are alike by chance: "route" and "count" are at 0.6, "title" and "time" at 0.67
_SHOWN = 20
_LONGEST = 64  # a longer word is no slip of the finger


def nearest(word: str, words: Iterable[str], cutoff: float = _CUTOFF) -> str | None:
    """The word of `words` most like `word`, upper and lower case alike; None when none is near.

    Args:
        cutoff: how like at least, from 0 to 1.
    """
    if len(word) > _LONGEST:
        return None
    by_lower = {candidate.lower(): candidate for candidate in reversed(list(words))}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The text "; did you mean view?" where a word is near, else what is there to choose from."""
    known = list(words)
    near = nearest(word, known)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; expected {one_of(known)}" if known else ""


def meaning(word: str, words: Iterable[str], meant: Mapping[str, str]) -> str:
    """The same for names that others call otherwise: by what is meant, then by spelling, else all there is.

    Args:
        meant: words of other products, in small letters without _, and what they are called here.
    """
    known = list(words)
    near = meant.get(word.lower().replace("_", "")) or nearest(word, known, _STRICT)
    return f"; did you mean {near}?" if near is not None else f"; expected {one_of(known, every=True)}"


def one_of(words: Iterable[str], *, every: bool = False) -> str:
    """The text "a, b or c", cut short when there are many unless `every` one is wanted."""
    known = list(words)
    if len(known) > _SHOWN and not every:
        return ", ".join(known[:_SHOWN]) + " …"
    return f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else "".join(known)
