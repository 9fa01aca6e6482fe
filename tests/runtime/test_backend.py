"""The table that stands for the user's own backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.runtime.backend import Backend, answerer, load_backend, login_code
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms

WHO = {"applet-wechat": "oABC", "mobile": "13800000000"}


def ask(backend: Backend, url: str, method: str = "GET", body: bytes = b"") -> Reply:
    answer = answerer(backend, WHO, 7)(Exchange(0, Ms(1_000), method, url, (), body))
    assert isinstance(answer, Reply)
    return answer


def table(folder: Path, *entries: object) -> Backend:
    path = folder / "mpsim.answers.json"
    path.write_text(json.dumps({"answers": entries}), encoding="utf-8")
    return load_backend(path)


def test_each_visitor_gets_their_own_identities(tmp_path: Path) -> None:
    body = {
        "openid": "{applet-wechat}",
        "unionid": "{wechat-unionid}",
        "text": "{mobile}/{wechat-unionid}/{visitor}",
        "list": ["{code}", 5],
    }
    backend = table(tmp_path, {"url": "https://api.example/login", "body": body})
    told = ask(backend, "https://api.example/login?code=0abc")
    assert json.loads(told.body) == {"openid": "oABC", "unionid": None, "text": "13800000000//7", "list": ["0abc", 5]}
    assert (told.status, told.at) == (200, 1_040)


def test_the_first_entry_that_fits_answers(tmp_path: Path) -> None:
    backend = table(
        tmp_path,
        {"url": "https://api.example/*/info", "method": "post", "status": 201, "body": 1},
        {"url": "https://api.example/goods/*", "after": "2s", "body": 2},
        {"url": "https://api.example/q?x=*", "body": 3},
    )
    assert ask(backend, "https://api.example/goods/info", "POST").status == 201
    assert ask(backend, "https://api.example/goods/info?n=1").body == b"2"
    assert ask(backend, "https://api.example/goods/info").at == 3_000
    assert ask(backend, "https://api.example/q?x=5").body == b"3"
    assert ask(backend, "https://api.example/q?y=5").body == b"{}"


def test_nothing_that_fits_is_answered_with_an_empty_object() -> None:
    told = ask(Backend(), "https://anything.example/")
    assert (told.status, told.body) == (200, b"{}")


@pytest.mark.parametrize(
    ("url", "body", "code"),
    [
        ("https://a/?x=1&code=q", b"", "q"),
        ("https://a/", b'{"code": "j"}', "j"),
        ("https://a/", b"a=1&code=f%20", "f "),
        ("https://a/", b'{"code": 5}', ""),
        ("https://a/", b"[" * 100_000, ""),
        ("https://a/", b"\xff\xfe", ""),
    ],
)
def test_the_login_code_is_found_where_it_is(url: str, body: bytes, code: str) -> None:
    assert login_code(Exchange(0, Ms(0), "POST", url, (), body)) == code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", 'expected {"answers"'),
        ('{"answers": [], "more": 1}', 'expected {"answers"'),
        ('{"answers": [{}]}', 'answer 1: expected an object with "url"'),
        ('{"answers": [{"url": "x", "boddy": 1}]}', "answer 1: unknown key boddy; known are after, body"),
        ('{"answers": [{"url": "x", "status": 99}]}', "expected a status from 100 to 599, not 99"),
        ('{"answers": [{"url": "x", "after": "5"}]}', "expected a duration with a unit"),
        ('{"answers": [{"url": "x", "method": 5}]}', "expected a method such as POST"),
        ("{\n x", ":2:2 is not JSON"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_backend(path)
    assert words in str(refused.value)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_backend(tmp_path / "none.json")
