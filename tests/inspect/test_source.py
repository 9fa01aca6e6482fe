"""The source of a program as static rules read it: what is required, called and written, and on which line."""

from __future__ import annotations

import pytest

from simulator.inspect.source import OPAQUE, Script, SourceCode, Value
from simulator.runtime.trace import Place


def script(text: str) -> Script:
    return Script("app.js", text.encode())


def test_calls_are_named_by_what_they_are_called_on() -> None:
    text = "getApp().cl_tracker.push({});\nthis.a['b'].c(1);\nnew Thing(2);\n(f)();"

    assert [(called.name, called.place.line) for called in script(text).calls] == [
        ("getApp().cl_tracker.push", 1),
        ("getApp", 1),
        ("this.a.b.c", 2),
        ("Thing", 3),
        ("f", 4),
    ]


def test_a_call_knows_the_functions_around_it() -> None:
    text = "App({onLaunch() { a(); }, onShow: function (p) { b(() => c()); }});\nfunction d() { e(); }"

    assert {called.name: called.inside for called in script(text).calls} == {
        "App": (),
        "a": ("onLaunch",),
        "b": ("onShow",),
        "c": ("onShow", ""),
        "e": ("d",),
    }


VALUES: list[tuple[str, Value]] = [
    ("'a\\'b\\u4e2d'", "a'b中"),
    ("`plain`", "plain"),
    ("`a${b}`", OPAQUE),
    ("12.5", 12.5),
    ("true", True),
    ("null", None),
    ("a + 'b'", OPAQUE),
    ("{a: 1, 'b': x, c}", {"a": 1.0, "b": OPAQUE, "c": OPAQUE}),
    ("['x', 2]", ["x", 2.0]),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_what_is_written_out_has_a_value(text: str, value: Value) -> None:
    (called,) = script(f"f({text});").calls

    assert called.values() == [value]


def test_a_chain_of_calls_may_be_long_and_a_value_deep() -> None:
    long, deep = f"wx{'.add(1)' * 5_000};", f"f({'[' * 5_000}1{']' * 5_000});"

    assert script(long).calls[0].name == f"wx{'.add()' * 4_999}.add"
    assert len(script(deep).calls[0].values()) == 1


REQUIRED = [
    ("var t = require('./utils/cl_tracker.js');", "t"),
    ("const t = require('utils/cl_tracker');", "t"),
    ("require('./utils/cl_tracker.js');", ""),
    ("import t from './utils/cl_tracker.js';", "t"),
    ("import './utils/cl_tracker';", ""),
]


@pytest.mark.parametrize(("line", "variable"), REQUIRED, ids=[line for line, _ in REQUIRED])
def test_the_tracker_is_found_however_it_is_required(line: str, variable: str) -> None:
    code = SourceCode({"app.js": f"// first\n'use strict';\n{line}\nApp({{}});".encode(), "utils/cl_tracker.js": b""})
    assert code.app is not None

    bound = code.bound_tracker(code.app)

    assert bound is not None
    assert (bound[0], code.app.place(bound[1]), code.app.statements[0] == bound[1]) == (
        variable,
        Place("app.js", 3, 1),
        True,
    )


def test_a_tracker_under_another_name_is_told_by_what_app_js_requires() -> None:
    code = SourceCode({"app.js": b"var t = require('./lib/tracking.js');", "lib/tracking.js": b"", "utils/a.js": b""})

    assert code.tracker == "lib/tracking.js"


def test_calls_of_the_tracker_are_those_on_what_it_is_bound_to_and_on_cl_tracker() -> None:
    files = {
        "app.js": b"var t = require('utils/cl_tracker.js');\nt.track('a');\nother.track('b');",
        "pages/a.js": b"getApp().cl_tracker.track('c');\nt.track('d');\nlet u = this.cl_tracker;\nu.track('e');",
        "utils/cl_tracker.js": b"cl_tracker.track('own');",
    }

    assert [called.values() for called in SourceCode(files).tracker_calls("track")] == [["a"], ["c"], ["e"]]


def test_a_file_with_an_error_is_read_as_far_as_it_can_be() -> None:
    assert [called.name for called in script("f(1);\nlet a = ;\ng(2);").calls] == ["f", "g"]
