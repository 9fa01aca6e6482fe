"""`mpsim conform` against real collectors: the embedded one under its switches, and such as cannot tell everything."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.main import run
from simulator.contract import User
from tests.conform.collectors import PROMPT, embedded, switchable
from tests.conform.grounds import OPENS, USERS, ZONES
from tests.conform.sampling import every_day_and_proofs
from tests.e2e.commands import SCENARIOS, mpsim

# Each opening rule with each user rule, and the zones in turn; every day two, and below one that is told nothing.
COMBINATIONS = [
    (opens, user, ZONES[(place + place // 4) % 4]) for place, (opens, user) in enumerate(product(OPENS, USERS))
]
EVERY_DAY = COMBINATIONS[:5:4]
PROOFS = [one for one in COMBINATIONS if one not in EVERY_DAY]


def conformed(folder: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    """The exit code, and conform.json."""
    out = folder / "out"
    code = run(["conform", *map(str, arguments), "-o", str(out), "-q"])
    return code, json.loads((out / "conform.json").read_text("utf-8")) if (out / "conform.json").exists() else {}


def standings(document: dict[str, Any], target: int = 0) -> dict[str, list[str]]:
    """The cases by what became of them."""
    name = document["targets"][target]["name"]
    found: dict[str, list[str]] = {}
    for case in document["cases"]:
        found.setdefault(case["results"][name]["standing"], []).append(case["id"])
    return found


def contract_file(folder: Path, **said: str) -> Path:
    """A contract with these keys."""
    file = folder / "contract.yaml"
    file.write_text(PROMPT + "".join(f"{key}: {value}\n" for key, value in said.items()), encoding="utf-8")
    return file


def target_file(folder: Path, name: str, url: str, **said: str) -> Path:
    """A target with mpsim's own interface that states how it counts."""
    file = folder / f"{name}.yaml"
    contract = json.dumps({"dedupe": "by_id", "time": "event", **said})
    file.write_text(
        f"target: {name}\nurl: {url}\ntotals: monitor\ncontract: {contract}\nsettle: {{quiet: 30ms, deadline: 1s}}\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opens", "user", "day"), every_day_and_proofs(EVERY_DAY, PROOFS), ids=lambda one: str(one).replace("/", "_")
)
def test_the_embedded_collector_is_ok_in_every_case_under_each_of_its_switches(
    opens: str, user: User, day: str, tmp_path: Path
) -> None:
    said = contract_file(tmp_path, opens=opens, user=user, day=day, dedupe="by_id", time="event")
    with embedded(tmp_path, opens, user, day) as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", said)

    assert list(standings(document)) == ["ok"]
    assert code == 0
    assert {one["known"] for one in document["targets"][0]["definitions"]} == {"stated"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opens", "user", "day"),
    every_day_and_proofs(
        [("every-foreground", "customer", "America/New_York")], [("timeout=5m", "device", "Europe/Berlin")]
    ),
    ids=["foreground", "timeout"],
)
def test_the_embedded_collector_is_ok_without_a_word_on_how_it_counts(
    opens: str, user: User, day: str, tmp_path: Path
) -> None:
    with embedded(tmp_path, opens, user, day) as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", contract_file(tmp_path))

    assert (code, list(standings(document))) == (0, ["ok"])
    assert {one["known"] for one in document["targets"][0]["definitions"]} == {"found"}


@pytest.mark.slow
def test_the_found_contract_is_taken_by_run_and_judges_rightly(tmp_path: Path) -> None:
    found = tmp_path / "found.yaml"
    with embedded(tmp_path, "timeout=30m", "customer", "America/New_York") as url:
        ran = mpsim("conform", "--discover", "--target", url, "--contract", contract_file(tmp_path), "-o", found)
        judged = mpsim("run", SCENARIOS / "first_open.yaml", "--target", url, "--contract", found, "--out",
                       tmp_path / "run", "-q")  # fmt: skip

    assert ran.code == 0, ran
    assert judged.code == 0, judged
    assert "opens: timeout=30m\n" in found.read_text("utf-8")


@pytest.mark.slow
def test_without_a_target_the_embedded_collector_is_started(tmp_path: Path) -> None:
    said = contract_file(tmp_path, opens="launch", user="openid", day="Asia/Shanghai", dedupe="by_id", time="event")
    code, document = conformed(tmp_path, "--only", "views-launch", "--contract", said)

    assert code == 0
    assert document["targets"][0]["name"] == "embedded collector"


@pytest.mark.slow
def test_a_collector_that_holds_data_already_is_judged_by_what_it_has_more(tmp_path: Path) -> None:
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai") as url:
        said = contract_file(tmp_path, opens="launch", user="openid", day="Asia/Shanghai", dedupe="by_id", time="event")
        for number in range(2):
            folder = tmp_path / f"{number}"
            folder.mkdir()
            code, document = conformed(
                folder, "--target", url, "--contract", said, "--only", "opens", "--only", "visitors"
            )
            assert (code, list(standings(document))) == (0, ["ok"])


