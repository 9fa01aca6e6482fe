"""The monitor page in a real browser: what it shows, what a click does, and that every screen can show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from simulator.collector.words import catalogue, definitions_in_words
from simulator.contract import Definitions
from tests.browser import LOOKS, Scheme, Seen, look
from tests.e2e.commands import collector

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)>\u202eevil"
SECOND_WEEK = datetime(2026, 3, 10, 1, tzinfo=UTC)  # 09:00 in Shanghai
FIRST_WEEK = SECOND_WEEK - timedelta(days=7)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A collector with two weeks: 2 opens and 3 views in the first, 4 opens and 9 views in the second."""
    events = [
        *visit(FIRST_WEEK, "a", "ad", "spring", ["pages/a"]),
        *visit(FIRST_WEEK + timedelta(hours=2), "b", "", "", ["pages/a", "pages/b"]),
        *visit(SECOND_WEEK, "a", "ad", "spring", ["pages/a", "pages/b"]),
        *visit(SECOND_WEEK + timedelta(hours=1), "c", "ad", "地铁灯箱海报", ["pages/a", "pages/b", "pages/c"]),
        *visit(SECOND_WEEK + timedelta(hours=3), "d", HOSTILE, HOSTILE, [HOSTILE]),
        *visit(SECOND_WEEK + timedelta(days=2), "e", "poster", "", ["pages/a"] * 3),
        {"event": "e" * 40, "anonymousId": HOSTILE},
    ]
    with collector(tmp_path_factory.mktemp("monitor") / "c.db", "--no-fsync") as listening:
        with httpx.Client(base_url=listening) as client:
            for event in events:
                assert client.post("/cbe/__utm", json=event).status_code == 200
        yield listening


def visit(at: datetime, who: str, source: str, content: str, pages: list[str]) -> list[dict[str, str]]:
    """An open and its views."""
    names = [("mini_program_open", "app"), *(("mini_program_view", page) for page in pages)]
    return [
        {
            "event": event, "targetName": target, "anonymousId": who, "source": source, "contentName": content,
            "scene": "1045", "date": (at + timedelta(milliseconds=place)).isoformat(timespec="milliseconds"),
        }
        for place, (event, target) in enumerate(names)
    ]  # fmt: skip


def numbers(seen: Seen) -> list[str]:
    """The four cards, once they are there."""
    seen.page.locator("#pv", has_not_text="–").wait_for()
    seen.page.locator("#events li").first.wait_for()
    return [seen.page.locator(f"#{metric}").inner_text() for metric in ("pv", "uv", "opens", "new_users")]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_screen_can_show_it(browser: Browser, url: str, width: int, scheme: Scheme) -> None:
    language = "zh" if scheme == "dark" else "en"
    with look(browser, f"{url}/?lang={language}", width=width, scheme=scheme, name=f"monitor-{language}") as seen:
        assert numbers(seen) == ["9", "4", "4", "3"]
        seen.page.locator("#as-table summary").click()
        seen.check()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_bad_events_and_a_source_alone_too(browser: Browser, url: str, language: str) -> None:
    with look(browser, f"{url}/?lang={language}#source=ad&which=bad&by=day", width=390, name="monitor-ad") as seen:
        assert numbers(seen) == ["5", "2", "2", "1"]
        reason = {"en": "event has 40 characters, at most 32 are allowed", "zh": "event 有 40 个字符，最多允许 32 个"}
        assert seen.page.locator("#events .reason").inner_text() == reason[language]
        seen.page.locator("#events summary").click()
        seen.check()


def test_an_empty_collector_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    with collector(tmp_path / "c.db") as empty, look(browser, empty, name="monitor-empty") as seen:
        seen.page.locator("#empty").wait_for()
        assert numbers_of_cards(seen) == ["0"] * 4
        assert "curl" in seen.page.locator("#example").inner_text()
        seen.check()


def numbers_of_cards(seen: Seen) -> list[str]:
    seen.page.locator("#pv", has_not_text="–").wait_for()
    return seen.page.locator(".big").all_inner_texts()


def test_the_change_is_against_the_week_before(browser: Browser, url: str) -> None:
    with look(browser, url) as seen:
        numbers(seen)
        changes = seen.page.locator(".change").all_inner_texts()

        # 3 views, 2 users, 2 opens, 2 new users from 27 February on to 6 March.
        assert changes == ["▲ +200% before: 3", "▲ +100% before: 2", "▲ +100% before: 2", "▲ +50% before: 2"]
        assert "2026-02-27 00:00 until 2026-03-06 00:00" in seen.page.locator("#compared").inner_text()


def test_without_earlier_events_it_says_so(browser: Browser, url: str) -> None:
    with look(browser, f"{url}/#days=30") as seen:
        assert numbers(seen) == ["12", "5", "6", "5"]
        said = seen.page.locator("#compared").inner_text()

        assert "No earlier events to compare with: the first stored one is of 2026-03-03 09:00:00." in said
        assert set(seen.page.locator(".change").all_inner_texts()) == {""}


