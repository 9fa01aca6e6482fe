"""One visitor's phone with the program on it: launch, show, hide, pages, taps; and what it left behind.

Every cold start is a fresh V8 isolate in a process of its own (engine.py), so that nothing a program does can reach
Python, the disk or the network, hang the caller or take it down. Time is virtual: `at` moves it, timers fire on the
way, and 45 minutes in the background cost nothing.
"""

from __future__ import annotations

from simulator.events import Device
from simulator.immutable import immutable
from simulator.runtime.answering import Answerer
from simulator.runtime.program import Program
from simulator.runtime.trace import Trace
from simulator.times import MINUTE, Ms


@immutable(frozen=True, slots=True)
class Watch:
    """Whose calls become CALL marks: the methods of what a tracker's module exports, and of a property of the app."""

    properties: tuple[str, ...] = ("cl_tracker",)  # of the app object
    modules: tuple[str, ...] = ("cl_tracker",)  # file names without .js, wherever they lie
    methods: tuple[str, ...] = ("push", "track", "onAppLaunch", "onAppShow", "setProfile", "setOnceProfile",
                                "clearAllRegister")  # fmt: skip


@immutable(frozen=True, slots=True)
class Bounds:
    """How much a program may take; beyond it the runtime ends the visitor's run with a STOPPED mark."""

    turn_seconds: float = 2.0  # wall time of one callback with all its promise jobs
    visitor_seconds: float = 30.0  # wall time of everything together
    memory: int = 128_000_000  # bytes of JavaScript heap
    turns: int = 100_000  # callbacks: timers, lifecycle, answers
    requests: int = 2_000
    timers: int = 2_000  # waiting at once
    console_lines: int = 500  # further ones are dropped, with a last line that says so
    marks: int = 20_000  # further ones of CALL and API are dropped likewise
    text: int = 4_000  # characters of a mark's detail and of each text in its data
    body: int = 2_000_000  # bytes of a request's body; WeChat's own limit is higher, and no tracker's need is


class Storage:
    """What wx.setStorage keeps on a phone: JSON text by key. It outlives the program; share it among visitors of one phone."""


class Phone:
    """One visitor's phone. Instants that lie before the phone's own clock count as now.

    Every method runs what it asks for, and all that follows at that instant, before it returns. None of them raises for
    anything the program does: after a STOPPED mark the program is dead, and they do nothing until the next launch
    (`stopped` is true for good, so that a caller may leave it).

    Args:
        visitor: number in the plan, for the trace; -1 where there is none.
        now: the phone's clock, Unix milliseconds.
        seed: of Math.random in the program, so that a run can be repeated to the byte.
    """

    def __init__(
        self,
        program: Program,
        answer: Answerer,
        *,
        now: Ms,
        visitor: int = -1,
        device: Device | None = None,
        storage: Storage | None = None,
        seed: int = 1,
        destroy_after: Ms = Ms(30 * MINUTE),
        watch: Watch = Watch(),  # noqa: B008
        bounds: Bounds = Bounds(),  # noqa: B008
    ) -> None: ...

    @property
    def now(self) -> Ms:
        """The phone's clock."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Launched and not destroyed."""
        raise NotImplementedError

    @property
    def stopped(self) -> bool:
        """The runtime has ended the program at least once; the trace says why."""
        raise NotImplementedError

    @property
    def stack(self) -> tuple[str, ...]:
        """The open pages, each with its query ("pages/a/a?x=1"), top last."""
        raise NotImplementedError

    def launch(self, at: Ms, path: str = "", scene: int = 1001) -> None:
        """A cold start by a path with its query (percent-encoded, as in a code); empty: the first page.

        A program that still runs is destroyed first.
        """

    def show(self, at: Ms, path: str = "", scene: int = 1089) -> None:
        """Back from the background: a cold start where the program was destroyed meanwhile.

        A scene of class A, or no path, keeps the pages; any other opens the path as reLaunch does.
        """

    def hide(self, at: Ms) -> None:
        """To the background: timers go on for 5 s, then everything stands still; destroyed after `destroy_after`."""

    def view(self, at: Ms, path: str) -> None:
        """Go to a page as the app would: switchTab to a tab, else navigateTo, redirectTo where ten are open."""

    def back(self, at: Ms, pages: int = 1) -> None:
        """The back button."""

    def tap(self, at: Ms, handler: str) -> None:
        """Tap what the page on top binds to a handler; an ERROR mark where it has no such one."""

    def share(self, at: Ms) -> None:
        """The share button of the menu."""

    def leave(self, at: Ms) -> None:
        """Closed by the visitor: hidden, 5 s of grace, then destroyed."""

    def destroy(self, at: Ms, why: str) -> None:
        """WeChat ends the program, without a word to it."""

    def advance(self, at: Ms) -> None:
        """Let time pass."""

    def trace(self) -> Trace:
        """Everything so far; a request without outcome is there without one."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the engine back; the trace stays. Also by leaving a `with` block."""
