"""Who is one user, and whether an identity holds for what came before it."""

from __future__ import annotations

from typing import NamedTuple

from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.probing import Answer, Bench, Probe, Visit
from simulator.times import HOUR, Ms

_VIEW = {"view": "pages/<own>/detail"}


class _Users(NamedTuple):
    """How many users each journey came to."""

    phones: int | None  # one openid on two phones
    people: int | None  # two openids on one phone
    mobile: int | None  # two openids with one mobile, on two phones
    later: int | None  # one phone, first anonymous and then identified
    before: int | None  # the anonymous visits on two phones that were identified as one openid afterwards
    joined: int | None  # an openid here, a unionid there, and then both together


_RULES = {
    "device": _Users(2, 1, 2, 1, 2, 3),
    "openid": _Users(1, 2, 2, 1, 1, 2),
    "customer": _Users(1, 2, 1, 1, 1, 1),
}
# The same where an identity says nothing of events before it: each first launch is one anonymous user more.
_LATER_ONLY = {
    "openid": _Users(3, 3, 4, 2, 2, 4),
    "customer": _Users(3, 3, 3, 2, 2, 4),
}
_JOURNEYS = (
    "one openid on two phones",
    "two openids on one phone",
    "two openids with one mobile",
    "first anonymous, then identified",
    "anonymous visits on two phones, identified as one openid afterwards",
    "an openid and a unionid apart, then together",
)


def find_user(bench: Bench, found: Found) -> None:
    """Who is one user."""
    if not bench.reads("uv", "source" if bench.by_source else "all"):
        found.leave("user", "the reader gives no uv")
        return
    probes = _probes(Ms(bench.midnight() + 12 * HOUR))
    answers = bench.ask(probes) if bench.by_source else [bench.ask([one])[0] for one in probes]
    seen = _Users(*(_uv(answer, name) for answer, name in zip(answers, ("own",) * 4 + ("first", "own"), strict=True)))
    if not bench.by_source:
        seen = seen._replace(before=None)  # the anonymous visits alone cannot be read
    for rule, users in _RULES.items():
        if _alike(seen, users):
            found.set("user", rule)
            if rule != "device":
                found.remark("a user who is identified is that user from the first event of the phone on")
            return
    for rule, users in _LATER_ONLY.items():
        if _alike(seen, users):
            found.leave(
                "user",
                f"it would be {rule}, but events before the identification stay another user's: mpsim has no such rule",
            )
            return
    said = "; ".join(f"{journey}: {users}" for journey, users in zip(_JOURNEYS, seen, strict=True))
    found.leave("user", f"no rule that mpsim has comes to these users: {said}")


def _probes(at: Ms) -> list[Probe]:
    later, last = Ms(at + HOUR), Ms(at + 2 * HOUR)

    def identified(*types: str) -> list[object]:
        return ["launch", {"push": list(types)}, _VIEW, "exit"]

    openid, mobile, unionid = "applet-wechat", "mobile", "wechat-unionid"
    return [
        Probe(
            "one openid on two phones",
            [Visit(at, identified(openid), has={openid: "a"}), Visit(later, identified(openid), has={openid: "a"})],
        ),
        Probe(
            "two openids on one phone",
            [
                Visit(at, identified(openid), device="phone", has={openid: "a"}),
                Visit(later, identified(openid), device="phone", has={openid: "b"}),
            ],
        ),
        Probe(
            "two openids with one mobile",
            [
                Visit(at, identified(openid, mobile), has={openid: "a", mobile: "m"}),
                Visit(later, identified(openid, mobile), has={openid: "b", mobile: "m"}),
            ],
        ),
        Probe(
            "first anonymous, then identified",
            [
                Visit(at, ["launch", "exit"], device="phone"),
                Visit(later, identified(openid), device="phone", has={openid: "a"}),
            ],
        ),
        Probe(
            "anonymous visits on two phones, identified as one openid afterwards",
            [
                Visit(at, ["launch", "exit"], device="one", source="first"),
                Visit(at, ["launch", "exit"], device="two", source="first"),
                Visit(later, identified(openid), device="one", has={openid: "a"}),
                Visit(last, identified(openid), device="two", has={openid: "a"}),
            ],
            sources=("own", "first"),
        ),
        Probe(
            "an openid and a unionid apart, then together",
            [
                Visit(at, identified(openid), has={openid: "a"}),
                Visit(later, identified(unionid), has={unionid: "u"}),
                Visit(last, identified(openid, unionid), has={openid: "a", unionid: "u"}),
            ],
        ),
    ]


def _uv(answer: Answer, source: str) -> int | None:
    return answer.of("uv", source)


def _alike(seen: _Users, rule: _Users) -> bool:
    """Whether every number that was read is the rule's; the first three must be."""
    if None in seen[:3]:
        return False
    return all(one is None or one == other for one, other in zip(seen, rule, strict=True))
