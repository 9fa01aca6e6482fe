# ruff: noqa: E501  programs are written in JavaScript's own lines
"""require, and ES modules turned into it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.runtime.commonjs import as_commonjs, is_es_module
from tests.runtime.conftest import MakePhone, after, errors, said


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("./utils/x.js", "utils/x.js"),
        ("./utils/x", "utils/x.js"),
        ("utils/x", "utils/x.js"),  # bare, next to the requiring file
        ("/utils/x.js", "utils/x.js"),
        ("./utils/../utils/./x", "utils/x.js"),
        ("./lib", "lib/index.js"),
        ("./pack", "pack/src/main.js"),
        ("dayjs", "miniprogram_npm/dayjs/index.js"),
        ("lodash/get", "node_modules/lodash/get.js"),
        ("@scope/tool", "node_modules/@scope/tool/main.js"),
    ],
)
def test_a_path_leads_where_wechat_says(phone_with: MakePhone, name: str, file: str) -> None:
    files = {
        "app.js": f"App({{}}); console.log(require('{name}'))",
        "pack/package.json": '{"main": "src/main.js"}',
        "node_modules/@scope/tool/package.json": '{"main": "./main"}',
        file: f"module.exports = '{file}'",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == [file], errors(phone)


def test_a_json_file_is_required_as_a_value(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "App({}); console.log(require('./conf.json').a[1])", "conf.json": '{"a": [1, 2]}'})
    phone.launch(after(0))
    assert said(phone) == ["2"]


def test_a_bare_name_is_found_beside_the_file_that_asks(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({}); require('./sdk/t')",
        "sdk/t.js": "console.log(require('conf.js').n)",
        "sdk/conf.js": "exports.n = 7",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["7"]


def test_what_is_not_there_is_an_error_with_its_line_and_the_program_goes_on(phone_with: MakePhone) -> None:
    phone = phone_with(
        {
            "app.js": "App({ onShow() {\n  require('./gone')\n} })",
            "pages/a/a.js": "Page({ onLoad() { console.log('on') } })",
        }
    )
    phone.launch(after(0))
    assert errors(phone) == ["Error: module './gone' is not defined, require args is './gone' (in app.js)"]
    (mark,) = [mark for mark in phone.trace().marks if mark.moment == "error"]
    assert mark.place is not None
    assert (mark.place.file, mark.place.line, mark.place.column) == ("app.js", 2, 3)
    assert said(phone) == ["on"]


def test_a_path_that_leads_out_of_the_program_is_not_there(phone_with: MakePhone) -> None:
    phone = phone_with({"app.js": "App({}); require('../../../etc/passwd')"})
    phone.launch(after(0))
    assert [error.partition(",")[0] for error in errors(phone)] == [
        "Error: module '../../../etc/passwd' is not defined"
    ]


def test_modules_in_a_circle_see_what_is_exported_so_far(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({}); const a = require('./a'); console.log(a.name, a.other)",
        "a.js": "exports.name = 'a'; const b = require('./b'); exports.other = b.seen; exports.late = 1",
        "b.js": "const a = require('./a'); exports.seen = a.name + a.late",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["a aundefined"]


def test_a_module_runs_once_and_one_that_threw_runs_again(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({}); require('./a'); require('./a'); for (let n = 0; n < 2; n++) try { require('./b') } catch (e) { console.log(e.message) }",
        "a.js": "console.log('a')",
        "b.js": "throw new Error('b')",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["a", "b", "b"]


def test_a_file_with_a_syntax_error_fails_where_it_is_required(phone_with: MakePhone) -> None:
    files = {
        "app.js": "App({}); try { require('./b') } catch (e) { console.log(e.name, e instanceof SyntaxError) }",
        "b.js": "(((",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["SyntaxError true"]


def test_each_cold_start_has_modules_of_its_own(phone_with: MakePhone) -> None:
    phone = phone_with(
        {"app.js": "const c = require('./c'); c.n++; console.log(c.n); App({})", "c.js": "exports.n = 0"}
    )
    phone.launch(after(0))
    phone.launch(after(1_000))
    assert said(phone) == ["1", "1"]


# ---- ES modules -------------------------------------------------------------------------------------------------------

ES_MODULES = {
    "all kinds of imports": {
        "main.js": "import d, { x as y, f } from './m.js'\nimport * as all from './m.js'\nimport './side.js'\n"
        "console.log(d(1), y, f(), Object.keys(all).sort().join(), all.default === d, { y }.y, `${y}`)",
        "m.js": "export let x = 5\nexport function f() { return x }\nexport default (n) => n + x\nexport class C {}\nexport const { p, q: [r] } = { p: 1, q: [2] }",
        "side.js": "console.log('side')",
    },
    "bindings are live": {
        "main.js": "import { n, up } from './m.js'\nup(); up()\nconsole.log(n)",
        "m.js": "export let n = 0\nexport const up = () => { n++ }",
    },
    "nearer names win": {
        "main.js": "import { a, b, c } from './m.js'\nfunction f(a, { b }) { var c = 3; { let a = 9; console.log(a) } return [a, b, c].join() }\n"
        "console.log(f(1, { b: 2 }), [7].map((a) => a + b).join(), a, (function a() { return typeof a })())\n"
        "for (const a of [4]) console.log(a)\ntry { throw 5 } catch (b) { console.log(b) }\nconst o = { a, b: c, c() { return b } }\nconsole.log(o.a, o.b, o.c(), a)",
        "m.js": "export const a = 'A', b = 'B', c = 'C'",
    },
    "imports come first": {
        "main.js": "console.log('main')\nimport './m.js'",
        "m.js": "console.log('m')",
    },
    "functions are there in a circle": {
        "main.js": "import { a } from './m.js'\nexport function late() { return 'late' }\nconsole.log(a)",
        "m.js": "import { late } from './main.js'\nexport const a = late()",
    },
    "exports by list, from others and by star": {
        "main.js": "import * as all from './m.js'\nconsole.log(Object.keys(all).sort().join(), all.z, all.ns.k, all.own)",
        "m.js": "const one = 1\nexport { one as own }\nexport { k as z, default as dd } from './n.js'\nexport * from './n.js'\nexport * as ns from './n.js'",
        "n.js": "export const k = 'K'\nexport default 3",
    },
    "default functions and classes": {
        "main.js": "import f from './f.js'\nimport G from './g.js'\nimport h from './h.js'\nconsole.log(f(), new G().x, h)",
        "f.js": "export default function () { return g() }\nfunction g() { return 'g' }",
        "g.js": "export default class G { x = 1 }",
        "h.js": "const v = 3\nexport default v * 2",
    },
    "calls without semicolons before them": {
        "main.js": "import { f } from './m.js'\nconst a = 1\nf(a)\n;[1].forEach(f)\nconst g = f\ng(2)",
        "m.js": "export function f(n) { console.log(n) }",
    },
}


@pytest.mark.parametrize("what", ES_MODULES)
def test_es_modules_mean_what_node_says_they_mean(phone_with: MakePhone, tmp_path: Path, what: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so its ES modules are not compared with")
    for name, text in ES_MODULES[what].items():
        (tmp_path / name).write_text(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    real = subprocess.run([node, "main.js"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)
    phone = phone_with({"app.js": "require('./main.js'); App({})", **ES_MODULES[what]})
    phone.launch(after(0))
    assert said(phone) == real.stdout.splitlines(), errors(phone)
    assert said(phone)


def test_an_es_module_reads_commonjs_by_default_and_by_name(phone_with: MakePhone) -> None:
    files = {
        "app.js": "import t, { track } from './t'\nApp({})\nconsole.log(typeof t.track, track === t.track)",
        "t.js": "module.exports = { track() {} }",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["function true"]


def test_lines_of_an_es_module_stay_true(phone_with: MakePhone) -> None:
    source = "import {\n  a,\n  b\n} from './m'\nexport const\n  c = 1\nexport default\n  2\nthrow new Error(a + b + c)"
    phone = phone_with(
        {"app.js": "App({ onShow() { require('./x') } })", "x.js": source, "m.js": "export const a = 1, b = 2"}
    )
    phone.launch(after(0))
    (mark,) = [mark for mark in phone.trace().marks if mark.moment == "error"]
    assert mark.place is not None
    assert (mark.detail, mark.place.file, mark.place.line) == ("Error: 4", "x.js", 9)


@pytest.mark.parametrize(
    "source", ["const a = 'import x from y'", "// export\nexports.a = 1", "f.import(1)", "import('x')"]
)
def test_the_words_alone_make_no_es_module(source: str) -> None:
    assert not is_es_module(source)


@pytest.mark.parametrize("files", ES_MODULES.values(), ids=ES_MODULES)
def test_as_many_lines_as_before(files: dict[str, str]) -> None:
    for source in files.values():
        assert as_commonjs(source).count("\n") == source.count("\n")


def test_dynamic_import_gives_a_promise(phone_with: MakePhone) -> None:
    files = {
        "app.js": "import './m'\nApp({})\nimport('./m').then((m) => console.log(m.a))",
        "m.js": "export const a = 'A'",
    }
    phone = phone_with(files)
    phone.launch(after(0))
    assert said(phone) == ["A"]


def test_deeply_nested_source_is_read(phone_with: MakePhone) -> None:
    sum_ = "+".join(["a"] * 3_000)
    phone = phone_with(
        {"app.js": f"import {{ a }} from './m'\nApp({{}})\nconsole.log({sum_})", "m.js": "export const a = 1"}
    )
    phone.launch(after(0))
    assert json.loads(said(phone)[0]) == 3_000
