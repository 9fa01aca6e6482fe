"""inspect.toml: what is taken of it, and what is said of one that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.inspect.config import Config, read_config, read_domains
from simulator.inspect.rule import Level


def written(folder: Path, text: str) -> Path:
    file = folder / "inspect.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_everything_that_can_be_said_is_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
tracker = "utils/tracking.js"
domains = ["CBE.convertlab.com"]
events = ["c_a"]
identity_types = ["customer_identity1"]
[rules]
event-time = "warning"
""",
    )

    assert read_config(file) == Config(
        "utils/tracking.js",
        frozenset({"cbe.convertlab.com"}),
        frozenset({"c_a"}),
        frozenset({"customer_identity1"}),
        {"event-time": Level.WARNING},
    )


WRONG = [
    ("domain = []", "unknown key domain; did you mean domains?"),
    ('domains = "a"', "domains: expected a list of texts"),
    ("tracker = 1", 'tracker: expected a file such as "utils/cl_tracker.js"'),
    ('[rules]\nevent-tim = "off"', "there is no rule 'event-tim'; did you mean event-time?"),
    ('[rules]\nevent-time = "loud"', "the rule event-time cannot be 'loud'; expected off, info, warning or error"),
    ("= 1", "no TOML"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[text for text, _ in WRONG])
def test_what_does_not_fit_is_said(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as wrong:
        read_config(written(tmp_path, text))

    assert told in str(wrong.value)
    assert "inspect.toml" in str(wrong.value)


def test_a_list_of_domains_has_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "domains.txt"
    file.write_text("# request\nhttps://CBE.convertlab.com/\n\napi.shop.example # ours\n")

    assert read_domains(file) == {"cbe.convertlab.com", "api.shop.example"}


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--domains .* cannot be read: No such file"):
        read_domains(tmp_path / "none.txt")
