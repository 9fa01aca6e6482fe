"""The page of a listening in a real browser: what comes is there within a second, and no name can do anything."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from tests.inspect.listening.listener import Listener, listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egpj\x00"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as running:
        yield running


class Seen:
    """A page that was opened, with whatever it complained of."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1280, scheme: str = "light") -> None:
        self.troubles: list[str] = []
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        self.page.on("console", lambda said: self.troubles.append(said.text))
        self.page.on("pageerror", lambda wrong: self.troubles.append(str(wrong)))
        self.page.on("dialog", self._alert)
        self.page.goto(url)
        self.page.locator("#state", has_text="Live").wait_for()

    def _alert(self, dialog: object) -> None:
        self.troubles.append(f"a dialog: {dialog}")

    def rows(self) -> list[str]:
        """The names in the list, the latest first."""
        return self.page.locator("#list .what").all_inner_texts()

    def wait_for(self, name: str) -> None:
        """Wait for a name in the list."""
        self.page.locator("#list .what", has_text=name).first.wait_for()


@pytest.fixture
def seen(browser: Browser, listener: Listener) -> Iterator[Seen]:
    opened = Seen(browser, listener.url)
    yield opened
    opened.page.close()
    assert opened.troubles == []


def event(listener: Listener, name: str, **fields: str) -> None:
    query = "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in {"event": name, **fields}.items())
    assert httpx.get(f"{listener.url}/cbe/__utm?{query}", trust_env=False).status_code == 200


def test_an_event_is_there_within_a_second(seen: Seen, listener: Listener) -> None:
    def seconds(name: str) -> float:
        began = time.monotonic()
        event(listener, name)
        seen.wait_for(name)
        return time.monotonic() - began

    # A machine that is busy with something else may take its time once, or twice.
    assert any(seconds(f"c_number_{number}") < 1 for number in range(10))


def test_an_event_has_its_row_and_its_part_of_the_totals(seen: Seen, listener: Listener) -> None:
    event(listener, "mini_program_view", targetName="pages/a", anonymousId="me", source="poster")
    seen.wait_for("mini_program_view")

    row = seen.page.locator("#list li").first.inner_text()
    assert re.sub(r"\s+", " ", row).endswith("mini_program_view pages/a me poster dmhub 200")
    seen.page.locator("#pv", has_text=re.compile("^1$")).wait_for()
    assert re.sub(r"\s+", " ", seen.page.locator("#rows").inner_text()) == "poster 1 1 0 1"


def test_before_anything_came_the_page_says_what_to_do(seen: Seen, listener: Listener) -> None:
    said = seen.page.locator("#empty").inner_text()

    assert f"curl '{listener.url}/cbe/__utm?event=mini_program_open" in said
    assert "不校验合法域名" in said


def test_no_name_does_anything(seen: Seen, listener: Listener) -> None:
    event(listener, EVIL[:30], targetName=EVIL, source=EVIL, contentName=EVIL, anonymousId=EVIL, identityType=EVIL,
          identityValue=EVIL, **{EVIL: EVIL})  # fmt: skip
    httpx.post(
        f"{listener.url}/{quote(EVIL)}", content=EVIL.encode(), headers={"content-type": "text/html"}, trust_env=False
    )
    seen.wait_for("Unknown encoding")
    for row in seen.page.locator("#list summary").all():
        row.click()
    seen.page.locator(".inside pre").nth(3).wait_for()

    assert seen.page.locator("img, iframe, script[src], a[href^='javascript']").count() == 0
    assert seen.page.locator("script").count() == 1
    text = seen.page.locator("body").inner_text()
    assert "<script>alert(1)</script>" in text
    assert "\u202e" not in text
    assert "\\u{202e}gpj\\u{0}" in text


def test_a_row_opens_to_the_raw_request_the_fields_and_the_reply(seen: Seen, listener: Listener) -> None:
    event(listener, "c_opened", anonymousId="me", identityType="applet-wechat", identityValue="o1", mine="经典款")
    seen.wait_for("c_opened")

    seen.page.locator("#list summary").first.click()
    seen.page.locator(".inside pre").nth(1).wait_for()

    inside = seen.page.locator(".inside").inner_text()
    assert "GET /cbe/__utm?event=c_opened&anonymousId=me&" in inside
    assert re.search(r"identity applet-wechat\s+o1", inside)
    assert re.search(r"mine\s+经典款", inside)
    assert '200 by mpsim\ncontent-type: application/json\n\n{"code":0,' in inside


