"""The load generators that are measured: mpsim's full path, Locust's FastHttpUser, wrk, hey and Tsung.

All have 64 keep-alive connections to the same sink and send requests of the same length with the same headers. What
they do beside sending differs, and only mpsim's is all of it: it plans each visitor, encodes each event, writes intent
and outcome into the ledger, and keeps Locust's statistics. FastHttpUser repeats a thousand visitors' requests, each of
which it encodes from its fields as a task does, or sends as it was encoded before; wrk, hey and Tsung repeat one.

mpsim's rate is counted in its ledger, over all of the run from the first request to the last reply. The others are
counted by nginx, between two instants in the middle.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from simulator.ledger.read import read_ledger
from simulator.wire.request import Outcome, Purpose
from tests.bench.machine import Cores
from tests.bench.processes import (
    BenchError,
    ProcessorWatch,
    environment,
    last_words,
    processor_seconds,
    python,
    running,
    wait_end,
    wait_for,
)
from tests.bench.sink import GIF_PATH, JSON_PATH, Sink
from tests.bench.visits import NAMESPACE, Traffic, flood
from tests.e2e.commands import ROOT

CONNECTIONS = 64
_LOCUSTFILE = ROOT / "simulator" / "load" / "locustfile.py"
_JSON_LOCUSTFILE = ROOT / "tests" / "bench" / "json_locustfile.py"
_FAST_HTTP = ROOT / "tests" / "bench" / "fast_http.py"
_BOOT_SECONDS = 120.0
_WARM = 3 * CONNECTIONS  # requests before a measurement begins
_END_SECONDS = 1_800.0  # for a run of mpsim, at most


@dataclass(frozen=True, slots=True)
class Sample:
    """One generator, measured once."""

    rate: float  # requests per second
    processor_us: float  # processor time of the generator per request, microseconds
    generator_busy: float  # part of a core that the generator used
    sink_busy: float  # and the sink
    connections: int  # open at the sink meanwhile; 0: not looked at


@dataclass(frozen=True, slots=True)
class Sent:
    """What the ledgers of a run say of its judged load."""

    events: int
    acked: int
    first_ns: int
    last_ns: int
    attempts: int  # setup and lookups included

    @property
    def rate(self) -> float:
        """Events per second, from the first request to the last reply."""
        return self.events * 1e9 / (self.last_ns - self.first_ns)


def sent(folder: Path) -> Sent:
    """Count a run's ledgers.

    Raises:
        BenchError: an attempt was not acked, or there are none.
    """
    events = acked = last = attempts = 0
    first = 1 << 63
    for attempt in read_ledger(folder):
        attempts += 1
        if attempt.purpose is Purpose.EVENT:
            events += 1
            acked += attempt.outcome is Outcome.ACKED
            first, last = min(first, attempt.sent_ns), max(last, attempt.done_ns)
    if not events or acked != events:
        raise BenchError(f"{acked} of {events} events were acked; a figure of such a run means nothing")
    return Sent(events, acked, first, last, attempts)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and against what a generator is measured."""

    folder: Path  # below it each measurement has a folder of its own
    sink: Sink
    traffic: Traffic
    cores: Cores
    seconds: float  # that a measurement lasts

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / f"{name}-{sum(1 for _ in self.folder.glob(f'{name}-*'))}"
        folder.mkdir(parents=True)
        return folder

    @property
    def trusting(self) -> dict[str, str]:
        """What makes a process trust the sink's certificate, where it has one."""
        return {"SSL_CERT_FILE": str(self.sink.certificate)} if self.sink.certificate else {}


# ---- mpsim ----


def mpsim_command(scenario: Path, url: str, out: Path, *, posts_json: bool = False) -> list[str]:
    """Locust's own face of mpsim: the drive of `mpsim run`, the whole of it, and no verdict."""
    locustfile, path = (_JSON_LOCUSTFILE, JSON_PATH) if posts_json else (_LOCUSTFILE, GIF_PATH)
    command = python("-m", "locust", "-f", locustfile, "--headless", "-u", 1, "-r", 1, "--only-summary")
    command += ["--loglevel", "WARNING", "--scenario", str(scenario), "-H", url, "--path", path]
    return [*command, "--namespace", NAMESPACE, "--out", str(out)]


def send_flood(bench: Bench, visitors: int, url: str = "") -> tuple[Sent, ProcessorWatch, ProcessorWatch]:
    """Send a flood of so many visitors; what the ledger says of it, and the watches over generator and sink."""
    folder = bench.fresh("mpsim")
    scenario, out, log = folder / "scenario.yaml", folder / "run", folder / "locust.out"
    scenario.write_text(flood(visitors), encoding="utf-8")
    command = mpsim_command(scenario, url or bench.sink.url, out, posts_json=bench.traffic.method == "POST")
    with (
        running(command, log, core=bench.cores.generator, more_environment=bench.trusting) as process,
        ProcessorWatch(process.pid) as generator,
        ProcessorWatch(bench.sink.pid) as sink,
    ):
        if code := wait_end(process, _END_SECONDS, "mpsim", log):
            raise BenchError(f"mpsim ended with {code}: {last_words(log)}")
    return sent(out), generator, sink


