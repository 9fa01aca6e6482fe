"""Discovery and the suite under every combination of the embedded collector's switches.

    python -m tests.e2e.discover_all

Each combination is a collector process of its own, told nothing but how long to wait. It must be found out exactly, and
with what was found every case of the suite must be ok. CI tries a few, and with --proofs a set in which each pair of
switches occurs (tests/conform/); this tries all, and for zones more than one of each kind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from simulator.contract import User
from simulator.report.matrix import Standing
from simulator.runs.conform.cases import suite
from simulator.runs.conform.conducting import conduct
from simulator.runs.conform.discovering.contract_text import as_contract
from simulator.runs.conform.discovering.discover import discover
from simulator.runs.conform.standing import Wanted, standing, targets_named
from tests.conform.collectors import PROMPT, embedded

OPENS = ("launch", "every-foreground", "timeout=30s", "timeout=5m", "timeout=30m", "timeout=4h", "timeout=12m34.567s")
USERS: tuple[User, ...] = ("device", "openid", "customer")
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/Sao_Paulo")  # fmt: skip
_OF_TIMEOUT = {"timeout_inclusive": "false", "midnight": "false", "source_change": "false", "launch_opens": "true"}


@dataclass(frozen=True, slots=True)
class Tried:
    """One combination: what is wrong with it, if anything."""

    switches: tuple[str, User, str]
    wrong: str
    cases: int
    seconds: float  # of discovery alone


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them all, and say what is wrong and how long it took; 0 where nothing is."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.discover_all", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="combinations at once")
    parser.add_argument("--no-suite", action="store_true", help="only discovery")
    given = parser.parse_args(arguments)
    combinations = list(product(OPENS, USERS, ZONES))
    began = time.monotonic()
    tried: list[Tried] = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for one in pool.map(attempt, combinations, [not given.no_suite] * len(combinations)):
            tried.append(one)
            said = one.wrong or f"found in {one.seconds:.1f} s, {one.cases} cases ok"
            print(f"{len(tried):3} of {len(combinations)}  {' '.join(one.switches)}: {said}", flush=True)
    right = sum(not one.wrong for one in tried)
    seconds = sorted(one.seconds for one in tried)
    print(
        f"{right} of {len(tried)} combinations right: {len(OPENS)} opening rules, {len(USERS)} of users, "
        f"{len(ZONES)} zones; {sum(one.cases for one in tried)} cases ok; discovery took "
        f"{seconds[len(seconds) // 2]:.1f} s in the median, {seconds[-1]:.1f} s at most; "
        f"{time.monotonic() - began:.0f} s in all"
    )
    return 0 if right == len(tried) else 1


def attempt(switches: tuple[str, User, str], with_suite: bool) -> Tried:
    """One combination."""
    opens, user, day = switches
    with tempfile.TemporaryDirectory() as place, embedded(Path(place), opens, user, day) as url:
        said = Path(place) / "prompt.yaml"
        said.write_text(PROMPT, encoding="utf-8")
        wanted = Wanted([url], str(said))
        target = targets_named(wanted)[0]
        began = time.monotonic()
        with standing(wanted, target) as one:
            found = discover(one.ground, one.readers)
        seconds = time.monotonic() - began
        expected = {"opens": opens, "user": user, "day": day, "dedupe": "by_id", "time": "event"}
        expected |= _OF_TIMEOUT if opens.startswith("timeout") else {}
        wrong = [
            f"{key} is {expected.get(key)}, and was found to be {found.keys.get(key)} {found.unknown.get(key, '')}"
            for key in expected.keys() | found.keys.keys()
            if expected.get(key) != found.keys.get(key)
        ]
        cases = 0
        if with_suite and not wrong:
            with standing(wanted, target, as_contract(found, "found").file) as one:
                judgements = conduct(one.ground, one.readers, suite(), one.known)
            cases = sum(judgement.standing is Standing.OK for judgement in judgements)
            wrong = [f"{one.case}: {one.why}" for one in judgements if one.standing is not Standing.OK]
    return Tried(switches, "; ".join(wrong), cases, seconds)


if __name__ == "__main__":
    sys.exit(main())