def test_a_click_on_a_source_counts_that_alone_and_the_address_says_so(browser: Browser, url: str) -> None:
    with look(browser, url) as seen:
        numbers(seen)
        seen.page.locator("#source a", has_text="ad").first.click()
        seen.page.locator("#pv", has_text=re.compile("^5$")).wait_for()

        assert seen.page.url.endswith("#source=ad")
        assert sorted(seen.page.locator("#content th a").all_inner_texts()) == ["spring", "地铁灯箱海报"]
        assert seen.page.locator("#page th a").all_inner_texts() == ["pages/a", "pages/b", "pages/c"]
        assert seen.page.locator("#source [aria-current=true]").inner_text() == "ad"
        shared = seen.page.url
        seen.page.locator("#content a", has_text="spring").click()
        seen.page.locator("#pv", has_text=re.compile("^2$")).wait_for()
        seen.page.go_back()
        seen.page.locator("#pv", has_text=re.compile("^5$")).wait_for()
        seen.page.locator(".chip").click()
        seen.page.locator("#pv", has_text=re.compile("^9$")).wait_for()
    with look(browser, shared) as seen:
        assert numbers(seen) == ["5", "2", "2", "1"]
        assert seen.errors == []


def test_of_a_page_alone_there_are_views_and_users(browser: Browser, url: str) -> None:
    with look(browser, f"{url}/?lang=en#page=pages/a") as seen:
        assert numbers(seen) == ["5", "3", "–", "–"]
        assert seen.page.locator("#opens-change").inner_text() == "not counted by page"


def test_the_trend_is_read_out_by_keyboard_beside_the_week_before(browser: Browser, url: str) -> None:
    with look(browser, f"{url}/#by=day") as seen:
        numbers(seen)
        assert seen.page.locator("#readout").inner_text() == "PV by day: most on 2026-03-10, 6; 9 in all"
        seen.page.locator("#chart").focus()
        for _ in range(5):
            seen.page.keyboard.press("ArrowRight")

        assert seen.page.locator("#readout").inner_text() == "2026-03-10: 6 PV; before, 2026-03-03: 3"


def test_on_paper_it_is_light_and_says_which_period_it_is(browser: Browser, url: str) -> None:
    with look(browser, url, scheme="dark", width=794) as seen:
        numbers(seen)
        seen.page.emulate_media(media="print")

        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        shown = seen.page.locator("#shown")
        assert shown.inner_text() == "Shown: 2026-03-06 00:00:00 until 2026-03-13 00:00:00."
        assert not seen.page.locator("#period").is_visible()


def test_what_arrives_is_shown_until_it_is_paused(browser: Browser, tmp_path: Path) -> None:
    with collector(tmp_path / "c.db") as own, look(browser, own) as seen:
        seen.page.locator("#empty").wait_for()
        httpx.get(f"{own}/cbe/__utm?event=mini_program_open&anonymousId=me")
        seen.page.locator("#opens", has_text=re.compile("^1$")).wait_for()
        seen.page.locator("#pause").click()
        assert seen.page.locator("#pause").inner_text() == "Resume"


def test_text_of_strangers_is_text(browser: Browser, url: str) -> None:
    with look(browser, url) as seen:
        numbers(seen)
        # Neither markup nor a mark that turns the text around.
        assert "<img src=x onerror=alert(1)>\\u{202e}evil" in seen.page.locator("#source").inner_text()
        assert seen.page.locator("img").count() == 0
        assert seen.errors == []


def test_no_text_stands_outside_the_catalogue(browser: Browser, url: str) -> None:
    """With every text in brackets, whatever is not in them came from the collector, the page's HTML, or is a number."""
    words = {key: {name: f"⟦{text}⟧" for name, text in texts.items()} for key, texts in catalogue().items()}
    # Reasons are recognised by their text.
    words |= {key: texts for key, texts in catalogue().items() if key.startswith("reason.")}
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.route("**/monitor/words.json", lambda route: route.fulfill(body=json.dumps(words), status=200))
    page.goto(f"{url}/#source=ad&which=bad")
    page.locator("#events .reason").wait_for()
    texts: list[str] = page.evaluate(
        """() => {
          const found = [];
          const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (node.parentElement.tagName !== "NOSCRIPT") found.push(node.textContent.trim());
          }
          return found;
        }"""
    )
    context.close()
    html = {texts["en"] for texts in catalogue().values()}
    defined = set(definitions_in_words(Definitions()).values())
    stored = {"ad", "poster", "spring", "e" * 40, "event", "anonymousId", "<img src=x onerror=alert(1)>\\u{202e}evil"}
    stored |= {"event has 40 characters, at most 32 are allowed", "POST /cbe/__utm"}
    strange = [text for text in texts if text not in html | defined | stored and not text.startswith("pages/")]

    outside = [text for text in strange if re.search("[A-Za-z]", re.sub("⟦.*⟧", "", text))]
    assert [text for text in outside if not re.fullmatch(r"[-\dT:.]+Z|curl .*", text)] == []
