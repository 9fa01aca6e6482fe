"""Faults in what begins an open, in what is a view, and in which rows are counted at all."""

from __future__ import annotations

import sqlite3
from functools import partial

from simulator.collector.faults.fault import register
from simulator.collector.faults.planting import ChangeRow, RewrittenTotals, counted_by, rows, sql

seed = partial(register, "opening")

_GAP = "at - previous > :timeout"
_VIEWED = "name IN ('mini_program_view', 'open_page') AS viewed"
_TIMEOUT = "timeout=30m"

# ---- opens by timeout ---------------------------------------------------------------------------------------------

seed(
    "timeout-inclusive",
    "begins an open after exactly the timeout",
    sql(("opening_timeout", _GAP, "at - previous >= :timeout")),
    scenario="gaps",
    moves="opens",
    finding="boundary",
    opens=_TIMEOUT,
)

seed(
    "timeout-a-millisecond-long",
    "begins no open one millisecond after the timeout",
    sql(("opening_timeout", _GAP, "at - previous > :timeout + 1")),
    scenario="gaps",
    moves="opens",
    finding="boundary",
    opens=_TIMEOUT,
)


def whole_seconds() -> ChangeRow:
    return lambda row: (row._replace(at=row.at // 1000 * 1000),)


seed(
    "time-in-seconds",
    "keeps the time of an event in whole seconds",
    rows(whole_seconds),
    scenario="gaps",
    moves="opens",
    finding="boundary",
    opens=_TIMEOUT,
)

seed(
    "exit-ignored",
    "begins no open with a launch soon after an exit",
    sql(("opening_timeout", "name = 'mini_program_open'\n   OR (", "(")),
    scenario="gaps",
    moves="opens",
    finding="aggregation",
    opens=_TIMEOUT,
)

# An exit sends nothing here; the launch after it is all that tells a collector to begin the timeout anew.
_LAST_BEFORE_LAUNCHES = (
    "coalesce(max(CASE WHEN name <> 'mini_program_open' THEN at END) OVER "
    "(PARTITION BY anonymous_id ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), "
    "lag(at) OVER (PARTITION BY anonymous_id ORDER BY at, id)) AS previous"
)

seed(
    "timeout-not-reset-by-exit",
    "lets the timeout run on over an exit and the launch after it, so the next view begins one more open",
    sql(
        (
            "opening_timeout",
            "lag(at) OVER (PARTITION BY anonymous_id ORDER BY at, id) AS previous",
            _LAST_BEFORE_LAUNCHES,
        )
    ),
    scenario="gaps",
    moves="opens",
    finding="aggregation",
    opens=_TIMEOUT,
)

seed(
    "custom-events-bridge-nothing",
    "measures gaps between opens and views only, although custom events lie in them",
    sql(("opening_timeout", "FROM event\n", "FROM event WHERE name NOT LIKE 'c\\_%' ESCAPE '\\'\n")),
    scenario="gaps",
    moves="opens",
    finding="aggregation",
    opens=_TIMEOUT,
)

seed(
    "out-of-order-opens",
    "goes through the events as they arrived, and begins an open when one is older than the one before",
    sql(
        ("opening_timeout", "ORDER BY at, id", "ORDER BY id"),
        ("opening_timeout", _GAP, f"{_GAP} OR at < previous"),
    ),
    scenario="gaps",
    moves="opens",
    finding="aggregation",
    opens=_TIMEOUT,
)

seed(
    "midnight-opens",
    "begins an open with the first event of a new day",
    sql(("opening_timeout", _GAP, f"{_GAP} OR day_cell(at / 900000) <> day_cell(previous / 900000)")),
    scenario="gaps",
    moves="opens",
    finding="aggregation",
    opens=_TIMEOUT,
)

# ---- opens by launch and by foreground ----------------------------------------------------------------------------

seed(
    "hide-taken-for-exit",
    "begins an open after each pause of a minute, as if hiding were leaving",
    sql(
        (
            "opening_launch",
            "SELECT id AS event FROM event WHERE name = 'mini_program_open'",
            "SELECT id AS event FROM (SELECT id, name, at - lag(at) OVER (PARTITION BY anonymous_id ORDER BY at, id) "
            "AS pause FROM event) WHERE name = 'mini_program_open' OR pause >= 60000",
        )
    ),
    scenario="sources",
    moves="opens",
    finding="aggregation",
)

seed(
    "shows-ignored",
    "counts launches only where every return to the foreground is an open",
    sql(("opening_every_foreground", "('mini_program_open', 'c_mp_show')", "('mini_program_open')")),
    scenario="foreground",
    moves="opens",
    finding="aggregation",
    opens="every-foreground",
)

# ---- views --------------------------------------------------------------------------------------------------------

seed(
    "shows-counted-as-views",
    "counts a return to the foreground as a page view of its own",
    sql(
        ("tally", _VIEWED, "name IN ('mini_program_view', 'open_page', 'c_mp_show') AS viewed"),
        ("tally", "CASE page WHEN ''", "CASE coalesce(page, '') WHEN ''"),
    ),
    scenario="foreground",
    moves="pv uv",
    finding="aggregation",
    opens="every-foreground",
)

seed(
    "custom-events-counted-as-views",
    "counts every custom event as a page view",
    sql(
        ("tally", _VIEWED, "name NOT IN ('mini_program_open') AS viewed"),
        ("tally", "CASE page WHEN ''", "CASE coalesce(page, '') WHEN ''"),
    ),
    scenario="deliveries",
    moves="pv uv",
    finding="aggregation",
)

seed(
    "repeated-page-collapsed",
    "counts one view where a device sees the same page twice in a row",
    sql(
        (
            "tally",
            _VIEWED,
            "name IN ('mini_program_view', 'open_page') "
            "AND page IS NOT lag(page) OVER (PARTITION BY anonymous_id, name ORDER BY at, id) AS viewed",
        )
    ),
    scenario="sources",
    moves="pv",
    finding="aggregation",
)

# ---- what is counted ----------------------------------------------------------------------------------------------


class CountedOnce(RewrittenTotals):
    """What was counted at the first reading is never counted anew."""

    _is_counted = False

    def _count(self, connection: sqlite3.Connection) -> None:
        if not self._is_counted:
            super()._count(connection)
        self._is_counted = True


seed(
    "totals-cached",
    "answers every reading from what it counted at the first one",
    counted_by(CountedOnce),
    scenario="deliveries",
    moves="pv uv opens new_users",
    finding="aggregation",
)

seed(
    "counting-behind",
    "always leaves the five newest events for the next count",
    sql(
        (
            "tally",
            "FROM event NOT INDEXED",
            "FROM (SELECT * FROM event WHERE id <= (SELECT max(id) - 5 FROM event)) AS event",
        )
    ),
    scenario="deliveries",
    moves="pv",
    may_move="uv opens",
    finding="aggregation",
)
