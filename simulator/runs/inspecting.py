"""`mpsim inspect APP_DIR`: a plan's visitors through the user's own mini program, held against rules and totals.

    plan  →  driving: each visitor's phone  →  what was sent, decoded  →  rules (inspect/)
      └────────────────────── expected totals  ──────────────────────→  totals of what was sent, judged

What counts is what a well collector stored: events that it answered with 200. They are counted by the reader that
counts any listed events (verify/readers/tally.py), which shares nothing with what is expected of the plan.

Assumed: hours and days are not judged. The plan knows the instant of every event, but an application may take a moment
over a lookup or a page, and so put an event behind the end of an hour.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.contract import Contract
from simulator.errors import UsageError
from simulator.events import Visit
from simulator.finding import ExitCode, Judged, Verdict
from simulator.inspect.baseline import against, read_baseline, write_baseline
from simulator.inspect.capture import DMHUB, Capture, Meaning, Recogniser
from simulator.inspect.case import Case, Facts, Seen, Trial, Trouble
from simulator.inspect.config import FILE, Config, read_config
from simulator.inspect.inspection import Inspection, inspect
from simulator.inspect.network import DMHUB_PATHS, Network
from simulator.inspect.rule import Level
from simulator.inspect.rules.sending import domain_legal
from simulator.inspect.source import SourceCode
from simulator.journey.plan import Plan, visits
from simulator.report import words
from simulator.report.inspection.outcome import Outcome
from simulator.runs.driving import drive
from simulator.runs.planning import expected_of
from simulator.runtime.backend import FILE as ANSWERS
from simulator.runtime.backend import Backend, load_backend
from simulator.runtime.phone import Phone, Watch
from simulator.runtime.program import Program, Reading, load_program
from simulator.runtime.trace import Exchange, Moment, Trace
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Disorder, Kill, Malformed, Offline, Skew
from simulator.scenario.steps_in import all_steps
from simulator.times import MINUTE, SECOND, Ms, iso_local
from simulator.traffic.making import Draft, Wanted, contract_of, draft
from simulator.traffic.opened import adapter_of
from simulator.verify.judging import judge
from simulator.verify.readers.events import event_of
from simulator.verify.readers.reading import Reading as Totals
from simulator.verify.readers.tally import Tally
from simulator.wire.options import WireOptions

Progress = Callable[[int, int], None]  # visitors driven, and of how many

USUAL_VISITORS = 50
_JUDGED = ("all", "source", "content", "page")  # kinds of cell
_JUDGED_ELSEWHERE = ("all", "page")  # other trackers take sources from parameters of their own
_TROUBLE = Ms(90 * SECOND)  # from the launch on
_NOT_DRIVEN = (Malformed, Kill, Offline, Skew, Disorder)  # what only a simulated tracker does


@dataclass(frozen=True, slots=True)
class Asked:
    """What an inspection was asked for."""

    folder: Path  # of the mini program
    wanted: Wanted  # the plan's options
    name: str = ""  # what the report calls the program; empty: its folder
    config: Path | None = None  # None: the folder's inspect.toml, if there is one
    answers: Path | None = None  # of the app's own backend; None: the folder's mpsim.answers.json, if there is one
    levels: dict[str, Level] = field(default_factory=dict)  # before those of the config
    domains: frozenset[str] | None = None  # before those of the config
    fails: Level = Level.WARNING  # the least grave level that fails
    baseline: Path | None = None
    new_baseline: Path | None = None
    with_trials: bool = True


def run_inspection(asked: Asked, progress: Progress | None = None) -> Outcome:
    """Drive, judge and tell.

    Raises:
        UsageError, ScenarioError: the folder, the scenario or an option cannot be used.
    """
    began, created = time.monotonic(), datetime.now(UTC)
    known = read_baseline(asked.baseline) if asked.baseline is not None else {}
    config = _config_of(asked)
    drafted = draft(asked.wanted)
    plan = drafted.plan
    app = plan.scenario.app
    program = load_program(asked.folder, Reading(appid=app.appid))
    code = source_code(program, config.tracker)
    driving = _Driving(drafted, program, config, _backend_of(asked, program), code.tracker)
    seen = driving.visitors(progress)
    trials = tuple(driving.trials(seen)) if asked.with_trials and _runs(program) else ()
    facts = facts_of(plan.scenario, config, asked.domains, _links(seen))
    levels = {**config.rules, **asked.levels}
    inspection = inspect(Case(facts, seen, code, program.problems, trials), levels)
    if asked.new_baseline is not None:
        write_baseline(asked.new_baseline, inspection.findings)
        known |= {one.fingerprint: f"{one.rule.code}: {one.first.seen}" for one in inspection.findings}
    inspection = against(inspection, known)
    form = _format_of(seen)
    contract = _contract(drafted, form)
    totals = _totals(drafted, contract, form, seen)
    exit_code, reasons = _concluded(inspection, totals, asked.fails)
    captures = [capture for one in seen for capture in one.captures]
    zone = contract.definitions.day
    return Outcome(
        program=asked.name or str(asked.folder),
        appid=app.appid,
        scenario=plan.scenario.scenario,
        seed=asked.wanted.seed,
        visitors=len(seen),
        requests=len(captures),
        events=sum(len(capture.records) for capture in captures),
        format=form,
        definitions=contract.definitions,
        period=(iso_local(plan.start, zone), iso_local(plan.end, zone)),
        inspection=inspection,
        totals=totals,
        exit_code=exit_code,
        reasons=reasons,
        notes=tuple(_notes(plan, program, seen, form, driving.unanswered, facts.domains is not None)),
        seconds=time.monotonic() - began,
        created=created.isoformat(timespec="seconds").replace("+00:00", "Z"),
        mpsim=__version__,
    )


def _config_of(asked: Asked) -> Config:
    if asked.config is not None:
        return read_config(asked.config)
    usual = asked.folder / FILE
    return read_config(usual) if usual.is_file() else Config()


def _backend_of(asked: Asked, program: Program) -> Backend:
    if asked.answers is not None:
        return load_backend(asked.answers)
    usual = next((folder / ANSWERS for folder in (asked.folder, program.folder) if (folder / ANSWERS).is_file()), None)
    return Backend() if usual is None else load_backend(usual)


def source_code(program: Program, tracker: str) -> SourceCode:
    """The program's scripts, for the static rules."""
    files = {file: module.source.encode("utf-8", "replace") for file, module in program.modules.items()}
    if tracker and tracker not in files:
        raise UsageError(f"the tracker {tracker}: no such script in {program.folder}")
    return SourceCode(files, tracker)


