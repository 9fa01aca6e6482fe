"""A small matrix of two targets with each standing, whose texts try to do harm."""

from __future__ import annotations

from simulator.report.matrix import (
    CaseFacts,
    Definition,
    Exchange,
    Judgement,
    Matrix,
    Number,
    Standing,
    TargetFacts,
)

HARM = "<script>alert(1)</script>\u202e\x1b[31m"


def case(name: str, area: str = "page views") -> CaseFacts:
    """One case."""
    return CaseFacts(name, area, 1, f"Title of {name}", "About it.", "A document", "4.1", "A sentence.", ("day 1",))


def judgement(name: str, standing: Standing, why: str = "A reason.") -> Judgement:
    """What became of it."""
    right = standing is Standing.OK
    return Judgement(
        name,
        standing,
        why,
        numbers=(Number("pv by source ad", 2, 10, 12 if right else 13), Number("uv", 1, None, None, "not read")),
        exchanges=(Exchange("a view", f"GET /x?{HARM} HTTP/1.1", f"HTTP 200\n\n{HARM}", "acked"),),
    )


def matrix(*standings: Standing, targets: int = 1, name: str = "ours") -> Matrix:
    """One case of each standing, on so many targets."""
    cases = tuple(case(f"case-{number}", "opens" if number % 2 else "page views") for number in range(len(standings)))
    facts = tuple(
        TargetFacts(
            name if number == 0 else f"other {number}",
            "http://127.0.0.1:1",
            "dmhub",
            (Definition("opens", "launch", "found"), Definition("day", HARM, "stated")),
            (HARM,),
        )
        for number in range(targets)
    )
    judged = tuple(judgement(one.id, standing, HARM) for one, standing in zip(cases, standings, strict=True))
    return Matrix(
        1, "0.1.0", "2026-03-01T00:00:00Z", f"mpsim conform {HARM}", cases, facts, {one.name: judged for one in facts}
    )


EACH = tuple(Standing)
