"""Targets for tests: the ground that a case is staged on, and contracts with every switch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

from simulator.contract import Contract, Definitions, User, parse_opens
from simulator.runs.conform.cases import Case
from simulator.runs.conform.staging import Ground, Staged, stage
from simulator.scenario.target import plain_target
from simulator.times import parse_instant
from simulator.traffic.target_files import contract_of_adapter

NOW = parse_instant("2026-06-15T12:00:00Z")
FIRST = date(2026, 3, 2)
# On which a clock is put back, in zones that do so.
BACK = {"America/New_York": date(2025, 11, 2), "Europe/Berlin": date(2025, 10, 26)}
USERS: tuple[User, ...] = ("device", "openid", "customer")
OPENS = ("launch", "timeout=30m", "timeout=30s", "every-foreground")
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu")


def contract(opens: str = "launch", user: User = "openid", day: str = "Asia/Shanghai", **switches: object) -> Contract:
    """A contract with these definitions and switches."""
    return replace(Contract(definitions=Definitions(parse_opens(opens), user, day)), **switches)  # type: ignore[arg-type]


def ground(judged_by: Contract, url: str = "http://127.0.0.1:1", namespace: str = "mpsim-aaaaaa") -> Ground:
    """A collector with mpsim's own interface."""
    return Ground(plain_target(url, "dmhub", {}, contract_of_adapter("dmhub")), url, judged_by, namespace)


def staged(case: Case, judged_by: Contract, number: int = 0) -> Staged:
    """A case on its first day; on one on which the clock is put back, where it wants such a one."""
    zone = judged_by.definitions.day
    first = BACK.get(zone, FIRST) if case.section.around == "clock back" else FIRST
    return stage(ground(judged_by), case.section, f"mpsim-aaaaaa.{number:02}", first, NOW)


def every_contract() -> list[Contract]:
    """Each definition of users, opens and zones in pairs, and each further switch."""
    pairs = [contract(opens, user) for opens, user in product(OPENS, USERS)]
    zones = [contract(opens, day=zone) for opens, zone in product(("launch", "timeout=30m"), ZONES[1:])]
    minute = "timeout=1m"
    switches = [
        contract(minute, timeout_inclusive=True),
        contract(minute, midnight=True),
        contract(minute, source_change=True),
        contract(minute, launch_opens=False),
        contract(minute, midnight=True, source_change=True, launch_opens=False, timeout_inclusive=True),
        contract(dedupe="none"),
        contract(minute, dedupe="none", launch_opens=False),
    ]
    return [*pairs, *zones, *switches]