def facts_of(scenario: Scenario, config: Config, domains: frozenset[str] | None, links: dict[str, str]) -> Facts:
    """What is known of the mini program, by its scenario and its config."""
    app = scenario.app
    return Facts(
        appid=app.appid,
        events=config.events.union(app.events),
        identity_types=config.identity_types.union(app.identity_types, scenario.visitors.identities),
        domains=config.domains if domains is None else domains,
        links=links,
        view_on_return=app.view_on_return,
    )


# ---- driving -------------------------------------------------------------------------------------------------------


class _Driving:
    """The phones of one inspection, with everything that they can reach."""

    def __init__(self, drafted: Draft, program: Program, config: Config, backend: Backend, tracker: str) -> None:
        app = drafted.plan.scenario.app
        self._plan, self._program = drafted.plan, program
        self._named = drafted.target.adapter if drafted.target is not None else ""
        self._own = drafted.own
        self._options = WireOptions(
            appid=app.appid,
            app_name=app.name,
            tenant=app.tenant,
            namespace="",
            events=tuple(sorted(config.events.union(app.events))),
        )
        paths = DMHUB_PATHS if self._named in ("", DMHUB) else frozenset[str]()
        self._network = Network(self.recogniser, paths, backend, self._note)
        named = (Path(tracker).stem,) if tracker else Watch().modules
        self._watch = Watch(modules=tuple(dict.fromkeys((*Watch().modules, *named))))
        self.unanswered: Counter[str] = Counter()  # host and path → how many requests only got {}

    def recogniser(self) -> Recogniser:
        """A fresh one, for one visitor."""
        return Recogniser(self._options, format_name=self._named, own=self._own)

    def _note(self, exchange: Exchange) -> None:
        self.unanswered[exchange.url.partition("?")[0]] += 1

    def visitors(self, progress: Progress | None) -> tuple[Seen, ...]:
        """Every visitor of the plan, driven to the end."""
        planned = {visit.visitor: visit for visit in visits(self._plan)}
        found: list[Seen] = []
        for trace in drive(self._plan, self._program, self._network.answerer, watch=self._watch):
            found.append(self._seen(trace, planned.get(trace.visitor)))
            if progress is not None:
                progress(len(found), len(planned))
        return tuple(found)

    def _seen(self, trace: Trace, visit: Visit | None = None) -> Seen:
        recogniser = self.recogniser()
        return Seen(trace, tuple(map(recogniser.read, trace.exchanges)), visit)

    def trials(self, seen: Sequence[Seen]) -> Iterator[Trial]:
        """One visit against a collector in each kind of trouble; none where nothing is sent anyway."""
        if not any(capture.records for one in seen for capture in one.captures):
            return
        for trouble in Trouble:
            yield Trial(trouble, self._seen(self._in_trouble(trouble)))

    def _in_trouble(self, trouble: Trouble) -> Trace:
        """A launch, a second page, the way back, a return from the background, another launch."""
        start = self._plan.start
        answer = self._network.answerer(None, trouble, Ms(start + _TROUBLE))
        other = next((page for page in self._program.pages if page != self._program.entry), "")
        phone = Phone(self._program, answer, now=start, watch=self._watch)
        with closing(phone):
            phone.launch(start)
            if other:
                phone.view(Ms(start + 3 * SECOND), other)
                phone.back(Ms(start + 6 * SECOND))
            phone.hide(Ms(start + 4 * MINUTE))
            phone.show(Ms(start + 6 * MINUTE))
            phone.leave(Ms(start + 8 * MINUTE))
            phone.launch(Ms(start + 10 * MINUTE))
            phone.leave(Ms(start + 14 * MINUTE))
            return phone.trace()


