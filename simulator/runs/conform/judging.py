"""What becomes of a case: its numbers against those that its definition says, and against every other one's.

A pure function of what was read and answered; who reads is conducting.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.report.matrix import Standing
from simulator.runs.conform.cases import VERSION, Case
from simulator.runs.conform.exchanging import Exchanged
from simulator.runs.conform.expecting import Cell, Expected, accepted, expected_under, others, word
from simulator.wire.outcome import describe
from simulator.wire.request import Evidence, Outcome

_MOST_NAMED = 3  # figures of one reason; the table beside it has all

Known = Mapping[str, str]  # switch → stated, found or assumed


@dataclass(frozen=True, slots=True)
class Judged:
    """A standing with its reason."""

    standing: Standing
    why: str
    stands_for: str = ""  # the definition, or the behaviour, that the outcome is right for


def judge(
    case: Case,
    switches: Mapping[str, object],
    known: Known,
    got: Mapping[Cell, int | None],
    exchanged: Sequence[Exchanged],
    version: int = VERSION,
) -> Judged:
    """What became of a case whose deciding figures could all be read.

    Args:
        switches: the definitions in force.
        known: how each came to be in force.
        got: by how much each figure went up; None: it is not read.
    """
    if not exchanged:
        return Judged(Standing.ENGINE_ERROR, "nothing was sent: the collector had stopped answering")
    broken = next((one for one in exchanged if one.answer.evidence is not Evidence.REPLY), None)
    if broken is not None:
        return Judged(Standing.ENGINE_ERROR, f"no reply to a request: {describe(broken.answer)}")
    verdict = _verdict(case, switches, known, got, exchanged)
    if verdict.standing is Standing.FAILED and case.is_new(version):
        why = f"{verdict.why}. The case is new in version {version} of the suite, and fails nobody before the next"
        return Judged(Standing.INFORMATIONAL, why, verdict.stands_for)
    return verdict


def is_met(case: Case, switches: Mapping[str, object], got: Mapping[Cell, int | None]) -> bool:
    """Whether the figures are as they must be, or as good as that, so that nobody need wait for them any longer."""
    good = [expected_under(case.section, switches), *(one for _, ok, one in accepted(case.section, switches) if ok)]
    return any(_fits(one, got) for one in good)


def _verdict(
    case: Case,
    switches: Mapping[str, object],
    known: Known,
    got: Mapping[Cell, int | None],
    exchanged: Sequence[Exchanged],
) -> Judged:
    section = case.section
    expected = expected_under(section, switches)
    refused = next((one for one in exchanged if one.is_good and one.outcome is not Outcome.ACKED), None)
    wrong = next((one.wrong for one in exchanged if one.wrong), "")
    if wrong:
        return Judged(Standing.FAILED, wrong)
    if _fits(expected, got):
        if refused is None:
            return Judged(Standing.OK, "Every figure is as the case says.")
        return Judged(
            Standing.FAILED, f"The figures are right, and a good event was answered otherwise: {_answer(refused)}"
        )
    for name, ok, figures in accepted(section, switches):
        if _fits(figures, got):
            standing = Standing.OK if ok else Standing.INFORMATIONAL
            return Judged(standing, f"Another outcome that can be accepted: {name}.", name)
    if refused is not None:
        return Judged(Standing.FAILED, f"A good event was not taken: {_answer(refused)}")
    differences = list(_differences(expected, got))
    difference = "; ".join(differences[:_MOST_NAMED])
    if len(differences) > _MOST_NAMED:
        difference += f"; and {len(differences) - _MOST_NAMED} more"
    for other in others(section, switches):
        if _fits(other.expected, got):
            return _otherwise(difference, other.name, other.switches, switches, known)
    return Judged(Standing.FAILED, f"{difference}. No definition that mpsim knows comes to that.")


def _otherwise(
    difference: str, name: str, changed: Sequence[str], switches: Mapping[str, object], known: Known
) -> Judged:
    """The outcome is right under another definition: wrong where this one was promised or seen, else worth knowing."""
    sure = [switch for switch in changed if known.get(switch, "assumed") != "assumed"]
    if not sure:
        return Judged(
            Standing.INFORMATIONAL,
            f"{difference}: right under {name}, and nobody has said which definition this collector uses.",
            name,
        )
    said = " and ".join(
        f"the contract says {switch}: {word(switches[switch])}"
        if known[switch] == "stated"
        else f"elsewhere it counted by {switch}: {word(switches[switch])}"
        for switch in sure
    )
    return Judged(Standing.FAILED, f"{difference}: right under {name}, but {said}.", name)


def _fits(expected: Expected, got: Mapping[Cell, int | None]) -> bool:
    """Whether every figure that is read is as expected, and at least one is."""
    read = [cell for cell in expected if got.get(cell) is not None]
    return bool(read) and all(got[cell] == expected[cell] for cell in read)


def _differences(expected: Expected, got: Mapping[Cell, int | None]) -> Iterator[str]:
    for cell, value in expected.items():
        if got.get(cell) is not None and got[cell] != value:
            yield f"{named(cell)} is {got[cell]} and not {value}"


def named(cell: Cell) -> str:
    """A figure as a sentence calls it."""
    metric, by, name = cell
    return metric if by == "all" else f"{metric} by {by} {name}"


def _answer(one: Exchanged) -> str:
    names = ", ".join(record.event or "(no event)" for record in one.request.records)
    return f"{names}: {describe(one.answer)}"