@pytest.mark.slow
def test_a_wrong_contract_fails_in_the_cases_that_tell_and_names_what_would_be_right(tmp_path: Path) -> None:
    said = contract_file(
        tmp_path, opens="every-foreground", user="openid", day="Asia/Shanghai", dedupe="by_id", time="event"
    )
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai") as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", said)

    assert code == 1
    assert standings(document)["failed"] == [
        "views-return", "views-return-untold", "opens-hot-start", "opens-hot-starts", "opens-hot-start-minutes",
        "opens-source-change", "sources-hot-start",
    ]  # fmt: skip
    why = next(case for case in document["cases"] if case["id"] == "opens-hot-start")["results"][url]["why"]
    assert why == "opens is 1 and not 2: right under opens: launch, but the contract says opens: every-foreground."


@pytest.mark.slow
def test_a_contract_that_says_less_is_held_against_a_collector_that_counts_opens_otherwise(tmp_path: Path) -> None:
    """What is found out beside it, such as which gap begins an open, has no meaning under the stated rule."""
    said = contract_file(tmp_path, opens="launch", user="openid", day="Asia/Shanghai")
    with embedded(tmp_path, "timeout=30m", "openid", "Asia/Shanghai") as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", said)

    assert code == 1
    # Where a warm return, another device or an event of the application comes after more than 30 minutes.
    assert standings(document)["failed"] == [
        "opens-gap-above", "opens-gap-devices", "visitors-custom-only", "malformed-gap",
    ]  # fmt: skip
    assert any(
        "the contract says opens: launch, and the collector counts by opens: timeout=30m" in remark
        for remark in document["targets"][0]["remarks"]
    )


@pytest.mark.slow
def test_under_an_age_limit_the_cases_come_in_rounds_and_older_ones_are_not_supported(tmp_path: Path) -> None:
    promised = {"opens": "launch", "user": "openid", "day": "UTC", "dedupe": "by_id", "time": "event", "max_age": "9d"}
    said = contract_file(tmp_path, **promised)
    with switchable(tmp_path, "".join(f"{key}: {value}\n" for key, value in promised.items())) as url:
        code, document = conformed(
            tmp_path, "--target", url, "--contract", said, "--only", "trends", "--only", "order*", "--only", "new-*"
        )

    found = standings(document)
    assert code == 0
    assert found["not supported"] == ["trends-seasons", "order-old"]
    assert len(found["ok"]) == 19


@pytest.mark.slow
def test_by_arrival_cases_that_need_the_events_time_are_not_supported(tmp_path: Path) -> None:
    promised = {"opens": "launch", "user": "openid", "day": "UTC", "dedupe": "by_id", "time": "arrival"}
    said = contract_file(tmp_path, **promised)
    with switchable(tmp_path, "".join(f"{key}: {value}\n" for key, value in promised.items())) as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", said)

    found = standings(document)
    assert code == 0
    assert "failed" not in found
    assert {"trends-hour", "opens-gap-exact", "order-late-view"} <= set(found["not supported"])
    assert {"views-repeat", "visitors-shared-device", "unicode-source", "duplicates-view"} <= set(found["ok"])
    # A wire without POST and without the OpenAPI is not wrong.
    assert {"methods-form", "methods-batch"} <= set(found["informational"])
    assert {"sources-code"} <= set(found["not supported"])


@pytest.mark.slow
def test_a_reader_without_cells_is_asked_for_the_totals_of_each_case_alone(tmp_path: Path) -> None:
    promised = {"opens": "launch", "user": "openid", "day": "Asia/Shanghai", "dedupe": "by_id", "time": "event"}
    target = tmp_path / "target.yaml"
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai") as url:
        target.write_text(
            f"target: only_totals\nurl: {url}\ncontract: {json.dumps(promised)}\n"
            "settle: {quiet: 50ms, deadline: 1s}\n"
            "totals:\n  http:\n    requests:\n"
            '      - {path: /monitor/totals, query: {begin: "{from}", end: "{to}"},'
            " pv: 'cells.\"\".pv', opens: 'cells.\"\".opens'}\n"
            "not_read: [uv, new_users, source, content, hour, day, page]\n",
            encoding="utf-8",
        )
        code, document = conformed(tmp_path, "--target", target)

    found = standings(document)
    assert (code, sorted(found)) == (0, ["not supported", "ok"])
    assert {"views-repeat", "opens-hot-start", "duplicates-launch"} <= set(found["ok"])
    # Without cells nothing is known of sources and trends, and not knowing is not ok.
    assert not {"sources-case", "trends-hour", "unicode-content", "views-like-named"} & set(found["ok"])
    visitors = next(case for case in document["cases"] if case["id"] == "visitors-two-devices")["results"]
    assert visitors["only_totals"]["why"] == (
        "uv is read neither by source nor in total (the target file says that the collector has no uv by source)"
    )


@pytest.mark.slow
def test_a_collector_that_refuses_everything_fails_with_what_it_answered(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: launch\n", "refuses") as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", contract_file(tmp_path), "--only", "opens")

    assert (code, list(standings(document))) == (1, ["failed"])
    assert "HTTP 401" in document["cases"][0]["results"][url]["why"]
    assert "time was not found out: a launch was not taken: HTTP 401" in document["targets"][0]["remarks"][0]