def _runs(program: Program) -> bool:
    """Whether there is anything that can be launched."""
    return bool(program.entry) and "app.js" in program.modules


def _links(seen: Sequence[Seen]) -> dict[str, str]:
    """The complete paths behind the codes of the plan."""
    events = chain.from_iterable(one.visit.events for one in seen if one.visit is not None)
    return {event.code: event.link for event in events if event.code}


# ---- totals --------------------------------------------------------------------------------------------------------


def _format_of(seen: Sequence[Seen]) -> str:
    """The adapter that read most events; of the tracker of 2018, which the same one reads, its own name."""
    counts: Counter[str] = Counter()
    documented = False
    for one in seen:
        for capture, record in one.events():
            counts[capture.format] += 1
            documented = documented or bool(record.anonymous_id or record.date is not None)
    if not counts:
        return ""
    name = counts.most_common(1)[0][0]
    return f"{DMHUB}-2018" if name == DMHUB and not documented else name


def _contract(drafted: Draft, form: str) -> Contract:
    """The contract in force; without a target that of the format which the program speaks."""
    if drafted.target is not None or form in ("", drafted.wanted.adapter):
        return drafted.contract
    return contract_of(replace(drafted.wanted, adapter=form), drafted.loaded)


def _totals(drafted: Draft, contract: Contract, form: str, seen: Sequence[Seen]) -> tuple[Judged, ...]:
    plan = drafted.plan
    name = drafted.adapter if drafted.target is not None else form or DMHUB
    adapter = adapter_of(name, drafted.path, plan.scenario, drafted.namespace, drafted.options, own=drafted.own)
    expectations = expected_of(plan, adapter, contract)
    with closing(Tally(contract)) as tally:
        tally.add(
            event_of(record, capture.exchange.at)._replace(cursor=cursor)
            for cursor, (capture, record) in enumerate(_stored(seen), start=1)
        )
        reading = Totals(tally.cells(plan.start, plan.end))
    judged = judge(expectations, reading, plan.scenario.expect)
    kinds = _JUDGED if name.startswith(DMHUB) else _JUDGED_ELSEWHERE
    return tuple(one for one in judged if one.by in kinds)


