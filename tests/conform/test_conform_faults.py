"""Wrong collectors: each seeded fault makes the cases fail that are about it, and no others.

Which cases these are was worked out from what the fault does, by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.collector.faults import named
from simulator.report.matrix import Standing
from simulator.runs.conform.cases import suite
from simulator.runs.conform.conforming import conform
from simulator.runs.conform.standing import Wanted
from tests.conform.collectors import embedded
from tests.conform.sampling import some_every_day

# Enough for a wrong total to be surely at rest.
_PROMISED = "quiet: 50ms\ndeadline: 400ms\ndedupe: by_id\ntime: event\nopens: {opens}\nuser: {user}\nday: {day}\n"

FAULTS = {
    "plus-is-space": "unicode-reserved",
    "cut-by-bytes": "limits-value",
    "cut-at-unicode": "unicode-content limits-value",
    "path-cut-at-unicode": "unicode-page",
    "source-case-folded": "sources-case",
    "blanks-trimmed": "unicode-blanks",
    "slot-overwritten": "visitors-chain visitors-joined-later",
    "source-carried-over": "sources-gone",
    "none-left-out": "sources-none sources-scene sources-gone",
    "repeated-hour-merged": "trends-clock-back",
    "no-summer-time": "trends-hours trends-midnight trends-day trends-seasons",
    "timeout-inclusive": "opens-gap-exact",
    "timeout-a-millisecond-long": "opens-gap-above opens-gap-devices",
    "exit-ignored": "opens-exit-return opens-killed opens-gap-launch duplicates-launches limits-many-opens",
    "midnight-opens": "opens-midnight",
    "out-of-order-opens": "order-late-view order-reversed order-launch-last order-gap",
    "counts-duplicates": "duplicates-view duplicates-launch duplicates-many",
    "loses-late-events": "new-late order-gap order-visits",
    "link-cut": "sources-code limits-value",
    "uv-by-short-hash": "limits-many-visitors",
    "one-user-a-device": "visitors-shared-device",
    "customers-not-joined": "visitors-one-by-one visitors-chain visitors-joined-later",
    "conflict-kept-apart": "visitors-shared-mobile visitors-shared-unionid visitors-joined-later",
    "new-after-a-day": "new-once",
    "new-by-arrival": "new-late order-visits",
}
# One that is about texts, sources, opens, order, copies, users and new users each.
EVERY_DAY = (
    "cut-at-unicode", "source-carried-over", "timeout-inclusive", "loses-late-events", "counts-duplicates",
    "conflict-kept-apart", "new-after-a-day",
)  # fmt: skip
MAY_FAIL_TOO = {"uv-by-short-hash"}  # whose other failures depend on the ids of a run


@pytest.mark.slow
@pytest.mark.parametrize("fault", some_every_day(FAULTS, *EVERY_DAY))
def test_a_fault_fails_in_the_cases_that_are_about_it(fault: str, tmp_path: Path) -> None:
    under = named(fault).definitions.as_json()
    said = tmp_path / "contract.yaml"
    said.write_text(_PROMISED.format_map(under), encoding="utf-8")
    with embedded(tmp_path, under["opens"], named(fault).definitions.user, under["day"], fault=fault) as url:
        matrix = conform(Wanted([url], str(said)), suite()).matrix

    failed = {one.case for one in matrix.all() if one.standing is Standing.FAILED}
    if fault in MAY_FAIL_TOO:
        assert set(FAULTS[fault].split()) <= failed
    else:
        assert failed == set(FAULTS[fault].split())
    assert matrix.exit_code == 1


@pytest.mark.slow
def test_events_of_another_tenant_are_wrong_where_the_target_file_names_the_tenant(tmp_path: Path) -> None:
    target = tmp_path / "target.yaml"
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai", fault="takes-bad-for-good") as url:
        target.write_text(
            f'target: tenant\nurl: {url}\nscope: {{tenant: "740843171"}}\ntotals: monitor\n'
            "contract: {opens: launch, user: openid, day: Asia/Shanghai, dedupe: by_id, time: event}\n"
            "settle: {quiet: 50ms, deadline: 400ms}\n",
            encoding="utf-8",
        )
        matrix = conform(Wanted([str(target)]), suite()).matrix

    assert {one.case for one in matrix.all() if one.standing is not Standing.OK} == {"malformed-tenant"}