@pytest.mark.slow
def test_without_replies_nothing_is_said_and_the_rest_is_not_sent(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: launch\n", "hangs-up") as url:
        code, document = conformed(tmp_path, "--target", url, "--contract", contract_file(tmp_path))

    assert (code, "engine error" in standings(document)) == (3, True)
    assert "ok" not in standings(document)
    assert "failed" not in standings(document)
    sent = sum(len(case["results"][url]["exchanges"]) for case in document["cases"])
    assert 4 <= sent <= 8  # cases that were on their way when the fourth ended


@pytest.mark.slow
def test_of_a_wire_that_tells_neither_time_nor_source_only_pages_can_be_judged(tmp_path: Path) -> None:
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai") as url:
        code, document = conformed(
            tmp_path, "--target", url, "--adapter", "dmhub-2018", "--contract", contract_file(tmp_path, opens="launch")
        )

    found = standings(document)
    assert (code, sorted(found)) == (0, ["not supported", "ok"])
    assert found["ok"] == ["views-like-named", "views-query", "unicode-page", "limits-route"]


@pytest.mark.slow
def test_several_targets_stand_side_by_side(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with embedded(first, "launch", "openid", "UTC") as one, embedded(second, "timeout=30m", "device", "UTC") as two:
        targets = [
            target_file(tmp_path, "one", one, opens="launch", user="openid", day="UTC"),
            target_file(tmp_path, "two", two, opens="timeout=30m", user="device", day="UTC"),
        ]
        code, document = conformed(tmp_path, "--target", targets[0], "--target", targets[1], "--only", "opens")

    assert code == 0
    assert [list(standings(document, number)) for number in (0, 1)] == [["ok"], ["ok"]]
    values = [{row["name"]: row["value"] for row in target["definitions"]}["opens"] for target in document["targets"]]
    assert values == ["launch", "timeout=30m"]


@pytest.mark.slow
def test_secrets_of_a_target_file_stand_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTOR_KEY", "s3cr3t-of-the-collector")
    target = tmp_path / "target.yaml"
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai") as url:
        target.write_text(
            f"target: keyed\nurl: {url}\n"
            'adapter: {name: generic, path: /v1/collector/pushevent, headers: {X-Key: "{env.COLLECTOR_KEY}"},\n'
            '  body: {json: {event: "{event}", date: "{time}", externalId: "{id}", anonymousId: "{device}",\n'
            '                source: "{source?}", note: "{env.COLLECTOR_KEY}"}},\n'
            "  names: {launch: mini_program_open, view: mini_program_view}}\n"
            "contract: {opens: launch, user: device, day: Asia/Shanghai, dedupe: by_id, time: event}\n"
            "settle: {quiet: 50ms, deadline: 1s}\ntotals: monitor\n",
            encoding="utf-8",
        )
        code, document = conformed(tmp_path, "--target", target, "--only", "views-two-visitors")

    assert (code, standings(document)) == (0, {"ok": ["views-two-visitors"]})
    written = [file.read_text("utf-8") for file in (tmp_path / "out").iterdir()]
    assert not any("s3cr3t" in text for text in written)
    assert any("X-Key: {env: COLLECTOR_KEY}" in text for text in written)


# ---- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--target", "http://127.0.0.1:9", "--only", "viws*"], 5, "--only viws*: no case and no area is called so"),
        (["--target", "http://192.0.2.1:80"], 5, "load goes there only with --allow-host 192.0.2.1"),
        (["--target", "nowhere"], 5, "expected a URL such as http://127.0.0.1:8000, or a target file"),
        (["--target", "http://127.0.0.1:9", "--target", "http://127.0.0.1:9"], 5, "two targets are called"),
        (["--discover", "--only", "opens"], 5, "--only chooses cases, and --discover tries none"),
        (["--discover", "--target", "http://127.0.0.1:9", "--target", "http://127.0.0.1:8", "-o", "x"], 5,
         "-o names one contract file"),
        (["--discover", "--target", "http://127.0.0.1:9", "-o", "nowhere/x.yaml"], 5, "there is no directory nowhere"),
        (["--discover", "--target", "http://127.0.0.1:9", "-o", "."], 5, "-o names the contract file"),
        (["--target", "http://127.0.0.1:9"], 6, "no connection to 127.0.0.1:9"),
    ],
    ids=["pattern", "host", "no target", "twice", "discover and only", "discover two", "no folder", "a folder",
         "nobody there"],
)  # fmt: skip
def test_a_mistake_is_told_before_anything_is_sent(
    arguments: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    assert run(["conform", *arguments, "-q"]) == code

    assert said in capsys.readouterr().err
    assert list(tmp_path.rglob("conform.json")) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("x", encoding="utf-8")

    assert run(["conform", "--target", "http://127.0.0.1:9", "-o", str(tmp_path)]) == 5

    assert "is not empty; name a new directory with -o" in capsys.readouterr().err


def test_the_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "--list", "--only", "page views"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["views-launch", "A", "launch", "shows", "one", "page"]
    assert lines[-1] == "10 cases of version 1 of the suite"
