"""How fast visitors are planned, and planned and encoded: `python -m tests.bench.planning FILE SECONDS` prints both.

The same two functions serve the load, `mpsim plan` and the verification. Planning alone, and planning with encoding,
take turns over stretches of blocks in one process, on one core.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.journey.plan import Plan, visits_of_block
from simulator.traffic.making import Wanted, draft
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from tests.bench.figures import Figure, Row, ratios
from tests.bench.processes import BenchError, last_words, python, running, wait_end
from tests.bench.setting import Setting
from tests.bench.sink import GIF_PATH
from tests.bench.visits import EVENTS, NAMESPACE, flood

_TITLE = "planning and encoding"
_HOW = (
    "One process, events per second of its processor time; events of the DM Hub GET, of visits of ten events each. "
    "Nothing is sent."
)
_STRETCH_VISITORS = 500
_MOST_SECONDS = 600.0


def planning(setting: Setting) -> Row:
    """A process of its own for every round."""
    folder = setting.of("planning")
    scenario = folder / "scenario.yaml"
    scenario.write_text(flood(setting.planned), encoding="utf-8")
    plan, encode = [], []
    for turn in range(setting.rounds):
        setting.say(f"planning: round {turn + 1} of {setting.rounds}")
        log = folder / "planning.out"
        log.unlink(missing_ok=True)
        with running(python("-m", "tests.bench.planning", scenario), log, core=setting.cores.generator) as process:
            if code := wait_end(process, _MOST_SECONDS, "planning", log):
                raise BenchError(f"planning ended with {code}: {last_words(log)}")
        rates = json.loads(log.read_text(encoding="utf-8"))
        plan.append(rates["plan"])
        encode.append(rates["encode"])
    figures = (
        Figure("planned", "events/s", tuple(plan)),
        Figure("planned and encoded", "events/s", tuple(encode)),
        Figure("planned ÷ planned and encoded", "×", ratios(plan, encode)),
    )
    return Row("planning", _TITLE, _HOW, figures)


def main() -> int:
    """Time both over the blocks of one scenario, in turns."""
    wanted = Wanted(Path(sys.argv[1]), target="http://127.0.0.1:1", path=GIF_PATH, namespace=NAMESPACE)
    drafted = draft(wanted)
    plan = drafted.plan
    adapter = adapter_of(wanted.adapter, wanted.path, plan.scenario, NAMESPACE, drafted.options)
    work: dict[str, Callable[[int], object]] = {
        "plan": lambda block: visits_of_block(plan, block),
        "encode": lambda block: requests_of_block(plan, adapter, block),
    }
    stretches = _stretches(plan)
    for do in work.values():
        for block in stretches[0]:
            do(block)  # what is worked out once and kept costs nothing afterwards
    seconds = dict.fromkeys(work, 0.0)
    blocks = 0
    for stretch in stretches[1:] or stretches:
        blocks += len(stretch)
        for name, do in work.items():
            began = time.process_time()
            for block in stretch:
                do(block)
            seconds[name] += time.process_time() - began
    events = blocks * plan.block * EVENTS
    print(json.dumps({name: events / seconds[name] for name in work}))
    return 0


def _stretches(plan: Plan) -> list[Sequence[int]]:
    """Whole blocks, a stretch at a time; the last block may be short, and is left out where there are others."""
    whole = list(plan.blocks)[: plan.count // plan.block]
    size = max(1, min(_STRETCH_VISITORS // plan.block, len(whole) // 2))
    return [whole[start : start + size] for start in range(0, len(whole), size)]


if __name__ == "__main__":
    sys.exit(main())
