"""The only way out of a program under test: each `wx.request` is a value, and the caller of a phone answers it.

An `Answerer` is a function of the caller: an Exchange without outcome → Reply or Failure. Not here: the table that
stands for the user's own backend (backend.py); capture and judging of what was sent are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.immutable import immutable
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms


@immutable(frozen=True, slots=True)
class Failure:
    """The request came to nothing on its way: no connection, a dropped socket, an address that does not resolve."""

    at: Ms  # when the phone notices; earlier than the request counts as at once
    words: str = "request:fail "  # WeChat's errMsg
    number: int = 600001  # WeChat's errno


# Called once a request, when it leaves the phone (at once, or when one of the ten before it has ended), in the order
# of leaving. `Reply.at` is when the answer reaches the phone; at 60 s, or the request's own `timeout`, the phone gives
# up and the answer counts for nothing.
Answerer = Callable[[Exchange], Reply | Failure]
