"""The sink that requests are measured against: nginx with one worker, on free loopback ports, in a temporary folder.

    the measured port   /cbe/__utm answers 43 bytes of a GIF, /v1/… a small JSON text; nothing is logged, unless asked
    the logged port     the same, and every request in `requests.log` with its size: for the bytes on the wire
    the status port     nginx's own count of requests, the witness that nobody who is measured can talk to

What else arrives than events (a baseline is read before each run) goes into `others.log`, so that `events` counts
events alone. With a tally (tally.py) the measured port writes every event into a pipe, and passes questions for totals
on to the process that counts them.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.machine import Cores, find_nginx
from tests.bench.processes import BenchError, python, running, wait_for

GIF_PATH = "/cbe/__utm"
JSON_PATH = "/v1/collector/pushevent"
_START_SECONDS = 15.0
_TRIES = 5  # another process may take a port between its choice and nginx's start
_TALLY_FIELDS = ("event", "date", "externalId", "anonymousId", "source", "contentName", "targetName")
_TALLY_FORMAT = "".join(f"$arg_{name}\\t" for name in _TALLY_FIELDS) + "$status"


@dataclass(slots=True)
class Sink:
    """A running nginx."""

    url: str  # of the measured port: scheme, host and port
    logged_url: str
    certificate: Path | None  # to trust over TLS
    folder: Path
    pid: int  # of nginx's master
    tally_pid: int | None  # of the process that counts, if there is one
    _status: int = 0  # port
    _asked: int = field(default=0, init=False)

    def events(self) -> int:
        """Requests of events answered so far, as nginx counts them."""
        requests, _ = self._look()
        others = self.folder / "others.log"
        return requests - self._asked - (others.read_bytes().count(b"\n") if others.exists() else 0)

    def connections(self) -> int:
        """Connections that are open now, ours for this question aside."""
        return self._look()[1] - 1

    def logged(self) -> list[tuple[int, int, int]]:
        """(bytes of the request, bytes of the reply, status) of each request at the logged port."""
        lines = (self.folder / "requests.log").read_text(encoding="ascii").splitlines()
        return [_sizes(line) for line in lines]

    def _look(self) -> tuple[int, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self._status, timeout=_START_SECONDS)
        try:
            connection.request("GET", "/")
            text = connection.getresponse().read().decode("ascii")
        finally:
            connection.close()
        self._asked += 1
        found = re.search(r"Active connections: (\d+)\s+server[^\n]*\n\s*\d+ \d+ (\d+)", text)
        if found is None:
            raise BenchError(f"nginx's status page says {text!r}")
        return int(found[2]), int(found[1])


def _sizes(line: str) -> tuple[int, int, int]:
    """A line of requests.log: nginx throws bodies away unread here, and then counts the head alone."""
    head, body, received, status = line.split(",")
    return int(head) + int(body or 0), int(received), int(status)


def why_not(*, tls: bool = False) -> str:
    """Why there can be no sink here; empty when there can."""
    if find_nginx() is None:
        return "nginx is not installed (Debian: apt-get install nginx-light)"
    if tls and shutil.which("openssl") is None:
        return "openssl is not installed, so there is no certificate for TLS"
    return ""


@contextmanager
def sink(
    folder: Path, cores: Cores, *, tls: bool = False, access_log: bool = False, tally: bool = False
) -> Iterator[Sink]:
    """Run nginx.

    Args:
        folder: an empty one for its files.
        tls: the measured and the logged port speak TLS, with a certificate made now.
        access_log: the measured port writes an ordinary access log as well.
        tally: the measured port answers for totals, counted from what arrived.

    Raises:
        BenchError: it is not installed, or does not start.
    """
    reason = why_not(tls=tls)
    if reason:
        raise BenchError(reason)
    folder.mkdir(parents=True, exist_ok=True)
    certificate = _make_certificate(folder) if tls else None
    with ExitStack() as stack:
        counting: tuple[int, int] | None = stack.enter_context(_tally(folder, cores)) if tally else None
        for attempt in range(_TRIES):
            ports = _free_ports(3)
            try:
                process = stack.enter_context(_nginx(folder, cores, ports, certificate, access_log, counting))
            except BenchError:
                if attempt + 1 == _TRIES:
                    raise
            else:
                break
        scheme = "https" if tls else "http"
        measured, logged, status = ports
        yield Sink(
            f"{scheme}://127.0.0.1:{measured}",
            f"{scheme}://127.0.0.1:{logged}",
            certificate,
            folder,
            process.pid,
            counting[1] if counting else None,
            status,
        )


@contextmanager
def _nginx(
    folder: Path,
    cores: Cores,
    ports: tuple[int, int, int],
    certificate: Path | None,
    access_log: bool,
    counting: tuple[int, int] | None,
) -> Iterator[subprocess.Popen[bytes]]:
    configuration, log = folder / "nginx.conf", folder / "nginx.out"
    configuration.write_text(_configuration(folder, ports, certificate, access_log, counting), encoding="utf-8")
    nginx = find_nginx()
    assert nginx is not None
    command = [nginx, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with running(command, log, core=cores.sink) as process:
        wait_for(lambda: _listens(ports[2]), _START_SECONDS, "nginx does not start", process, folder / "error.log")
        yield process


@contextmanager
def _tally(folder: Path, cores: Cores) -> Iterator[tuple[int, int]]:
    """The counting process; gives (port, process id). It opens the pipe before nginx does."""
    log, pipe = folder / "tally.out", folder / "events.pipe"
    os.mkfifo(pipe)
    command = python("-m", "tests.bench.tally", pipe, folder)
    with running(command, log, core=cores.sink, say=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        if not line.startswith("listening on "):
            raise BenchError(f"the counting process does not start: {log.read_text(encoding='utf-8')}")
        yield int(line.rpartition(":")[2]), process.pid


def _configuration(
    folder: Path,
    ports: tuple[int, int, int],
    certificate: Path | None,
    access_log: bool,
    counting: tuple[int, int] | None,
) -> str:
    measured, logged, status = ports
    secure = ""
    if certificate is not None:
        secure = f"ssl_certificate {certificate}; ssl_certificate_key {certificate.with_name('key.pem')};"
    ssl_word = " ssl" if certificate is not None else ""
    log = "access_log off;"
    if counting is not None:
        log = f"access_log {folder}/events.pipe tally buffer=64k flush=1s;"
    elif access_log:
        log = f"access_log {folder}/access.log combined buffer=64k flush=1s;"
    totals = f"location /monitor/ {{ proxy_pass http://127.0.0.1:{counting[0]}; }}" if counting is not None else ""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"  {name}_temp_path {folder}/temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    answers = f"""
    location = {GIF_PATH} {{ EVENTS empty_gif; }}
    location = {JSON_PATH} {{ EVENTS default_type application/json; return 200 '{{"success": true}}'; }}"""
    return f"""\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
{temporary}
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_buffer_size 64k;
  proxy_read_timeout 10m;
  log_format tally escape=none '{_TALLY_FORMAT}';
  log_format size escape=none '$request_length,$content_length,$bytes_sent,$status';
  access_log {folder}/others.log;
  {secure}
  server {{
    listen 127.0.0.1:{measured}{ssl_word} backlog=4096;
    {answers.replace("EVENTS", log)}
    {totals}
    location / {{ return 404; }}
  }}
  server {{
    listen 127.0.0.1:{logged}{ssl_word} backlog=4096;
    {answers.replace("EVENTS", f"access_log {folder}/requests.log size;")}
    location / {{ return 404; }}
  }}
  server {{
    listen 127.0.0.1:{status};
    access_log off;
    location = / {{ stub_status; }}
  }}
}}
"""


def _make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, valid for two days."""
    certificate = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(certificate)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise BenchError(f"openssl makes no certificate: {ran.stderr.strip()}")
    ssl.create_default_context(cafile=str(certificate))  # what clients will do with it, said now if it is unusable
    return certificate


def _free_ports(count: int) -> tuple[int, int, int]:
    """Ports that nobody has now; nginx cannot choose one itself and say which."""
    assert count == 3
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    first, second, third = (one.getsockname()[1] for one in held)
    for one in held:
        one.close()
    return first, second, third


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
