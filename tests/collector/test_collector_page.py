"""The monitor page: its files, that they load nothing else, and that no text of a stranger can become markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import simulator.collector
from simulator.collector.words import LANGUAGES, catalogue, definitions_in_words, preferred
from simulator.contract import Definitions, User, parse_opens

if TYPE_CHECKING:
    from tests.collector.conftest import Site, Start

PAGE = Path(simulator.collector.__file__).parent / "page"
KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "json": "application/json"}
SCRIPTS = sorted(PAGE.glob("*.js"))
FILES = {
    "/": "text/html; charset=utf-8",
    "/monitor/page.css": KINDS["css"],
    "/monitor/page.js": KINDS["js"],
    **{f"/monitor/{script.name}": KINDS["js"] for script in SCRIPTS if script.name != "monitor.js"},
    "/monitor/words.json": KINDS["json"],
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
    referenced = set(re.findall(r'(?:src|href)="(/[^"]*)"', site.get("/").text))
    for script in SCRIPTS:
        code = script.read_text(encoding="utf-8")
        referenced |= set(re.findall(r'(?:from |fetch\()"(/[^"]*)"', code))
    assert {path.split("?")[0] for path in referenced} >= set(FILES) - {"/"}
    assert {path: site.get(path).status_code for path in referenced} == dict.fromkeys(referenced, 200)


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(site: Site) -> None:
    for path in FILES:
        text = site.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), path
    html = site.get("/").text
    assert not re.search(r"<style|<script(?![^>]*src=)|\son\w+=|\sstyle=", html)


def test_the_script_never_makes_markup_of_text() -> None:
    for script in SCRIPTS:
        code = script.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|srcdoc", code)


def test_every_element_that_the_script_asks_for_is_there() -> None:
    html = (PAGE / "monitor.html").read_text(encoding="utf-8")
    there = re.findall(r'\bid="([^"]+)"', html)

    assert len(there) == len(set(there))
    for script in SCRIPTS:
        assert set(re.findall(r'byId\("([\w-]+)"', script.read_text(encoding="utf-8"))) <= set(there)


def test_each_language_has_every_text_with_the_same_gaps() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        assert all(text.strip() for text in texts.values()), key
        gaps = [sorted(re.findall(r"\{\w+\}", text)) for text in texts.values()]
        assert gaps[0] == gaps[1], key


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    """Keys put together of parts are found by their beginning."""
    html = (PAGE / "monitor.html").read_text(encoding="utf-8")
    code = "".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    asked = set(re.findall(r"\{\{([\w.]+)\}\}", html)) - {"lang"}
    asked |= set(re.findall(r'say\(\s*"([\w.]+)"', code))
    stems = {"define.", "reason."} | set(re.findall(r"say\(`([\w.]+\.)\$", code))
    literals = set(re.findall(r'"([\w.]+)"', code))

    assert asked <= set(catalogue())
    for key in set(catalogue()) - asked:
        assert any(key.startswith(stem) for stem in stems) or key in literals, key


def test_no_text_stands_outside_the_catalogue() -> None:
    html = (PAGE / "monitor.html").read_text(encoding="utf-8")
    texts = re.sub(r"<[^>]*>|\{\{[\w.]+\}\}", " ", html)
    # The name of the program, and paths.
    assert set(re.findall(r"[^\s–]+", texts)) == {"mpsim", "/monitor/totals", "/events/good", "/events/bad"}
    assert re.findall(r'(?:aria-label|title|alt|placeholder)="(?!\{\{)', html) == []
    for script in SCRIPTS:
        code = re.sub(r"//.*", "", script.read_text(encoding="utf-8"))
        assert not re.search(r"[\u3000-\u9fff]", code), script
        sentences = [text for text in re.findall(r'"([^"\n]*)"', code) if re.search(r"[A-Za-z]{2,} [a-z]{2,}", text)]
        assert set(sentences) <= {"caption button"}, script  # a selector


BAD = [
    ({"anonymousId": "d"}, "reason.no_event"),
    ({"event": "e" * 33}, "reason.long_event"),
    ({"event": "x", "tenantId": ""}, "reason.no_tenant"),
    ({"event": "x", "tenantId": "8"}, "reason.tenant"),
    ({"event": "x", "tenantId": "7", "date": "yesterday"}, "reason.date"),
    ({"event": "c_x", "tenantId": "7"}, "reason.unregistered"),
]


def test_every_reason_has_its_words(start: Start) -> None:
    site = start(tenant="7", events=frozenset({"c_known"}))
    for fields, _ in BAD:
        site.track(**{"tenantId": "7", **fields} if "event" not in fields else fields)
    site.get("/cbe/__utm?event=%FF")
    site.post("/cbe/__utm", b"{")
    site.post("/cbe/__utm", b"[]")
    wanted = [key for _, key in BAD] + ["reason.encoding", "reason.not_json", "reason.not_object"]

    assert [keys_of(reason) for reason in site.reasons()] == [[key] for key in wanted]
    assert {key for key in catalogue() if key.startswith("reason.")} == set(wanted)


def keys_of(reason: str) -> list[str]:
    """The keys whose English text, its gaps filled somehow, is the reason."""
    found = []
    for key, texts in catalogue().items():
        form = ".*".join(map(re.escape, re.split(r"\{\w+\}", texts["en"])))
        if key.startswith("reason.") and re.fullmatch(form, reason, re.DOTALL):
            found.append(key)
    return found


def test_the_page_is_in_the_language_asked_for(site: Site) -> None:
    assert '<html lang="zh">' in site.get("/?lang=zh").text
    assert "小程序监测" in site.get("/?lang=zh").text
    assert '<html lang="en">' in site.get("/?lang=en").text
    assert site.get("/?lang=zh").headers["content-language"] == "zh"
    assert "一个 openid" in site.get("/monitor/about?lang=zh").json()["words"]["uv"]


ACCEPTED = [
    ("", "en"),
    ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
    ("zh;q=0.4, en-GB;q=0.6", "en"),
    ("de-DE,de;q=0.9,zh-TW;q=0.2", "zh"),
    ("zh;q=0,en;q=0.1", "en"),
    ("fr", "en"),
    ("zh;q=many", "en"),
    ("*", "en"),
    ("EN,ZH;q=0.9", "en"),
]


@pytest.mark.parametrize(("accepted", "language"), ACCEPTED)
def test_the_language_that_a_browser_likes_best(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


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
