"""What is worth knowing beside a verdict: definitions that disagree, and what failed attempts were answered.

A note changes no verdict; it tells the reader where to look first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from simulator.contract import Contract
from simulator.ledger.record import Attempt
from simulator.report import words
from simulator.scenario.model import Scenario
from simulator.wire.outcome import describe
from simulator.wire.request import Answer, Evidence, Outcome, Purpose

_SECONDS = 5.0
_MOST_BYTES = 64 * 1024
_SHOWN = 3

Failures = Counter[tuple[Outcome, Evidence, int]]  # attempts that were not acked, by what was seen


def failures_of(attempts: Iterable[Attempt], purpose: Purpose = Purpose.EVENT) -> Failures:
    """Count the attempts of one purpose that were not acked by what the transport saw."""
    return Counter(
        (attempt.outcome, attempt.evidence, attempt.status)
        for attempt in attempts
        if attempt.purpose is purpose and attempt.outcome is not Outcome.ACKED
    )


def failure_notes(failures: Failures) -> Iterator[str]:
    """A sentence for each of the most frequent ways in which attempts failed."""
    for (outcome, evidence, status), count in failures.most_common(_SHOWN):
        seen = describe(Answer(evidence, status), outcome=outcome) if evidence else "no outcome was recorded"
        hint = " (is --path right?)" if status == httpx.codes.NOT_FOUND else ""
        verb = "was" if count == 1 else "were"
        yield f"{words.plural(count, 'attempt')} {verb} {outcome.name.lower()}: {seen}{hint}."


def disagreements(scenario: Scenario, contract: Contract, url: str | None) -> Iterator[str]:
    """Where the scenario or the collector itself defines a number otherwise than it was judged.

    The collector is asked for its definitions; one that does not say them agrees.

    Args:
        url: of a collector with mpsim's own interface; None: it has another one, and is not asked.
    """
    judged = contract.definitions.as_json()
    given = scenario.definitions
    said = {
        "opens": None if given.opens is None else str(given.opens),
        "user": given.user,
        "day": given.day,
    }
    theirs = {} if url is None else _told_by(url)
    for name, value in judged.items():
        if said[name] is not None and said[name] != value:
            yield f"The scenario says {name}: {said[name]}; judged by {value}, which the contract {contract.name} says."
        told = theirs.get(name)
        if isinstance(told, str) and told != value:
            yield f"The collector says that it counts by {name}: {told[:64]}; it was judged by {value}."


def _told_by(url: str) -> dict[str, Any]:
    """The definitions that a collector with the embedded one's interface tells; empty for any other. Never raises."""
    try:
        with (
            httpx.Client(base_url=url, timeout=_SECONDS, trust_env=False) as client,
            client.stream("GET", "/monitor/about") as reply,
        ):
            body = next(reply.iter_bytes(_MOST_BYTES), b"")
            document = httpx.Response(reply.status_code, content=body).json()
    except (httpx.HTTPError, ValueError):
        return {}
    definitions = document.get("definitions") if isinstance(document, dict) else None
    return definitions if isinstance(definitions, dict) else {}
