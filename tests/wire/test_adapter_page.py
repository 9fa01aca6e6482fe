"""The page on adapters is complete: every adapter, every option, every field of a template, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from simulator.scenario.event_template import OF_A_BATCH, OF_AN_EVENT, OF_THE_REQUEST, PREFIXES
from simulator.wire.registry import adapter_names, format_of, make_adapter
from tests.wire.wire_builders import OPTIONS, fold, launch, view

PAGE = (Path(__file__).parents[2] / ".github" / "docs" / "adapters.md").read_text(encoding="utf-8")
OPTIONS_TABLE = PAGE[PAGE.index("## Options") : PAGE.index("A secret (")]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("name", adapter_names())
def test_every_adapter_has_its_lines(name: str) -> None:
    assert f"`{name}`" in PAGE[: PAGE.index("## Options")]
    if name != "generic":
        assert f"`{name}`" in OPTIONS_TABLE


@pytest.mark.parametrize("name", [name for name in adapter_names() if name != "generic"])
def test_every_option_stands_in_the_adapters_line_with_its_default(name: str) -> None:
    (line,) = (line for line in OPTIONS_TABLE.splitlines() if re.search(rf"^\|.*`{name}`.* \| `/", line))
    for option, field in format_of(name).options.model_fields.items():
        if option == "path":
            continue
        assert re.search(rf"`{option}\b", line), option
        if isinstance(field.default, bool):
            assert f"{option}: {str(field.default).lower()}`" in line
        elif option in ("batch", "site", "zone"):
            assert f"{option}: {field.default}`" in line
        elif option in ("every", "session"):
            value = f"{field.default // 60_000}m" if field.default >= 60_000 else f"{field.default // 1_000}s"
            assert f"{option}: {value}`" in line


def test_every_option_of_a_template_is_explained() -> None:
    generic = PAGE[PAGE.index("## generic") :]
    for option in format_of("generic").options.model_fields:
        assert re.search(rf"\b{option}\b", generic), option


def test_every_field_of_a_template_is_explained() -> None:
    fields = PAGE[PAGE.index("### One event") : PAGE.index("### Batches")]
    for name in (*OF_AN_EVENT, *OF_THE_REQUEST, *OF_A_BATCH):
        assert f"`{name}`" in fields, name
    for prefix in PREFIXES:
        assert re.search(rf"`{re.escape(prefix)}\w", fields), prefix


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_sends_what_it_says(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTOR_KEY", "key")
    given = yaml.safe_load(example)["adapter"]
    own = dict(given) if isinstance(given, dict) else {"name": given}

    requests = fold(make_adapter(own.pop("name"), OPTIONS, own), launch(), view(1))

    assert sum(len(request.records) for request in requests) >= 2
