"""Every wire format before an honest nginx whose log is the list of events: everything is right, and said to be so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.wire.registry import adapter_names
from tests.bench.machine import find_nginx
from tests.bench.processes import running, wait_for
from tests.e2e.commands import SCENARIOS, mpsim, result_of
from tests.targets.components import free_port, listens, needs_nginx

pytestmark = [pytest.mark.slow, needs_nginx]

FORMAT = '$msec $status "$request" "$request_body" "$http_content_encoding"'
OWN = {
    "generic": {
        "name": "generic",
        "batch": 5,
        "event": {"n": "{event}", "i": "{id}", "t": "{ms}", "o": "{identity.applet-wechat?}", "u": "{address}"},
        "body": {"json": {"d": "{device}", "events": "{events}"}},
    }
}
ADAPTERS = adapter_names()
# Wires that carry no id: the totals are all that can be judged,
NOT_COMPARED = {
    "aladdin": "the wire carries no id",
    "dmhub-2018": "the wire carries no id",
    "matomo": "the wire carries no id",
    "ga4": "the wire carries no id",
}
NOT_KNOWN = ("dmhub-2018",)  # and where it carries no time either, few of these


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, Path]]]:
    """One nginx: for each format a server with a log of its own."""
    program = find_nginx()
    assert program is not None
    folder = tmp_path_factory.mktemp("nginx")
    ports = [free_port() for _ in range(len(ADAPTERS) + 1)]
    behind = ports.pop()
    found = {
        name: (f"http://127.0.0.1:{port}", folder / f"{name}.log") for name, port in zip(ADAPTERS, ports, strict=True)
    }
    # A body stands in the log only where nginx has read it, as it does for whoever is behind it.
    servers = "\n".join(
        f"server {{ listen {url.removeprefix('http://')}; access_log {log} mpsim; "
        f"location / {{ proxy_pass http://127.0.0.1:{behind}; }} }}"
        for url, log in found.values()
    )
    temporary = "\n".join(
        f"{name}_temp_path {folder}/temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; events {{ worker_connections 1024; }}\n"
        f"http {{ {temporary} client_body_buffer_size 1m; log_format mpsim escape=json '{FORMAT}';\n{servers}\n"
        f'server {{ listen 127.0.0.1:{behind}; access_log off; location / {{ return 200 "{{\\"code\\":0}}"; }} }} }}\n',
        encoding="utf-8",
    )
    command = [program, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with running(command, folder / "nginx.out") as process:
        wait_for(lambda: listens(behind), 30, "nginx does not start", process, folder / "error.log")
        yield found


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_honest_log_passes(name: str, logs: dict[str, tuple[str, Path]], tmp_path: Path) -> None:
    url, log = logs[name]
    file = tmp_path / f"{name}.yaml"
    document = {
        "target": name,
        "url": url,
        "adapter": OWN.get(name, name),
        "settle": {"quiet": "200ms", "deadline": "3s"},
        "totals": "events",
        "events": {"log": {"files": str(log), "format": FORMAT, "escape": "json"}},
    }
    file.write_text(json.dumps(document), encoding="utf-8")

    scenario = SCENARIOS / "returning_visitors.yaml"
    ran = mpsim("run", scenario, "--target", file, "--visitors", 8, "--out", tmp_path / "run", "-q")

    result = result_of(tmp_path / "run")
    assert ran.code == (3 if name in NOT_KNOWN else 0), ran
    assert [one for one in (*result["metrics"], *result["findings"]) if one["verdict"] == "fail"] == []
    compared = [note for note in result["notes"] if "compared" in note]
    if name in NOT_COMPARED:
        assert NOT_COMPARED[name] in compared[0]
    else:
        assert compared == ["Every stored event was compared with the plan."]
