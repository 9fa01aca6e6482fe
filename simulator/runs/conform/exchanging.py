"""The requests of cases sent, each once, in their order; and what came back, kept for whoever wants to look.

Cases do not depend on one another, so a few are sent at once; within a case each request leaves after the outcome of
the last. There is no pause: what happened an hour apart is told by the events' own time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from simulator.contract import Replies
from simulator.report.matrix import Exchange
from simulator.runs.conform.staging import Staged
from simulator.runs.plain_sending import answer_to, outcome_of
from simulator.times import Ms, iso_local
from simulator.traffic.links import wrong_lookup
from simulator.verify.readers.secrets import Secrets
from simulator.wire.outcome import describe
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request

_AT_ONCE = 4  # cases; a collector is tried here, not loaded
_MOST_SILENT = 4  # cases that end without a reply
_LONGEST_BODY = 2_000  # characters that are kept of a body or a reply


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request and its reply."""

    request: Request
    answer: Answer
    outcome: Outcome
    wrong: str = ""  # of a lookup: it brought another URL

    @property
    def is_good(self) -> bool:
        """Whether it tells of an event that must be counted."""
        return any(not record.bad for record in self.request.records)


def exchange_all(url: str, cases: Sequence[Staged]) -> list[tuple[Exchanged, ...]]:
    """Send the requests of each case; their exchanges, in the order of the cases. Never raises for the network.

    A case ends with the first request that gets no reply; after a few such cases the rest is not sent, so that a
    collector that hangs is not waited for a thousand times.
    """
    silent: list[Staged] = []

    def exchange(one: Staged) -> tuple[Exchanged, ...]:
        if len(silent) >= _MOST_SILENT:
            return ()
        made = tuple(_exchange(url, one))
        if made and made[-1].answer.evidence is not Evidence.REPLY:
            silent.append(one)
        return made

    with ThreadPoolExecutor(_AT_ONCE, "conform") as pool:
        return list(pool.map(exchange, cases))


def _exchange(url: str, staged: Staged) -> Iterator[Exchanged]:
    for request in staged.requests:
        copies, retries = 1 + request.duplicates, request.retries
        while copies:
            answer = answer_to(url, request)
            outcome, wrong = _outcome(staged, request, answer)
            yield Exchanged(request, answer, outcome, wrong)
            if answer.evidence is not Evidence.REPLY:
                return
            if outcome is not Outcome.ACKED and retries:
                retries -= 1
                continue
            copies -= 1


def _outcome(staged: Staged, request: Request, answer: Answer) -> tuple[Outcome, str]:
    if request.purpose is not Purpose.LOOKUP:
        return outcome_of(staged.adapter, request, answer), ""
    wrong = wrong_lookup(request, answer)
    said = f"the lookup of the complete URL brought {wrong}" if wrong else ""
    return (Outcome.REFUSED if wrong else Outcome.ACKED), said


def told(exchanged: Exchanged, zone: str, replies: Replies, secrets: Secrets) -> Exchange:
    """An exchange as the report shows it, its secrets hidden."""
    request, answer = exchanged.request, exchanged.answer
    lines = [f"{request.method} {request.target}", *(f"{name}: {value}" for name, value in request.headers)]
    if request.body:
        lines += ["", _text(request.body)]
    said = _text(answer.body)
    reply = describe(answer, replies, exchanged.outcome)
    if answer.evidence is Evidence.REPLY:
        reply = f"HTTP {answer.status}" + (f"\n\n{said}" if said else "")
    return Exchange(
        ", ".join(_event(one.event, one.date, zone) for one in request.records) or "lookup of the complete URL",
        secrets.hidden("\n".join(lines)),
        secrets.hidden(reply),
        exchanged.outcome.name.lower(),
    )


def _event(name: str, date: Ms | None, zone: str) -> str:
    shown = name or "(no event)"
    return shown if date is None else f"{shown} at {iso_local(date, zone)}"


def _text(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}… ({len(body)} bytes)"
