"""How many requests a second one core sends: mpsim's full path beside other generators, in the same minutes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.bench.figures import Figure, Row, ratios
from tests.bench.generators import (
    CONNECTIONS,
    FAST_HTTP_USER,
    REPEATERS,
    Bench,
    Bytes,
    Repeater,
    Sample,
    bytes_of_mpsim,
    bytes_of_repeater,
    measure_mpsim,
    measure_repeater,
)
from tests.bench.processes import BenchError
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import EVENTS, traffic

MPSIM = "mpsim, the full path"
RATE, PROCESSOR, BYTES, RATIO = "requests/s", "CPU a request", "bytes sent", "mpsim ÷ it"
_AIMS = {("get", FAST_HTTP_USER.name): "at least 5 ×, better 8 ×"}
_HIGH = 0.95  # of a core: who uses more is what limits the rate
_LOW = 0.85  # of a core: a generator that got less did not have it for itself
_HOW = (
    f"nginx on one core, the generator on another, {CONNECTIONS} keep-alive connections; the generators take turns. "
    "mpsim plans, encodes, sends, keeps its ledger and Locust's statistics, and is counted in its ledger; each of the "
    "others sends requests that were planned before, and is counted by nginx. FastHttpUser encodes each in its task "
    "or, prepared, does nothing but send."
)


@dataclass(slots=True)
class _Measured:
    """A generator's samples so far."""

    name: str
    size: Bytes
    samples: list[Sample] = field(default_factory=list)


def get(setting: Setting) -> Row:
    """DM Hub's own GET."""
    return _row(setting, "get", "GET")


def post(setting: Setting) -> Row:
    """The same events as JSON by POST."""
    return _row(setting, "post", "POST, JSON", posts_json=True)


def tls(setting: Setting) -> Row:
    """The same GET over TLS."""
    return _row(setting, "tls", "GET, TLS", over_tls=True)


def _row(setting: Setting, name: str, title: str, *, posts_json: bool = False, over_tls: bool = False) -> Row:
    missing = why_not(tls=over_tls)
    if missing:
        return Row(name, title, _HOW, unavailable=missing)
    folder = setting.of(name)
    with sink(folder / "sink", setting.cores, tls=over_tls, access_log=setting.access_log) as running:
        bench = Bench(folder, running, traffic(folder, posts_json=posts_json), setting.cores, setting.seconds)
        return _measure(setting, bench, name, title)


def _measure(setting: Setting, bench: Bench, name: str, title: str) -> Row:
    size, rate = bytes_of_mpsim(bench, setting.warm_up)
    visitors = max(20, int(rate * setting.seconds / EVENTS))
    ours = _Measured(MPSIM, size)
    notes: list[str] = []
    others: list[tuple[Repeater, _Measured]] = []
    for repeater in REPEATERS:
        try:
            missing = repeater.why_not(bench)
            if missing:
                notes.append(missing)
            else:
                others.append((repeater, _Measured(repeater.name, bytes_of_repeater(bench, repeater))))
        except BenchError as wrong:
            notes.append(f"{repeater.name}: {wrong}")
    for turn in range(setting.rounds):
        setting.say(f"{name}: round {turn + 1} of {setting.rounds}")
        ours.samples.append(measure_mpsim(bench, visitors))
        for repeater, measured in others:
            measured.samples.append(measure_repeater(bench, repeater))
    figures = [*_figures(ours)]
    for _, measured in others:
        figures += [*_figures(measured), _ratio(ours, measured, _AIMS.get((name, measured.name), ""))]
    notes += _notes([ours, *(measured for _, measured in others)])
    return Row(name, title, _HOW, tuple(figures), tuple(notes))


def _figures(measured: _Measured) -> list[Figure]:
    samples = measured.samples
    return [
        Figure(RATE, "", tuple(one.rate for one in samples), measured.name),
        Figure(PROCESSOR, "µs", tuple(one.processor_us for one in samples), measured.name),
        Figure(BYTES, "", (measured.size.request,), measured.name),
        Figure("generator's core", "", tuple(one.generator_busy for one in samples), measured.name),
        Figure("sink's core", "", tuple(one.sink_busy for one in samples), measured.name),
    ]


def _ratio(ours: _Measured, theirs: _Measured, aim: str) -> Figure:
    samples = ratios([one.rate for one in ours.samples], [one.rate for one in theirs.samples])
    return Figure(RATIO, "×", samples, theirs.name, aim)


def _notes(measured: list[_Measured]) -> list[str]:
    """What to know before believing a figure."""
    limited = [one.name for one in measured if max(sample.sink_busy for sample in one.samples) > _HIGH]
    robbed = [one.name for one in measured if min(sample.generator_busy for sample in one.samples) < _LOW]
    robbed = [name for name in robbed if name not in limited]
    notes = []
    if limited:
        notes.append(f"nginx's core was the limit for {', '.join(limited)}")
    if robbed:
        whom = "everybody" if len(robbed) == len(measured) else ", ".join(robbed)
        notes.append(f"the machine was busy with something else; under {_LOW:.0%} of a core in some round: {whom}")
    return notes