def test_filters_show_what_they_say(seen: Seen, listener: Listener) -> None:
    for name, page, source, device in (
        ("mini_program_view", "pages/a", "ad", "one"),
        ("mini_program_view", "pages/b", "poster", "two"),
        ("c_x", "", "", "one"),
        ("x" * 33, "", "", "two"),
    ):
        event(listener, name, targetName=page, source=source, anonymousId=device)
    httpx.post(f"{listener.url}/x", content=b"?", trust_env=False)
    seen.wait_for("Unknown encoding")

    def chosen(name: str, value: str) -> list[str]:
        seen.page.select_option(f"#filter-{name}", value)
        found = seen.rows()
        seen.page.select_option(f"#filter-{name}", "")
        return found

    def which(name: str) -> list[str]:
        seen.page.click(f"#which [data-value={name}]")
        return seen.rows()

    view, long = "mini_program_view", "x" * 33
    assert chosen("visitor", "=one") == ["c_x", view]
    assert chosen("event", f"={view}") == [view, view]
    assert chosen("source", "=poster") == [view]
    assert chosen("source", "=") == [long, "c_x"]
    assert chosen("page", "=pages/a") == [view]
    assert which("bad") == [long]
    assert which("good") == ["c_x", view, view]
    assert which("other") == ["Unknown encoding"]
    assert len(which("all")) == 5
    assert seen.page.locator("#count-bad").inner_text() == "1"


def test_who_pauses_reads_in_peace(seen: Seen, listener: Listener) -> None:
    event(listener, "c_before")
    seen.wait_for("c_before")
    seen.page.click("#pause")
    event(listener, "c_meanwhile")
    seen.page.locator("#pause", has_text="Go on (1 new)").wait_for()
    assert seen.rows() == ["c_before"]

    seen.page.click("#pause")

    assert seen.rows() == ["c_meanwhile", "c_before"]
    seen.page.click("#clear")
    assert seen.rows() == []


def test_a_row_that_somebody_reads_stays_open_while_others_come(seen: Seen, listener: Listener) -> None:
    event(listener, "c_read")
    seen.wait_for("c_read")
    seen.page.locator("#list summary").first.click()
    seen.page.locator(".inside pre").first.wait_for()

    event(listener, "c_next")
    seen.wait_for("c_next")

    assert seen.rows() == ["c_next", "c_read"]
    assert seen.page.locator("#list details[open] .what").all_inner_texts() == ["c_read"]
    assert seen.page.locator(".inside pre").first.is_visible()


class Slow(BaseHTTPRequestHandler):
    """A collector that answers when it is let."""

    let = threading.Event()

    def do_GET(self) -> None:
        self.let.wait(20)
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def test_an_event_is_there_before_the_collector_answers(browser: Browser) -> None:
    Slow.let.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with listening("--pass-on", f"http://127.0.0.1:{server.server_port}") as listener:
            seen = Seen(browser, listener.url)
            sending = threading.Thread(
                target=httpx.get, args=(f"{listener.url}/cbe/__utm?event=c_waits",), kwargs={"trust_env": False}
            )
            sending.start()
            seen.wait_for("c_waits")
            assert seen.page.locator("#list .end").inner_text() == "dmhub waiting"

            Slow.let.set()
            seen.page.locator("#list .end .failed", has_text="500").wait_for()
            sending.join()

            assert seen.rows() == ["c_waits"]
            assert seen.troubles == []
            seen.page.close()
        server.shutdown()


def test_the_page_says_when_the_listening_has_ended(browser: Browser) -> None:
    with listening() as listener:
        seen = Seen(browser, listener.url)
        event(listener, "c_last")
        seen.wait_for("c_last")
        assert listener.end()[0] == 0

        seen.page.locator("#state", has_text="The listening has ended").wait_for()

        assert seen.rows() == ["c_last"]
        seen.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(browser: Browser, listener: Listener, width: int, scheme: str) -> None:
    event(listener, "e" * 200, targetName="pages/" + "p" * 240, anonymousId="d" * 250, source="s" * 250)
    event(listener, "c_x", targetName="pages/a", anonymousId="me")
    httpx.post(f"{listener.url}/{'u' * 300}", content=b"?" * 300, trust_env=False)
    seen = Seen(browser, listener.url, width=width, scheme=scheme)
    seen.wait_for("c_x")
    for row in seen.page.locator("#list summary").all():
        row.click()
    seen.page.locator(".inside pre").nth(5).wait_for()

    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert seen.troubles == []
    seen.page.close()
