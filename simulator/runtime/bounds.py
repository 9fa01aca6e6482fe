"""What a caller may say about a run on a phone: whose calls are watched, and how much a program may take."""

from __future__ import annotations

from simulator.immutable import immutable


@immutable(frozen=True, slots=True)
class Watch:
    """Whose calls become CALL marks: the methods of what a tracker's module exports, and of a property of the app."""

    properties: tuple[str, ...] = ("cl_tracker",)  # of the app object
    modules: tuple[str, ...] = ("cl_tracker",)  # file names without .js, wherever they lie
    methods: tuple[str, ...] = (
        "push",
        "track",
        "onAppLaunch",
        "onAppShow",
        "setProfile",
        "setOnceProfile",
        "clearAllRegister",
    )


@immutable(frozen=True, slots=True)
class Bounds:
    """How much a program may take; beyond it the runtime ends the visitor's run with a STOPPED mark."""

    turn_seconds: float = 2.0  # wall time of one callback with all its promise jobs
    visitor_seconds: float = 30.0  # wall time of everything together, answering included
    memory: int = 128_000_000  # bytes of JavaScript heap
    turns: int = 100_000  # callbacks of one cold start: timers, lifecycle, answers
    requests: int = 2_000  # of one cold start
    timers: int = 2_000  # waiting at once
    console_lines: int = 500  # of one cold start; further ones are dropped, with a last line that says so
    marks: int = 20_000  # of CALL, API and MISSING_API; further ones are dropped likewise
    text: int = 4_000  # characters of a mark's detail and of each text in its data
    body: int = 2_000_000  # bytes of a request's body