def measure_mpsim(bench: Bench, visitors: int) -> Sample:
    """The full path, counted in the ledger, and held against what nginx counted.

    Raises:
        BenchError: nginx answered more or fewer events than the ledger has attempts.
    """
    before = bench.sink.events()
    ledger, generator, sink = send_flood(bench, visitors)
    arrived = bench.sink.events() - before
    if arrived != ledger.attempts:
        raise BenchError(f"the ledger has {ledger.attempts} attempts, and {arrived} events arrived at nginx")
    length = (ledger.last_ns - ledger.first_ns) / 1e9
    used = generator.between(ledger.first_ns, ledger.last_ns)
    return Sample(
        rate=ledger.rate,
        processor_us=used * 1e6 / ledger.events,
        generator_busy=used / length,
        sink_busy=sink.between(ledger.first_ns, ledger.last_ns) / length,
        connections=0,
    )


# ---- those that repeat ----


@dataclass(frozen=True, slots=True)
class Command:
    """How a generator is started."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)  # beside ours
    afterwards: list[str] = field(default_factory=list)  # a command that ends what the generator leaves behind


@dataclass(frozen=True, slots=True)
class Repeater:
    """A generator that sends prepared requests until it is ended."""

    name: str
    program: str  # that must be installed; empty: comes with mpsim
    command: Callable[[Bench, Path, str], Command]  # of the bench, a folder for its files and the sink's URL
    methods: tuple[str, ...] = ("GET", "POST")
    tls: bool = True

    def why_not(self, bench: Bench) -> str:
        """Why it cannot be measured here; empty when it can."""
        if bench.traffic.method not in self.methods:
            return f"{self.name}: not set up for {bench.traffic.method}"
        if bench.sink.certificate is not None and not self.tls:
            return f"{self.name}: not set up for TLS"
        if self.program and shutil.which(self.program) is None:
            return f"{self.name}: not installed"
        return ""


@contextmanager
def _repeating(bench: Bench, repeater: Repeater, url: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    folder = bench.fresh(repeater.name)
    command = repeater.command(bench, folder, url)
    log = folder / "generator.out"
    try:
        with running(command.words, log, core=bench.cores.generator, more_environment=command.environment) as process:
            yield process, log
    finally:
        if command.afterwards:
            surroundings = environment(folder, command.environment)
            subprocess.run(command.afterwards, env=surroundings, capture_output=True, check=False)


def measure_repeater(bench: Bench, repeater: Repeater) -> Sample:
    """Its rate as nginx counts it between two instants, once it is warm."""
    sink, before = bench.sink, bench.sink.events()
    with _repeating(bench, repeater, sink.url) as (process, log):
        wait_for(lambda: sink.events() - before > _WARM, _BOOT_SECONDS, f"{repeater.name} sends nothing", process, log)
        began, events = time.monotonic(), sink.events()
        used, sink_used = processor_seconds(process.pid), processor_seconds(sink.pid)
        time.sleep(bench.seconds)
        # A short measurement on a busy machine may have to be longer to have anything to divide by.
        what = f"{repeater.name} has stopped sending"
        wait_for(lambda: sink.events() - events >= CONNECTIONS, _BOOT_SECONDS, what, process, log)
        events = sink.events() - events
        length = time.monotonic() - began
        used, sink_used = processor_seconds(process.pid) - used, processor_seconds(sink.pid) - sink_used
        connections = sink.connections()
        if process.poll() is not None:
            raise BenchError(f"{repeater.name} ended in mid-run with {process.returncode}: {last_words(log)}")
    return Sample(events / length, used * 1e6 / events, used / length, sink_used / length, connections)


@dataclass(frozen=True, slots=True)
class Bytes:
    """What goes over the wire for one request, on average, without TCP and TLS."""

    request: float
    reply: float


def bytes_of_mpsim(bench: Bench, visitors: int) -> tuple[Bytes, float]:
    """The bytes of mpsim's requests, and the rate of this short run."""
    before = len(bench.sink.logged())
    ledger, _, _ = send_flood(bench, visitors, bench.sink.logged_url)
    return _bytes(bench.sink.logged()[before:], "mpsim"), ledger.rate


