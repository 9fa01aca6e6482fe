"""How fast a run is verified: `mpsim verify` on the ledger of a run, against totals that nginx's log comes to."""

from __future__ import annotations

from tests.bench.figures import Figure, Row
from tests.bench.generators import sent
from tests.bench.judged import check_passed, run, verify
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import EVENTS, flood

_HOW = (
    "`mpsim verify` from its start to its verdict, which must be pass: every event is planned again, held against the "
    "ledger and counted, and the totals are read. Any core."
)


def verifying(setting: Setting) -> Row:
    """One run, judged several times."""
    events = setting.verified * EVENTS
    title = f"verifying {events:,} events"
    missing = why_not()
    if missing:
        return Row("verify", title, _HOW, unavailable=missing)
    folder = setting.of("verify")
    with sink(folder / "sink", setting.cores, tally=True) as counting:
        setting.say(f"verify: {events:,} events are sent first")
        check_passed(run(folder, flood(setting.verified), counting))
        ledger = sent(folder / "run")
        sending = (ledger.last_ns - ledger.first_ns) / 1e9
        done = []
        for turn in range(setting.rounds):
            setting.say(f"verify: round {turn + 1} of {setting.rounds}")
            done.append(verify(folder, counting))
            check_passed(done[-1])
    figures = (
        Figure("verified", "events/s", tuple(ledger.events / one.seconds for one in done)),
        Figure("seconds to send ÷ seconds to verify", "×", tuple(sending / one.seconds for one in done)),
        Figure("peak of memory", "MiB", tuple(_largest(one.peaks) for one in done)),
    )
    return Row("verify", title, _HOW, figures)


def _largest(peaks: dict[str, float]) -> float:
    """Of mpsim's own processes."""
    return max(peak for name, peak in peaks.items() if "nginx" not in name and name != "counting")
