"""The manifest for Kubernetes says what it should, with commands and options that there are."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml

from simulator.cli.run import command
from tests.e2e.commands import ROOT, SCENARIOS, environment

PARTS = [
    part
    for part in yaml.safe_load_all((SCENARIOS / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8"))
    if part is not None
]


def part(kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in PARTS if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return dict(found)


def container(job: str) -> dict[str, Any]:
    (found,) = part("Job", job)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def options() -> dict[str, Any]:
    """What `mpsim run` makes of the master's arguments."""
    master = container("mpsim-master")
    assert master["command"][:2] == ["mpsim", "run"]
    context = command.make_context("run", [*master["command"][2:], *master["args"]])
    return dict(context.params)


def test_there_are_a_master_its_workers_and_a_way_to_it() -> None:
    assert [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in PARTS] == [
        ("v1", "Service", "mpsim-master"),
        ("batch/v1", "Job", "mpsim-master"),
        ("batch/v1", "Job", "mpsim-workers"),
    ]


def test_the_service_leads_to_where_the_master_listens() -> None:
    service = part("Service", "mpsim-master")["spec"]
    (port,) = service["ports"]

    assert service["selector"].items() <= part("Job", "mpsim-master")["spec"]["template"]["metadata"]["labels"].items()
    assert options()["listen"] == str(port["port"]) == str(port["targetPort"])
    assert container("mpsim-master")["ports"] == [{"containerPort": port["targetPort"]}]


def test_the_master_waits_for_as_many_workers_as_there_are() -> None:
    workers = part("Job", "mpsim-workers")["spec"]

    assert options()["workers"] == workers["parallelism"] == workers["completions"]


def test_the_scenario_is_where_the_master_looks_for_it() -> None:
    pod = part("Job", "mpsim-master")["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    scenario = options()["scenario"]

    assert str(scenario.parent) == mounts["scenario"]
    assert (SCENARIOS / scenario.name).exists()
    assert str(options()["out"]).startswith(mounts["result"])
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)


def test_only_the_named_target_may_be_sent_to() -> None:
    assert options()["target"] == f"http://{options()['allowed_hosts'][0]}:8000"


def test_both_are_of_one_image_and_confined() -> None:
    master, worker = container("mpsim-master"), container("mpsim-workers")

    assert (master["image"], worker["image"]) == ("IMAGE", "IMAGE")
    assert master["securityContext"] == worker["securityContext"]
    assert worker["resources"]["limits"]["memory"]


@pytest.mark.slow
def test_a_worker_has_the_options_that_it_is_given() -> None:
    worker = container("mpsim-workers")
    assert worker["command"] == ["python", "-m", "simulator.load"]
    said = subprocess.run(
        [sys.executable, *worker["command"][1:], "--help"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert [one for one in worker["args"] if one.partition("=")[0] not in said] == []
    assert worker["args"][1] == f"--master-host={part('Service', 'mpsim-master')['metadata']['name']}"