def bytes_of_repeater(bench: Bench, repeater: Repeater) -> Bytes:
    """The bytes of its requests."""
    sink, before = bench.sink, len(bench.sink.logged())
    with _repeating(bench, repeater, sink.logged_url) as (process, log):
        # All of the requests once, where they differ: an average over some would be another one.
        several = repeater in (FAST_HTTP_USER, FAST_HTTP_USER_PREPARED)
        enough = before + (len(bench.traffic.requests) if several else _WARM)
        what = f"{repeater.name} sends nothing"
        wait_for(lambda: len(sink.logged()) >= enough, _BOOT_SECONDS, what, process, log)
    return _bytes(sink.logged()[before:], repeater.name)


def _bytes(logged: list[tuple[int, int, int]], who: str) -> Bytes:
    others = {status for _, _, status in logged if status != 200}
    if others:
        raise BenchError(f"{who}: nginx answered with {sorted(others)}; a figure of such requests means nothing")
    count = len(logged)
    return Bytes(sum(sent for sent, _, _ in logged) / count, sum(received for _, received, _ in logged) / count)


def _fast_http_user(bench: Bench, folder: Path, url: str) -> Command:
    requests = folder / "requests.jsonl"
    bench.traffic.write(requests)
    command = python("-m", "locust", "-f", _FAST_HTTP, "--headless", "-H", url, "--only-summary")
    command += ["-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "--loglevel", "WARNING"]
    return Command(command, {"BENCH_REQUESTS": str(requests)})


def _fast_http_user_prepared(bench: Bench, folder: Path, url: str) -> Command:
    plain = _fast_http_user(bench, folder, url)
    return Command(plain.words, {**plain.environment, "BENCH_PREPARED": "1"})


def _wrk(bench: Bench, folder: Path, url: str) -> Command:
    usual = bench.traffic.usual
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "1h", "--timeout", "60s"]
    if usual.body:
        (folder / "body").write_bytes(usual.body)
        script = f'wrk.method = "{usual.method}"\nwrk.body = io.open([[{folder / "body"}]]):read("*a")\n'
        (folder / "post.lua").write_text(script, encoding="utf-8")
        command += ["-s", str(folder / "post.lua")]
    for name, value in usual.headers:
        command += ["-H", f"{name}: {value}"]
    return Command([*command, f"{url}{usual.target}"])


def _hey(bench: Bench, folder: Path, url: str) -> Command:
    usual = bench.traffic.usual
    command = ["hey", "-z", "1h", "-c", str(CONNECTIONS), "-disable-compression", "-m", usual.method]
    if usual.body:
        (folder / "body").write_bytes(usual.body)
        command += ["-D", str(folder / "body")]
    for name, value in usual.headers:
        if name.lower() == "content-type":
            command += ["-T", value]
        else:
            # It always says its own name; ours travels beside it, so that as many bytes do.
            command += ["-H", f"{'X-Agent' if name == 'User-Agent' else name}: {value}"]
    return Command([*command, f"{url}{usual.target}"])


def _tsung(bench: Bench, folder: Path, url: str) -> Command:
    usual = bench.traffic.usual
    headers = dict(usual.headers)
    agent = headers.pop("User-Agent", "mpsim")
    lines = "".join(
        f"<http_header name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in headers.items()
    )
    configuration = f"""\
<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="critical" version="1.0">
  <clients><client host="localhost" use_controller_vm="true" maxusers="1000"/></clients>
  <servers><server host="127.0.0.1" port="{url.rpartition(":")[2]}" type="tcp"/></servers>
  <load><arrivalphase phase="1" duration="1" unit="hour">
    <users maxnumber="{CONNECTIONS}" arrivalrate="{10 * CONNECTIONS}" unit="second"/>
  </arrivalphase></load>
  <options><option type="ts_http" name="user_agent">
    <user_agent probability="100">{escape(agent)}</user_agent>
  </option></options>
  <sessions><session name="events" probability="100" type="ts_http">
    <for from="1" to="1000000000" var="i"><request>
      <http url={quoteattr(usual.target)} method="GET" version="1.1">{lines}</http>
    </request></for>
  </session></sessions>
</tsung>
"""
    (folder / "tsung.xml").write_text(configuration, encoding="utf-8")
    (folder / ".tsung").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = {"ERL_EPMD_PORT": str(port), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    command = ["tsung", "-n", "-f", str(folder / "tsung.xml"), "-l", str(folder / "log"), "start"]
    # Erlang's name server outlives Tsung, so it has a port of its own here and is ended by that.
    return Command(command, names, ["epmd", "-kill"])


FAST_HTTP_USER = Repeater("FastHttpUser", "", _fast_http_user)
FAST_HTTP_USER_PREPARED = Repeater("FastHttpUser (prepared)", "", _fast_http_user_prepared)
REPEATERS = (
    FAST_HTTP_USER,
    FAST_HTTP_USER_PREPARED,
    Repeater("wrk", "wrk", _wrk),
    Repeater("hey", "hey", _hey),
    Repeater("Tsung", "tsung", _tsung, methods=("GET",), tls=False),
)
