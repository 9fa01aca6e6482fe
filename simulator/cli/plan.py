"""`mpsim plan`: the expected totals and the first events, without any network."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from simulator.api import Planned, plan_scenario
from simulator.cli.terminal import terminal
from simulator.cli.wanted import planning_options, wanted_of
from simulator.contract import METRICS
from simulator.errors import UsageError
from simulator.events import Event
from simulator.finding import ExitCode
from simulator.journey.phases import PlannedPhase, planned_phases
from simulator.report import words
from simulator.report.result import metrics_json
from simulator.report.text import EventRow, print_plan
from simulator.runs.explaining import explained
from simulator.runs.planning import start_option
from simulator.times import iso_local
from simulator.verify.explain import Derivation, told


@click.command("plan")
@planning_options
@click.option("--start", default=None, metavar="T", help="Start of the period, ISO 8601 with offset.")
@click.option("--explain", "metric", type=click.Choice(METRICS), help="How one visitor's part of a metric comes about.")
@click.option("--visitor", type=click.IntRange(0), default=None, metavar="N", help="Whose part, with --explain.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON document.")
def command(start: str | None, metric: str | None, visitor: int | None, as_json: bool, **options: Any) -> int:
    """Print the totals that an honest collector must show for SCENARIO, by every kind of cell."""
    try:
        given = start_option(start)
    except ValueError as wrong:
        raise UsageError(f"--start: {wrong}") from wrong
    if (metric is None) is not (visitor is None):
        raise UsageError("--explain METRIC and --visitor N belong together")
    if metric is not None and visitor is not None:
        _explain(explained(wanted_of(options, start=given), metric, visitor), as_json)
        return ExitCode.PASS
    found = plan_scenario(**options, start=start)
    if as_json:
        click.echo(json.dumps(_document(found), ensure_ascii=False, indent=2))
        return ExitCode.PASS
    zone = found.contract.definitions.day
    scenario, settings = found.plan.scenario, found.plan.settings
    title = (
        f"{scenario.scenario}: {words.plural(found.plan.count, 'visitor')}, seed {settings.seed}, "
        f"{iso_local(found.plan.start, zone)} to {iso_local(found.plan.end, zone)}"
    )
    rows = [_row(event, zone) for event in found.first_events]
    print_plan(terminal(), title, found.metrics, rows, found.notes)
    return ExitCode.PASS


def _explain(derivation: Derivation, as_json: bool) -> None:
    text = json.dumps(asdict(derivation), ensure_ascii=False, indent=2) if as_json else "\n".join(told(derivation))
    click.echo(text)


def _document(found: Planned) -> dict[str, Any]:
    plan, zone = found.plan, found.contract.definitions.day
    return {
        "version": 1,
        "scenario": plan.scenario.scenario,
        "seed": plan.settings.seed,
        "namespace": plan.settings.namespace,
        "period": [iso_local(plan.start, zone), iso_local(plan.end, zone)],
        "definitions": found.contract.definitions.as_json(),
        "visitors": plan.count,
        "events": found.expectations.planned,
        "outside": found.expectations.outside,
        "malformed": found.expectations.bad.high,
        "metrics": metrics_json(found.metrics),
        "phases": [_phase_json(number, phase) for number, phase in enumerate(planned_phases(plan), 1)],
        "first_events": [_event_json(event, zone) for event in found.first_events],
        "notes": list(found.notes),
    }


def _phase_json(number: int, phase: PlannedPhase) -> dict[str, Any]:
    visitors = len(phase.visitors)
    return {
        "number": number,
        "name": phase.name,
        "rate": phase.rate,
        "begin": phase.begin_us / 1e6,
        "seconds": phase.seconds,
        "visitors": visitors,
        "wanted_rate": round(visitors / phase.seconds, 3),
    }


def _event_json(event: Event, zone: str) -> dict[str, Any]:
    row = _row(event, zone)
    return {"at": row.at, "visitor": row.visitor, "event": row.event, "page": row.page, "source": row.source}


def _row(event: Event, zone: str) -> EventRow:
    name = event.call.event if event.call is not None else event.kind.value
    detail = ", ".join(f"{key}={value}" for key, value in event.pushed)
    return EventRow(iso_local(event.at, zone), event.visitor, name, event.page, event.source.name, detail)
