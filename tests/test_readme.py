"""The README is true: every command in it is run here, its scenario passes, and what it lists is what there is."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.cli.main import COMMANDS
from simulator.finding import ExitCode
from simulator.scenario.contracts import read_contract_text
from simulator.wire.registry import adapter_names
from tests.e2e.commands import ROOT, collector, environment, mpsim, result_of

README = (ROOT / "README.md").read_text(encoding="utf-8")

# How each command of the README is tested; a new one fails until it is in one of these.
BY_CI = {
    "pip install -e . && mpsim run scenarios/campaign_day.yaml",  # .ci/run installs; the run itself is below
    'pip install -e ".[dev]" && python -m tests',  # is what is running now
}
PLAIN = {
    "mpsim run scenarios/campaign_day.yaml",
    "mpsim check scenarios/first_open.yaml",
    "mpsim plan scenarios/first_open.yaml",
    "mpsim run scenarios/first_open.yaml --seed 7 --out reports/ci",
    "mpsim report reports/ci",
    "mpsim inspect scenarios/apps/shop --journeys scenarios/campaign_day.yaml",
    "mpsim run scenarios/first_open.yaml --seed 7 --out reports/next --baseline reports/ci",
}
IN_PYTEST = {"pytest scenarios --mpsim-speed flood"}  # tests/pytest_plugin/test_plugin.py
WITH_A_COLLECTOR = {
    "mpsim run scenarios/first_open.yaml --target http://127.0.0.1:8000",
    "mpsim conform --target http://127.0.0.1:8000 --out reports/conform",
}
UNDER_LOCUST = {
    "locust -f simulator/load/locustfile.py --scenario scenarios/first_open.yaml -H http://127.0.0.1:8000 "
    "--web-host 127.0.0.1",  # tests/load/test_locust.py starts it by its page
    "locust -f simulator/load/locustfile.py --scenario scenarios/first_open.yaml -H http://127.0.0.1:8000 "
    "--headless --out reports/own",
    "mpsim verify reports/own",
}
SERVING = {"mpsim serve --port 8000 --db mpsim.db"}
LISTENING = {"mpsim inspect --listen"}
ON_TWO_CORES = {"mpsim run scenarios/returning_visitors.yaml --workers 2"}  # tests/e2e/test_spread.py
MASTER = (
    "mpsim run scenarios/returning_visitors.yaml --target http://10.0.0.9:8000 --allow-host 10.0.0.9 "
    "--workers 2 --listen 10.0.0.1"
)
WORKER = "python -m simulator.load --worker --master-host 10.0.0.1"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_every_command_is_tested() -> None:
    assert set(commands()) == BY_CI | (
        PLAIN - {"mpsim run scenarios/campaign_day.yaml"}
    ) | WITH_A_COLLECTOR | SERVING | LISTENING | ON_TWO_CORES | UNDER_LOCUST | IN_PYTEST | {MASTER, WORKER}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the commands name, so that nothing is written into the repository."""
    for name in ("scenarios", "simulator"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
def test_the_plain_commands_run_in_their_order(checkout: Path) -> None:
    for line in [*sorted(PLAIN - set(commands())), *(line for line in commands() if line in PLAIN)]:
        ran = mpsim(*line.split()[1:], cwd=checkout)

        assert ran.code == 0, f"{line}: {ran}"


@pytest.mark.slow
def test_the_commands_with_a_target_run(checkout: Path) -> None:
    for line in WITH_A_COLLECTOR:
        with collector(checkout / "mpsim.db") as url:
            ran = mpsim(*line.replace("http://127.0.0.1:8000", url).split()[1:], cwd=checkout)

            assert ran.code == 0, f"{line}: {ran}"


@pytest.mark.slow
def test_a_run_under_locusts_own_face_is_verified_afterwards_and_its_result_says_how_to_have_it_again(
    checkout: Path,
) -> None:
    with collector(checkout / "mpsim.db") as url:
        for line in (line for line in commands() if line in UNDER_LOCUST and "--web-host" not in line):
            program, *arguments = line.replace("http://127.0.0.1:8000", url).split()
            module = {"locust": "locust", "mpsim": "simulator"}[program]
            ran = _module(module, *arguments, cwd=checkout)
            assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"

        python, _, module, *arguments = shlex.split(result_of(checkout / "reports" / "own")["command"])
        again = _module(module, *arguments, cwd=checkout)
        assert (python, again.returncode) == ("python", 0), again.stderr
        assert "mpsim verify reports/first_open-" in again.stdout


def _module(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    env = environment()
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_master_and_workers_on_machines_of_their_own_run(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    worker = WORKER.replace("10.0.0.1", f"127.0.0.1 --master-port {port} --ledger-dir {checkout / 'kept'}")
    with collector(checkout / "mpsim.db") as url, ExitStack() as running:
        workers = [
            running.enter_context(subprocess.Popen([sys.executable, *worker.split()[1:]], cwd=ROOT, env=environment()))
            for _ in range(2)
        ]
        line = MASTER.replace("http://10.0.0.9:8000", url).replace("10.0.0.1", f"127.0.0.1:{port}")
        ran = mpsim(*line.split()[1:], "--visitors", 100, cwd=checkout)

        assert ran.code == 0, ran
        assert [one.wait(60) for one in workers] == [0, 0]


@pytest.mark.slow
def test_the_serving_command_serves_until_ctrl_c(checkout: Path) -> None:
    for line in SERVING:
        arguments = line.replace("8000", "0").split()[1:]
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *arguments],
            cwd=checkout,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 0
        process.stdout.close()


@pytest.mark.slow
def test_the_listening_command_listens_until_ctrl_c(checkout: Path) -> None:
    for line in LISTENING:
        command = [sys.executable, "-m", "simulator", *line.split()[1:], "127.0.0.1:0"]
        process = subprocess.Popen(command, cwd=checkout, env=environment(), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == ExitCode.INCOMPLETE  # nothing came
        process.stdout.close()


@pytest.mark.slow
def test_the_scenario_of_the_readme_passes(tmp_path: Path) -> None:
    scenario, _ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my_first.yaml").write_text(scenario, encoding="utf-8")

    assert mpsim("run", tmp_path / "my_first.yaml", "--out", tmp_path / "run").code == 0


def test_the_contract_of_the_readme_is_one() -> None:
    _, contract = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

    assert read_contract_text(contract, "ours.yaml").name == "ours"


def test_the_table_of_commands_is_complete() -> None:
    assert re.findall(r"^\| `mpsim (\w+)` \|", README, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", adapter_names())
def test_every_adapter_is_named(name: str) -> None:
    assert f"`{name}`" in README or f"--adapter {name}" in README
