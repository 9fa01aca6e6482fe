"""report.html: well-formed, self-contained, and deaf to what names try to do."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.finding import Finding, Interval, Judged, Verdict
from simulator.report.folder import write_reports
from simulator.report.page import page_html
from simulator.report.result import Result

EVERY = ["passing", "failing", "incomplete", "hostile", "small", "staircase"]
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
Attributes = dict[str, str]


@dataclass
class Page(HTMLParser):
    """Elements and texts of a document, and whatever is not closed as it was opened."""

    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)
            if self.elements[-1:] == [("wbr", {})]:
                self.elements.pop()  # a place where a line may end parts no words
                self.texts[-2:] = ["".join(self.texts[-2:])]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]


def parsed(result: Result) -> Page:
    page = Page()
    page.feed(page_html(result))
    page.close()
    return page


@pytest.fixture(params=EVERY)
def page(request: pytest.FixtureRequest, samples: dict[str, Result]) -> Page:
    return parsed(samples[request.param])


def test_every_element_is_closed_in_order(page: Page) -> None:
    assert (page.faults, page.open) == ([], [])


def test_there_is_no_element_or_attribute_that_could_act(page: Page) -> None:
    """Also none that the policy would block: a style attribute would be silently lost."""
    tags = {tag for tag, _ in page.elements}
    names = {name for _, attributes in page.elements for name in attributes}

    assert tags.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "base", "use", "foreignobject"})
    assert [name for name in names if name.startswith("on") or name == "style"] == []


def test_nothing_is_fetched(page: Page) -> None:
    links = [attributes[name] for _, attributes in page.elements for name in ("href", "src") if name in attributes]

    assert {link[:5] if link.startswith("data:") else link[:1] for link in links} == {"#", "data:"}
    assert "url(" not in page_css()
    assert "@import" not in page_css()


def page_css() -> str:
    return (Path(__file__).parents[2] / "simulator/report/page.css").read_text(encoding="utf-8")


def test_the_policy_allows_the_style_and_nothing_else(samples: dict[str, Result]) -> None:
    document = page_html(samples["passing"])
    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode("utf-8")).digest()).decode("ascii")
    policies = [meta["content"] for meta in parsed(samples["passing"]).all("meta") if "http-equiv" in meta]

    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    ]


def test_every_reference_inside_the_page_has_its_end(page: Page) -> None:
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    asked = {attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes}
    asked |= {link["href"].removeprefix("#") for link in page.all("a")}

    assert asked <= set(ids)
    assert set(ids.values()) == {1}


def test_landmarks_and_headings_lead_through_the_page(page: Page) -> None:
    assert [len(page.all(tag)) for tag in ("header", "main", "nav", "footer", "h1")] == [1, 1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_header_cell_says_what_it_heads(page: Page) -> None:
    assert {header.get("scope") for header in page.all("th")} == {"row", "col"}


def test_hostile_names_are_text_and_nothing_else(samples: dict[str, Result]) -> None:
    document = page_html(samples["hostile"])

    assert "<script" not in document
    assert "<img" not in document
    assert not {"\x1b", "\u202e", "\ud800", "\ufffe"} & set(document)
    assert "</td><script>alert(1)</script>" in parsed(samples["hostile"]).text


VERDICTS = [
    ("passing", "PASS All 130 judged totals are right, each against one exact number."),
    ("failing", "FAIL 5 of 130 totals are wrong: PV in total: expected 11,339, observed 11,338."),
    ("incomplete", "INCOMPLETE 30.2 % of the attempts were refused or unknown, and 5 % are allowed."),
]


@pytest.mark.parametrize(("name", "sentence"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_the_page_begins_with_the_verdict_in_a_sentence(name: str, sentence: str, samples: dict[str, Result]) -> None:
    assert sentence in parsed(samples[name]).text


SAID = [
    ("a card", "incomplete", "PV 访问次数 7,938 expected 7,910–7,958 width 48 ✓ pass"),
    ("a card that was not read", "incomplete", "Opens 打开次数 not read expected 1,790–1,801 width 11 ? not read"),
    ("a wrong cell", "failing", "Opens of source wechat_ad 1,381 1,382 1 too many ✕ fail"),
    ("a cell in its table", "failing", "春季海报 3,011 expected 3,012 598 639 expected 640 455 ✕ fail"),
    ("a point of the trend", "failing", "2026-03-01 12:00: expected 910, observed 700, fail"),
    ("what cannot be known", "incomplete", "Not checkable New users, 1 cell the wire carries no visitor"),
    ("a finding", "failing", "✕ fail lost 1 acked event is not in the totals. Visitors 12, 90, 91"),
    ("attempts", "incomplete", "refused 4,454 29.9 %"),
    ("latency", "passing", "Response from the intended instant 9.1 ms 31 ms 74 ms 212 ms"),
    ("a service level", "failing", "✕ missed p95 < 200ms 231 ms"),
    ("a definition", "incomplete", "every event more than 30m after the device's previous one begin an open"),
    ("how to reproduce", "passing", "mpsim run scenarios/campaign_day.yaml --seed 7"),
    ("a note", "incomplete", "The target's own definition of opens is launch; timeout=30m was judged."),
    ("the environment", "passing", "Locust 2.47.0"),
]


@pytest.mark.parametrize(("name", "said"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_the_page_says(name: str, said: str, samples: dict[str, Result]) -> None:
    assert said in parsed(samples[name]).text


def test_a_passing_run_shows_no_section_of_what_is_wrong(samples: dict[str, Result]) -> None:
    page = parsed(samples["passing"])

    assert "Not right" not in page.text
    assert "Not checkable" not in page.text


def test_a_run_without_anything_to_show_has_a_page_too(samples: dict[str, Result]) -> None:
    nothing = replace(samples["passing"], verdict="error", metrics=(), slo=(), about="", command="", environment=())

    page = parsed(nothing)

    assert (page.faults, page.open) == ([], [])
    assert "No totals were judged." in page.text


def test_a_page_stays_small_whatever_was_judged(samples: dict[str, Result]) -> None:
    """Every table is cut; those that are wrong are what it keeps."""
    many = tuple(
        Judged(metric, by, f"{'x' * 1_000}{number}", Interval(1, 10**12), 10**15, Verdict.FAIL, "why " * 1_000)
        for by in ("source", "content", "page", "hour", "day")
        for number in range(1_000)
        for metric in ("pv", "uv", "opens", "new_users")
    )
    findings = tuple(Finding("lost", Verdict.FAIL, "text " * 1_000, 1, tuple(range(1_000))) for _ in range(1_000))

    document = page_html(replace(samples["failing"], metrics=many, findings=findings))

    assert len(document.encode("utf-8")) < 2_000_000
    assert "… 900 more, 900 of them not right; result.json has them." in document


def test_a_long_period_is_drawn_without_growing(samples: dict[str, Result]) -> None:
    hours = tuple(
        Judged(metric, "hour", f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:00+08:00", Interval(9, 9), 9, Verdict.PASS)
        for hour in range(384)
        for metric in ("pv", "uv", "opens", "new_users")
    )

    document = page_html(replace(samples["passing"], metrics=hours))

    assert len(document.encode("utf-8")) < 1_000_000
    assert "PV in 384 hours: all as expected" in document
    # A drawing is no name: nothing of it is left out.
    assert [path.count("L") for path in re.findall(r'class="line" d="([^"]*)"', document)] == [384] * 4


def test_a_run_directory_gets_its_three_files(samples: dict[str, Result], tmp_path: Path) -> None:
    page = write_reports(tmp_path, samples["passing"])

    assert page == tmp_path / "report.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html", "result.json"]


def test_long_names_may_break_after_their_joints_and_instants_stay_whole(samples: dict[str, Result]) -> None:
    hour = Judged("pv", "hour", "2026-03-01T12:00+08:00", Interval(2, 2), 1, Verdict.FAIL)
    result = replace(
        samples["failing"], scenario="returning_<b>_campaign", target="http://collector.test:80/", metrics=(hour,)
    )

    document = page_html(result)

    assert "<h1>returning_&lt;b&gt;_<wbr>campaign</h1>" in document
    assert "<dd>http://<wbr>collector.<wbr>test:80/</dd>" in document
    assert '<bdi>PV of hour <span class="whole">2026-03-01T12:00+08:00</span></bdi>' in document


def test_counts_of_the_overview_break_at_their_stroke_and_scroll_rather_than_leave_their_panel(
    samples: dict[str, Result],
) -> None:
    document = page_html(samples["passing"])

    assert "24/<wbr>24</span>" in document
    assert '<div class="panel wide" tabindex="0" role="region" aria-labelledby="overview">' in document