def _stored(seen: Sequence[Seen]) -> Iterator[tuple[Capture, Any]]:
    """What a well collector has taken, in the order in which it came."""
    pairs = chain.from_iterable(one.events() for one in seen)
    there = [(capture, record) for capture, record in pairs if not record.bad and _is_acked(capture)]
    return iter(sorted(there, key=lambda pair: pair[0].exchange.at))


def _is_acked(capture: Capture) -> bool:
    reply = capture.exchange.reply
    return capture.meaning is Meaning.EVENTS and reply is not None and reply.status == 200


# ---- telling -------------------------------------------------------------------------------------------------------


def _concluded(inspection: Inspection, totals: Sequence[Judged], fails: Level) -> tuple[ExitCode, tuple[str, ...]]:
    """The exit code with its reasons; the first of fail and incomplete that applies."""
    reasons: list[tuple[ExitCode, str]] = []
    if inspection.verdict(fails) is Verdict.FAIL:
        graver = [one for one in inspection.findings if not one.known and one.level.is_at_least(fails)]
        codes = ", ".join(dict.fromkeys(one.rule.code for one in graver))
        reasons.append((ExitCode.FAIL, f"{words.plural(len(graver), 'finding')} of the rules: {codes}."))
    wrong = [one for one in totals if one.verdict is Verdict.FAIL]
    if wrong:
        metrics = ", ".join(dict.fromkeys(one.metric for one in wrong))
        reasons.append((ExitCode.FAIL, f"{words.plural(len(wrong), 'total')} not as planned: {metrics}."))
    unread = [one for one in totals if one.verdict > Verdict.PASS and one.verdict is not Verdict.FAIL]
    if any(one.expected is not None for one in unread) or (unread and len(unread) == len(totals)):
        reasons.append((ExitCode.INCOMPLETE, "Some totals could not be judged."))
    if not totals:
        reasons.append((ExitCode.INCOMPLETE, "No total was judged."))
    reasons.sort(key=lambda reason: reason[0])
    return (reasons[0][0] if reasons else ExitCode.PASS), tuple(text for _, text in reasons)


def _notes(
    plan: Plan, program: Program, seen: Sequence[Seen], form: str, unanswered: Counter[str], domains: bool
) -> Iterator[str]:
    scenario = plan.scenario
    if not domains:
        yield (
            f"The rule {domain_legal.code} had nothing to hold the tracker against: say the list of legal request "
            f"domains with --domains FILE, or as domains in {FILE}."
        )
    if len(seen) < plan.count:
        left = words.plural(plan.count - len(seen), "visitor")
        yield f"{left} were not driven: the program had to be stopped again and again, and each would take as long."
    if form and not form.startswith(DMHUB):
        yield f"{form} takes sources from parameters of its own: totals by source and content are not judged."
    undriven = [place for place, step in all_steps(scenario) if isinstance(step, _NOT_DRIVEN)]
    if undriven:
        yield (
            f"Steps that only a simulated tracker takes were passed over, and the plan counts them: {undriven[0]}"
            f"{f' and {len(undriven) - 1} more' if len(undriven) > 1 else ''}."
        )
    for address, count in unanswered.most_common(5):
        yield f"{words.plural(count, 'request')} to {address} got {{}}: say what it answers in {ANSWERS}."
    missing = Counter(mark.detail for one in seen for mark in one.trace.marks if mark.moment is Moment.MISSING_API)
    if missing:
        names = ", ".join(name for name, _ in missing.most_common(8))
        yield f"The runtime lacks {names}; a phone may have it."
    if program.appid and program.appid != scenario.app.appid:
        yield f"The appid of the scenario, {scenario.app.appid}, was taken, not {program.appid} of the project."
