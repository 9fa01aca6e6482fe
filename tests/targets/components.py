"""nginx and PostgreSQL as a user would have them: started by a test on free loopback ports, and ended with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench.machine import find_nginx
from tests.bench.processes import running, wait_for
from tests.e2e.commands import ROOT

TARGETS = ROOT / "scenarios" / "targets"
_START_SECONDS = 30.0
_PIXEL = "location = /cbe/__utm {"
BROKEN = "rewrite ^ $where last;"  # the one line that loses events
# One request in a hundred goes where nothing is logged as an event; it is answered like the others.
_ELSEWHERE = """
split_clients "$request_id" $where { 1% /elsewhere; * /counted; }
"""


def _find_postgresql() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps initdb where only its own scripts look."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    on_path = shutil.which("initdb")
    found += [Path(on_path).parent] if on_path else []
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


needs_nginx = pytest.mark.skipif(find_nginx() is None, reason="nginx is not installed (Debian: nginx-light)")
needs_postgresql = pytest.mark.skipif(
    _find_postgresql() is None, reason="PostgreSQL is not installed (Debian: postgresql)"
)


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx with a pixel."""

    url: str
    log: Path  # of events
    elsewhere: Path  # log of what was answered and is no event, where it is broken


@contextmanager
def nginx(folder: Path, *, broken: bool = False) -> Iterator[Nginx]:
    """nginx with the configuration that scenarios/targets/ has, on a free port.

    Args:
        broken: one request in a hundred is answered elsewhere.
    """
    program = find_nginx()
    assert program is not None
    folder.mkdir(parents=True)
    port = free_port()
    log, elsewhere = folder / "events.log", folder / "elsewhere.log"
    server = (TARGETS / "nginx_log.conf").read_text(encoding="utf-8")
    server = server.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("/var/log/nginx/events.log", str(log))
    if broken:
        there = f"location = /elsewhere {{ internal; access_log {elsewhere} mpsim; empty_gif; }}"
        counted = (
            server[server.index(_PIXEL) :].partition("}")[0].replace(_PIXEL, "location = /counted { internal;") + "}"
        )
        pixel = server[server.index(_PIXEL) :].partition("}")[0] + "}"
        server = _ELSEWHERE + server.replace(pixel, f"{_PIXEL} {BROKEN} }}\n    {counted}\n    {there}")
    temporary = "\n".join(
        f"{name}_temp_path {folder}/temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; events {{ worker_connections 1024; }}\n"
        f"http {{ {temporary} keepalive_requests 1000000; access_log {folder}/others.log;\n{server}\n}}\n",
        encoding="utf-8",
    )
    command = [program, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with running(command, folder / "nginx.out") as process:
        wait_for(lambda: listens(port), _START_SECONDS, "nginx does not start", process, folder / "error.log")
        yield Nginx(f"http://127.0.0.1:{port}", log, elsewhere)


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A running PostgreSQL with the tables of scenarios/targets/, and whom to be there."""

    port: int
    password: str

    def url(self, user: str = "owner") -> str:
        """SQLAlchemy's URL, without the password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/analytics"

    @property
    def address(self) -> str:
        """libpq's way to connect as the owner."""
        return f"host=127.0.0.1 port={self.port} dbname=analytics user=owner password={self.password}"


@contextmanager
def postgresql(folder: Path) -> Iterator[Postgresql]:
    """PostgreSQL in a folder, on a free port, with a user that owns the tables and one that only reads."""
    programs = _find_postgresql()
    assert programs is not None
    folder.mkdir(parents=True)
    password = "only-a-test-knows-7h1s"
    (folder / "password").write_text(password + "\n", encoding="ascii")
    as_who = _not_root(folder)
    data = folder / "data"
    how = ["-U", "owner", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-N", f"--pwfile={folder / 'password'}"]
    _run([*as_who, programs / "initdb", "-D", data, *how])
    port = free_port()
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    settings |= {"shared_buffers": "16MB", "max_connections": 20, "synchronous_commit": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [*as_who, str(programs / "postgres"), "-D", str(data), *options]
    with running(command, folder / "postgresql.out") as process:
        found = Postgresql(port, password)
        log = folder / "postgresql.out"
        wait_for(lambda: _answers(found), _START_SECONDS, "PostgreSQL does not start", process, log)
        _make_tables(found)
        yield found


def _answers(server: Postgresql) -> bool:
    """Whether it takes connections: it listens before it does."""
    import psycopg

    try:
        psycopg.connect(server.address.replace("dbname=analytics", "dbname=postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_tables(server: Postgresql) -> None:
    import psycopg

    with psycopg.connect(server.address.replace("dbname=analytics", "dbname=postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE analytics")
        connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{server.password}'")
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute((TARGETS / "postgresql.sql").read_bytes())
        connection.execute("GRANT SELECT ON event, visit TO reader")


@contextmanager
def ingest(folder: Path, server: Postgresql) -> Iterator[str]:
    """The small ingest before PostgreSQL; its URL."""
    folder.mkdir(parents=True)
    command = [sys.executable, str(Path(__file__).with_name("small_ingest.py"))]
    with running(
        command, folder / "ingest.out", more_environment={"DATABASE": server.address}, say=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("http://"), (folder / "ingest.out").read_text(encoding="utf-8")
        yield line.strip()


def _not_root(folder: Path) -> list[str]:
    """PostgreSQL will not run as root: as whom it does, and what stands before its commands."""
    if os.geteuid() != 0:
        return []
    user = next((name for name in ("postgres", "nobody") if _is_user(name)), "nobody")
    shutil.chown(folder, user)
    for path in folder.iterdir():
        shutil.chown(path, user)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)  # to be gone through; pytest's folders are its owner's alone
    return ["setpriv", "--reuid", user, "--clear-groups", "--"]


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _run(command: list[object]) -> None:
    ran = subprocess.run([*map(str, command)], cwd="/", capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


# ---- MySQL ----------------------------------------------------------------------------------------------------------


def _find_mariadb() -> Path | None:
    """The server program of MariaDB, which speaks MySQL's protocol."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


needs_mariadb = pytest.mark.skipif(_find_mariadb() is None, reason="MariaDB is not installed (Debian: mariadb-server)")


@dataclass(frozen=True, slots=True)
class Mariadb:
    """A running MariaDB."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """SQLAlchemy's URL, without the password."""
        return f"mysql://reader@127.0.0.1:{self.port}/analytics"


@contextmanager
def mariadb(folder: Path, statements: list[str]) -> Iterator[Mariadb]:
    """MariaDB in a folder, on a free port, with what the statements make in the database analytics."""
    import pymysql

    program = _find_mariadb()
    assert program is not None
    folder.mkdir(parents=True)
    data, base = folder / "data", program.parent.parent
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    how = ["--no-defaults", f"--basedir={base}", f"--datadir={data}", *as_root]
    install = base / "bin" / "mariadb-install-db"
    _run([install, *how, "--auth-root-authentication-method=normal", "--skip-test-db"])
    server = Mariadb(free_port(), "only-a-test-knows-7h1s")
    command = [str(program), *how, f"--port={server.port}", "--bind-address=127.0.0.1", f"--socket={data}/s"]
    command += [f"--plugin-dir={base}/lib/mysql/plugin", f"--pid-file={data}/pid"]
    command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]

    def connected() -> Any:
        try:
            return pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True)
        except pymysql.err.OperationalError:
            return None

    log = folder / "mariadb.out"
    with running(command, log) as process:
        wait_for(lambda: connected() is not None, _START_SECONDS, "MariaDB does not start", process, log)
        connection = connected()
        assert connection is not None
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE analytics CHARACTER SET utf8mb4")
            cursor.execute("USE analytics")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{server.password}'")
            cursor.execute("GRANT SELECT, INSERT ON analytics.* TO reader@'127.0.0.1'")
        yield server
