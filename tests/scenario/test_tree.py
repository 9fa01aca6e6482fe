"""YAML as this project reads it: YAML 1.2 scalars, places of every value, bounds."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from simulator.scenario.tree import Budget, Place, places, plain, read_tree


def read(text: str) -> object:
    return plain(read_tree(text, "a.yaml", Budget())[0])


SCALARS: list[tuple[str, object]] = [
    ("on", "on"),
    ("yes", "yes"),
    ("no", "no"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("12", 12),
    ("-3", -3),
    ("0", 0),
    ("0123", "0123"),
    ("0x1f", "0x1f"),
    ("0o17", "0o17"),
    ("1_000", "1_000"),
    ("10:30", "10:30"),
    ("1.5", 1.5),
    ("1e3", 1000.0),
    ("1e999", "1e999"),
    (".inf", ".inf"),
    (".nan", ".nan"),
    ("2026-03-01", "2026-03-01"),
    ("2026-03-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"),
    ("7680584538142272831", "7680584538142272831"),
    ("123456789012345678", 123456789012345678),
    ("25%", "25%"),
    ("1..5", "1..5"),
    ("-3m..2h", "-3m..2h"),
    ("failed > 50% for 10s", "failed > 50% for 10s"),
    ('"12"', "12"),
    ("'true'", "true"),
    ("!!str 12", "12"),
    ('"\\ud83d\\ude00"', "😀"),
    ("pages/a/a?id={sku}", "pages/a/a?id={sku}"),
]


@pytest.mark.parametrize(("written", "meant"), SCALARS, ids=[written for written, _ in SCALARS])
def test_scalars(written: str, meant: object) -> None:
    read_back = read(f"a: {written}")

    assert read_back == {"a": meant}
    assert isinstance(read_back, dict)
    assert type(read_back["a"]) is type(meant)


def test_keys_are_always_texts() -> None:
    assert read("on: 1\n2: 1\nnull: 1\ntrue: 1\n") == {"on": 1, "2": 1, "null": 1, "true": 1}


def test_every_value_and_key_has_its_place() -> None:
    root, _ = read_tree("a:\n  - b: 1\n    cc:  [x]\n", "a.yaml", Budget())

    assert dict(places(root)) == {
        "": Place("a.yaml", 1, 1),
        "a~": Place("a.yaml", 1, 1),
        "a": Place("a.yaml", 2, 3),
        "a[0]": Place("a.yaml", 2, 5),
        "a[0].b~": Place("a.yaml", 2, 5),
        "a[0].b": Place("a.yaml", 2, 8),
        "a[0].cc~": Place("a.yaml", 3, 5),
        "a[0].cc": Place("a.yaml", 3, 10),
        "a[0].cc[0]": Place("a.yaml", 3, 11),
    }


def test_an_alias_is_the_value_of_its_anchor() -> None:
    assert read("a: &x [1, {b: 2}]\nc: *x\n") == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}


def test_a_key_given_twice_is_a_complaint_and_the_first_value_stays() -> None:
    root, complaints = read_tree("a: 1\nb: 2\na: 3\n", "a.yaml", Budget())

    assert plain(root) == {"a": 1, "b": 2}
    assert [str(complaint) for complaint in complaints] == [
        "a.yaml:3:1  the key a stands here a second time, first in line 1"
    ]


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


DEPTHS = [
    ("31 levels", nested(31), True),
    ("32 levels", nested(32), True),
    ("33 levels", nested(33), False),
    ("an alias that reaches level 32", f"[&a {nested(20)}, {'[' * 11}*a{']' * 11}]", True),
    ("an alias that reaches level 33", f"[&a {nested(20)}, {'[' * 12}*a{']' * 12}]", False),
    ("a thousand levels", nested(1000), False),
]


@pytest.mark.parametrize(("text", "fits"), [case[1:] for case in DEPTHS], ids=[case[0] for case in DEPTHS])
def test_depth(text: str, fits: bool) -> None:
    if fits:
        read(text)
    else:
        with pytest.raises(ScenarioError, match="more than 32 levels"):
            read(text)


SIZES = [("one below", 9, True), ("the bound", 10, True), ("one above", 11, False)]


@pytest.mark.parametrize(("items", "fits"), [case[1:] for case in SIZES], ids=[case[0] for case in SIZES])
def test_number_of_values(items: int, fits: bool) -> None:
    text = f"[{', '.join('x' * items)}]"
    budget = Budget(nodes=11)
    if fits:
        read_tree(text, "a.yaml", budget)
    else:
        with pytest.raises(ScenarioError, match="more than 100000 values"):
            read_tree(text, "a.yaml", budget)


ALIASES = [("one below", 4, True), ("the bound", 5, True), ("one above", 6, False)]


@pytest.mark.parametrize(("aliases", "fits"), [case[1:] for case in ALIASES], ids=[case[0] for case in ALIASES])
def test_number_of_aliases(aliases: int, fits: bool) -> None:
    text = f"[&a x, {', '.join(['*a'] * aliases)}]"
    if fits:
        read_tree(text, "a.yaml", Budget(aliases=5))
    else:
        with pytest.raises(ScenarioError, match="aliases"):
            read_tree(text, "a.yaml", Budget(aliases=5))


TAGS = [
    "!!python/object/apply:os.system [id]",
    "!!python/name:os.system",
    "!!timestamp 2026-01-01",
    "!own x",
    "!!set {a}",
]


@pytest.mark.parametrize("tagged", TAGS)
def test_a_tag_constructs_nothing(tagged: str) -> None:
    with pytest.raises(ScenarioError, match=r"the tag .* is not read"):
        read(f"a: {tagged}")
