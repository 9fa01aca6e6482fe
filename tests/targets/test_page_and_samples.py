"""The page on target files is true and complete, and what scenarios/targets/ holds can be used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from simulator.scenario import target_reading
from simulator.scenario.placeholders import OF_A_PAGE, OF_THE_RUN
from simulator.scenario.schema import target_schema
from simulator.scenario.target import ScopeSection, SettleSection, TargetFile, read_target, read_target_text
from simulator.scenario.tree import Budget, plain, read_tree
from simulator.traffic.target_files import known_adapters
from tests.e2e.commands import ROOT
from tests.targets.mistakes import COMMAND, COUNTED, MISTAKES, RIGHT, SQL

PAGE = (ROOT / ".github" / "docs" / "targets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SAMPLES = sorted((ROOT / "scenarios" / "targets").glob("*.yaml"))
VALIDATOR = Draft202012Validator(target_schema())


def document(text: str) -> Any:
    return plain(read_tree(text, "t.yaml", Budget())[0])


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[1])
def test_every_file_of_the_page_is_right(block: str) -> None:
    target = read_target_text(block, "page.yaml", Path(), known_adapters())

    assert target.name in block
    VALIDATOR.validate(document(block))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_right(sample: Path) -> None:
    assert read_target(sample, known_adapters()).name == sample.stem
    assert sample.read_text(encoding="utf-8").startswith("# ")
    VALIDATOR.validate(document(sample.read_text(encoding="utf-8")))


def sections() -> Iterator[type[BaseModel]]:
    yield from (TargetFile, SettleSection, ScopeSection)
    for value in vars(target_reading).values():
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == target_reading.__name__:
            yield value


@pytest.mark.parametrize("section", list(dict.fromkeys(sections())))
def test_the_page_names_every_key(section: type[BaseModel]) -> None:
    for name, field in section.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", PAGE), f"{section.__name__}.{name}"


@pytest.mark.parametrize("name", [*OF_THE_RUN, *OF_A_PAGE])
def test_the_page_names_every_placeholder(name: str) -> None:
    assert f"`{{{name}}}`" in PAGE


def test_the_schema_is_one_and_takes_what_the_loader_takes() -> None:
    Draft202012Validator.check_schema(target_schema())
    for text in (RIGHT, COUNTED, SQL, COMMAND):
        VALIDATOR.validate(document(text))


@pytest.mark.parametrize(
    ("adapter", "errors"),
    [
        ("generic", 0),
        ({"name": "generic", "batch": 2, "event": {"a": "{event}"}, "body": {"json": "{events}"}}, 0),
        ({"name": "generic", "evnt": {}}, 1),
        ({"name": "generic", "body": {"jsn": {}}}, 1),
        ({"name": "generic", "method": "PATCH"}, 1),
        ({"name": "sensors", "project": "default"}, 0),
        ({"batch": 2}, 1),
    ],
)
def test_the_schema_has_the_options_of_the_generic_adapter(adapter: object, errors: int) -> None:
    file = {"target": "ours", "url": "http://127.0.0.1:8080", "totals": "monitor", "adapter": adapter}

    assert len(list(VALIDATOR.iter_errors(file))) == errors


@pytest.mark.parametrize(
    "what", ["a misspelt key", "no name", "a kind of cell that is none", "a duration without a unit"]
)
def test_an_editor_sees_a_mistake_too(what: str) -> None:
    mistake = MISTAKES[what]

    assert not VALIDATOR.is_valid(document(RIGHT.replace(mistake.right, mistake.wrong, 1)))


def test_the_schema_is_printed() -> None:
    from simulator.cli.schema import command

    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("click.echo", said.append)
        command.main(["target"], standalone_mode=False)

    assert json.loads(said[0]) == json.loads(json.dumps(target_schema()))
