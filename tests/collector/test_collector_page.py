"""The monitor page: its files, that they load nothing else, and that no text of a stranger can become markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import simulator.collector
from simulator.collector.words import definitions_in_words
from simulator.contract import Definitions, User, parse_opens

if TYPE_CHECKING:
    from tests.collector.conftest import Site

PAGE = Path(simulator.collector.__file__).parent / "page"
FILES = {
    "/": "text/html; charset=utf-8",
    "/monitor/page.css": "text/css; charset=utf-8",
    "/monitor/page.js": "text/javascript; charset=utf-8",
    "/monitor/draw.js": "text/javascript; charset=utf-8",
    "/monitor/icon.svg": "image/svg+xml",
}


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_the_page(site: Site, path: str) -> None:
    answer = site.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == FILES[path]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
    assert answer.content


def test_every_file_is_served_and_every_reference_is_a_file(site: Site) -> None:
    assert len(list(PAGE.iterdir())) == len(FILES)
    html = site.get("/").text
    referenced = set(re.findall(r'(?:src|href)="(/[^"]*)"', html))
    assert {path.split("?")[0] for path in referenced} >= {
        path for path in FILES if path not in {"/", "/monitor/draw.js"}
    }
    assert {path: site.get(path).status_code for path in referenced} == dict.fromkeys(referenced, 200)


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(site: Site) -> None:
    for path in FILES:
        text = site.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), path
    html = site.get("/").text
    assert not re.search(r"<style|<script(?![^>]*src=)|\son\w+=|\sstyle=", html)


def test_the_script_never_makes_markup_of_text() -> None:
    for script in PAGE.glob("*.js"):
        code = script.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|srcdoc", code)


def test_every_element_that_the_script_asks_for_is_there() -> None:
    html = (PAGE / "monitor.html").read_text(encoding="utf-8")
    script = (PAGE / "monitor.js").read_text(encoding="utf-8")
    there = re.findall(r'\bid="([^"]+)"', html)

    assert len(there) == len(set(there))
    assert set(re.findall(r'(?:byId|segments)\("([\w-]+)"', script)) <= set(there)


def test_what_the_page_asks_first(site: Site) -> None:
    site.track(event="mini_program_open", anonymousId="d", date="2026-03-01T00:00:00+08:00")
    site.track(event="mini_program_open", anonymousId="d", date="2026-03-02T00:00:00+08:00")

    about = site.get("/monitor/about").json()

    assert about["definitions"] == {"opens": "launch", "user": "openid", "day": "Asia/Shanghai"}
    assert (about["first"], about["last"]) == ("2026-02-28T16:00:00.000Z", "2026-03-01T16:00:00.000Z")
    assert set(about["words"]) == {"pv", "uv", "opens", "new_users", "day"}


WORDS: list[tuple[str, User, str, str]] = [
    ("launch", "openid", "every mini_program_open.", "One user is one openid"),
    ("timeout=30m", "device", "more than 30m after the one before (exactly 30m does not)", "One user is one device"),
    ("every-foreground", "customer", "every mini_program_open and every c_mp_show", "One user is one customer"),
]


@pytest.mark.parametrize(("opens", "user", "of_opens", "of_user"), WORDS, ids=[case[0] for case in WORDS])
def test_definitions_in_words(opens: str, user: User, of_opens: str, of_user: str) -> None:
    words = definitions_in_words(Definitions(parse_opens(opens), user, "UTC"))

    assert of_opens in words["opens"]
    assert of_user in words["uv"]
    assert "UTC" in words["day"]
