"""A capture file: what is read is what was written, and what is no capture is told with its line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.inspect.listening.recording import Recorder, read_capture
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms

texts = st.text(max_size=20)
headers = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
bodies = st.binary(max_size=40) | texts.map(lambda text: text.encode("utf-8", "replace"))
instants = st.integers(0, 2**45).map(Ms)
replies = st.builds(Reply, instants, st.integers(100, 599), headers, bodies)
exchanges = st.builds(
    Exchange, st.integers(0, 9), instants, texts, texts, headers, bodies, st.none() | replies, failed=texts
)


def written(path: Path, *all_of: Exchange) -> Path:
    recorder = Recorder(path, Ms(1))
    for one in all_of:
        recorder.add(one)
    recorder.close()
    return path


@given(st.lists(exchanges, max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, given_ones: list[Exchange]) -> None:
    path = written(tmp_path_factory.mktemp("capture") / "c.jsonl", *given_ones)

    trace = read_capture(path)

    assert trace.visitor == -1
    assert trace.entries == tuple(sorted(given_ones, key=lambda one: one.number))


def an_exchange(number: int = 0) -> Exchange:
    return Exchange(number, Ms(5), "GET", "http://h/x", (), b"")


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = written(tmp_path / "c.jsonl")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "c.jsonl", an_exchange(0), an_exchange(1))
    path.write_bytes(path.read_bytes()[:-9])

    assert [one.number for one in read_capture(path).exchanges] == [0]


HEAD = '{"what":"mpsim capture","version":1}\n'
ONE = '{"number":0,"at":1,"method":"GET","url":"http://h/","headers":[]'
WRONG = [
    ("empty", "", "empty; expected a capture"),
    ("of something else", '{"a":1}\n', "expected a capture of mpsim"),
    ("of another version", '{"what":"mpsim capture","version":2}\n', "expected a capture of mpsim (version 1)"),
    ("no JSON", f"{HEAD}nonsense\n", ":2: no JSON"),
    ("too deep", f"{HEAD}{'[' * 100_000}\n", ":2: no JSON"),
    ("no object", f"{HEAD}[]\n", ":2: expected a JSON object"),
    ("a key is missing", f'{HEAD}{{"number":0}}\n', ":2: no request of a capture: 'at' is missing"),
    ("a number is none", f'{HEAD}{ONE.replace(":1,", ":true,")}}}\n', ":2: no request of a capture: expected a whole"),
    ("headers are none", f'{HEAD}{ONE.replace("[]", "[1]")}}}\n', ":2: no request of a capture"),
    ("base64 is none", f'{HEAD}{ONE},"base64":"*"}}\n', ":2: no request of a capture"),
    ("a reply is none", f'{HEAD}{ONE},"reply":7}}\n', ":2: no request of a capture"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_no_capture_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as error:
        read_capture(path)

    assert told in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_capture(tmp_path / "none")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--out .*No such file"):
        Recorder(tmp_path / "none" / "c.jsonl", Ms(0))
