"""Reading a mini program's folder: what is in it, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.runtime.program import Program, Reading, Trouble, load_program
from tests.runtime.conftest import write_app


def program(folder: Path, files: Mapping[str, str], reading: Reading = Reading()) -> Program:  # noqa: B008
    return load_program(write_app(folder, files), reading)


def problems(folder: Path, files: Mapping[str, str], reading: Reading = Reading()) -> list[tuple[Trouble, str, int]]:  # noqa: B008
    found = program(folder, files, reading).problems
    return [(problem.trouble, problem.place.file, problem.place.line) for problem in found]


def test_pages_are_those_of_app_json_then_of_the_subpackages(tmp_path: Path) -> None:
    app = {
        "pages": ["pages/a/a", "/pages/b/b", "pages/a/a"],
        "subPackages": [{"root": "shop/", "pages": ["goods/goods"]}],
        "entryPagePath": "pages/b/b",
        "tabBar": {"list": [{"pagePath": "pages/a/a", "text": "首页"}, {"pagePath": "elsewhere"}]},
    }
    files = dict.fromkeys(("pages/a/a.js", "pages/b/b.js", "shop/goods/goods.js"), "Page({})")
    read = program(tmp_path, {"app.json": json.dumps(app), **files})
    assert read.pages == ("pages/a/a", "pages/b/b", "shop/goods/goods")
    assert read.entry == "pages/b/b"
    assert [(tab.page, tab.text) for tab in read.tabs] == [("pages/a/a", "首页")]
    assert read.problems == ()


def test_the_project_file_names_the_appid_and_the_inner_folder(tmp_path: Path) -> None:
    write_app(tmp_path / "mini", {"app.js": "App({})"})
    text = json.dumps({"appid": "wx0123456789abcdef", "miniprogramRoot": "mini/", "projectname": "shop"})
    (tmp_path / "project.config.json").write_text(text)
    read = load_program(tmp_path)
    assert (read.folder, read.appid, read.name) == (tmp_path / "mini", "wx0123456789abcdef", "shop")
    assert load_program(tmp_path, Reading(appid="wxfedcba9876543210")).appid == "wxfedcba9876543210"


def test_an_inner_folder_outside_of_the_project_is_not_followed(tmp_path: Path) -> None:
    write_app(tmp_path / "other", {})
    write_app(tmp_path / "app", {"project.config.json": '{"miniprogramRoot": "../other"}'})
    assert load_program(tmp_path / "app").folder == tmp_path / "app"


@pytest.mark.parametrize(("folder", "words"), [("nowhere", "is not a folder"), ("", "neither app.js nor app.json")])
def test_a_folder_without_a_mini_program_is_a_usage_error(tmp_path: Path, folder: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_program(tmp_path / folder)


def test_a_missing_page_is_a_problem_with_its_line_and_the_others_stay(tmp_path: Path) -> None:
    text = '{\n  "pages": [\n    "pages/a/a",\n    "pages/lost/lost"\n  ]\n}'
    files = {"app.json": text, "pages/a/a.js": "Page({})"}
    assert problems(tmp_path, files) == [(Trouble.MISSING_PAGE, "app.json", 4)]
    assert load_program(tmp_path).pages == ("pages/a/a",)


def test_a_syntax_error_is_a_problem_with_its_line_and_column(tmp_path: Path) -> None:
    read = program(tmp_path, {"pages/a/a.js": "const a = 1\nPage({\n  onLoad() { return ]; }\n})\n"})
    (problem,) = read.problems
    assert (problem.trouble, problem.place.file) == (Trouble.SYNTAX, "pages/a/a.js")
    assert (problem.place.line, problem.place.column) == (3, 21)
    assert problem.text == "SyntaxError: Unexpected token ']'"


def test_the_column_on_a_first_line_is_that_of_the_file(tmp_path: Path) -> None:
    (problem,) = program(tmp_path, {"pages/a/a.js": "Page(}"}).problems
    assert (problem.place.line, problem.place.column) == (1, 6)


@pytest.mark.parametrize("source", ["})); (function () {", "}]; [function () {", "}", "1 }, function () { 2", "*/"])
def test_a_file_that_closes_what_is_around_it_is_a_syntax_error(tmp_path: Path, source: str) -> None:
    assert [trouble for trouble, _, _ in problems(tmp_path, {"pages/a/a.js": source})] == [Trouble.SYNTAX]


def test_bad_json_is_a_problem_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path, {"app.json": '{\n "pages": [,]\n}', "app.js": "App({})"})
    assert found == [(Trouble.BAD_JSON, "app.json", 2), (Trouble.NO_PAGES, "app.json", 0)]


def test_json_that_is_no_object_is_a_problem(tmp_path: Path) -> None:
    found = problems(tmp_path, {"pages/a/a.js": "Page({})", "pages/a/a.json": "[1]"})
    assert found == [(Trouble.BAD_JSON, "pages/a/a.json", 1)]


def test_a_missing_component_is_a_problem(tmp_path: Path) -> None:
    files = {"pages/a/a.js": "Page({})", "pages/a/a.json": '{"usingComponents": {"card": "../../parts/card"}}'}
    assert problems(tmp_path, files) == [(Trouble.MISSING_COMPONENT, "pages/a/a.json", 1)]


def test_bytes_that_are_no_utf8_are_a_problem(tmp_path: Path) -> None:
    write_app(tmp_path, {"pages/a/a.js": "Page({})"})
    (tmp_path / "pages/a/a.js").write_bytes(b"Page({ a: '\xff' })")
    assert [problem.trouble for problem in load_program(tmp_path).problems] == [Trouble.UNREADABLE]


@pytest.mark.parametrize(
    ("reading", "file"),
    [(Reading(most_file_bytes=20), "big.js"), (Reading(most_bytes=60), "big.js"), (Reading(most_files=1), "app.js")],
)
def test_what_is_too_large_is_a_problem_and_not_read(tmp_path: Path, reading: Reading, file: str) -> None:
    files = {"app.js": "App({})", "app.json": "{}", "big.js": "x" * 100}
    found = problems(tmp_path, files, reading)
    assert (Trouble.TOO_LARGE, file, 0) in found


def test_links_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("module.exports = 'secret'")
    app = write_app(tmp_path / "app", {})
    (app / "link.js").symlink_to(tmp_path / "secret.js")
    (app / "pages/b").mkdir(parents=True)
    (app / "app.json").write_text('{"pages": ["pages/a/a", "pages/b/b"]}')
    (app / "pages/b/b.js").symlink_to(tmp_path / "secret.js")
    read = load_program(app)
    assert "link.js" not in read.modules
    assert read.pages == ("pages/a/a",)


def test_packages_are_read_only_where_something_names_them(tmp_path: Path) -> None:
    files = {
        "app.js": "require('used/deep'); App({})",
        "node_modules/used/index.js": "require('@scope/second')",
        "node_modules/used/deep.js": "",
        "node_modules/@scope/second/main.js": "",
        "node_modules/@scope/second/package.json": '{"main": "main.js"}',
        "node_modules/unused/index.js": "(((",
    }
    read = program(tmp_path, files)
    assert read.problems == ()
    assert {file for file in read.modules if file.startswith("node_modules")} == {
        "node_modules/used/index.js",
        "node_modules/used/deep.js",
        "node_modules/@scope/second/main.js",
    }


def test_markup_says_who_is_bound_to_what(tmp_path: Path) -> None:
    markup = """
      <view wx:for="{{goods}}" wx:for-item="one">
        <button bind:tap="open" data-sku-id="{{one.id}}" data-n="{{index}}" />
      </view>
      <form catchsubmit="order" id="form"><input/></form>
    """
    read = program(tmp_path, {"pages/a/a.js": "Page({})", "pages/a/a.wxml": markup})
    assert read.taps["pages/a/a"] == {
        "open": {"type": "tap", "id": "", "dataset": {"skuId": "{{goods[0].id}}", "n": "{{0}}"}},
        "order": {"type": "submit", "id": "form", "dataset": {}},
    }
